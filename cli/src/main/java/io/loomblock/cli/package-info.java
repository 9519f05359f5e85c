@NullMarked
package io.loomblock.cli;

import org.jspecify.annotations.NullMarked;
