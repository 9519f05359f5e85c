@NullMarked
package io.loomblock;

import org.jspecify.annotations.NullMarked;
