@NullMarked
package io.loomblock.protocol;

import org.jspecify.annotations.NullMarked;
