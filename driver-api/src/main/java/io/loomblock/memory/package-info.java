@NullMarked
package io.loomblock.memory;

import org.jspecify.annotations.NullMarked;
