/** add-cow: a copy-on-write bitmap beside a data file in any format, mostly raw, over a backing file. */
@NullMarked
package io.loomblock.addcow;

import org.jspecify.annotations.NullMarked;
