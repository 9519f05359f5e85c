@NullMarked
package io.loomblock.driver;

import org.jspecify.annotations.NullMarked;
