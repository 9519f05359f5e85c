/**
 * How a name and options become a tree of nodes, and a new image: what {@link io.loomblock.BlockDevice} opens and creates by. Not for
 * other callers.
 */
@NullMarked
package io.loomblock.open;

import org.jspecify.annotations.NullMarked;
