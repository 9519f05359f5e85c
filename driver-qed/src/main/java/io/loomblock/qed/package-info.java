/** QED, the QEMU Enhanced Disk format: two-level tables, copy-on-write, need-check bit, check and repair. */
@NullMarked
package io.loomblock.qed;

import org.jspecify.annotations.NullMarked;
