/** A format of one's own, written against the public driver interface alone. */
@NullMarked
package io.loomblock.examples.masked;

import org.jspecify.annotations.NullMarked;
