@NullMarked
package io.loomblock.raw;

import org.jspecify.annotations.NullMarked;
