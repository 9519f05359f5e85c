/** Programs that use the library, each small, complete, and run by the build. */
@NullMarked
package io.loomblock.examples;

import org.jspecify.annotations.NullMarked;
