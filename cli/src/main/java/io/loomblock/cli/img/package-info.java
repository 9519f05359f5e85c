@NullMarked
package io.loomblock.cli.img;

import org.jspecify.annotations.NullMarked;
