/** Benchmarks of the block layer and its drivers; what they say stands in docs/performance.md. */
@NullMarked
package io.loomblock.jmh;

import org.jspecify.annotations.NullMarked;
