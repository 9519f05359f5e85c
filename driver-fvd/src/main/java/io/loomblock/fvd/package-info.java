// SPDX-License-Identifier: Apache-2.0
/** FVD, the Fast Virtual Disk format: compact images, a copy-on-write bitmap, a journal for both. */
@NullMarked
package io.loomblock.fvd;

import org.jspecify.annotations.NullMarked;
