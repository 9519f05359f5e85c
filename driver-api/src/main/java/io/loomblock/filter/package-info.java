/** Drivers that stand on another driver and change what happens to requests on their way: fault injection, verification and the like. */
@NullMarked
package io.loomblock.filter;

import org.jspecify.annotations.NullMarked;
