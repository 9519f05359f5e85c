/** The masked format keeps what it is given, and refuses what it must not trust. */
@NullMarked
package io.loomblock.examples.masked;

import org.jspecify.annotations.NullMarked;
