// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import java.util.Locale;

/** Named points in drivers and in {@link Node}, just before a step: QEMU's blkdebug events, under its names. */
public enum DebugEvent {
    L1_UPDATE,
    L2_LOAD,
    L2_UPDATE,
    READ_AIO,
    READ_BACKING_AIO,
    COW_READ,
    COW_WRITE,
    WRITE_AIO,
    FLUSH_TO_OS,
    FLUSH_TO_DISK,
    PWRITEV,
    PWRITEV_DONE,
    PWRITEV_RMW_HEAD,
    PWRITEV_RMW_AFTER_HEAD,
    PWRITEV_RMW_TAIL,
    PWRITEV_RMW_AFTER_TAIL,
    PWRITEV_ZERO,
    COR_WRITE,
    /** Ours: a header is about to be written. */
    HEADER_UPDATE,
    /** Ours: the zeros of a new L2 table are about to be written. */
    L2_ALLOC_WRITE,
    /** Ours: a page of a bitmap is about to be read. */
    BITMAP_LOAD,
    /** Ours: sectors of a bitmap are about to be written. */
    BITMAP_UPDATE,
    /** Ours: guest data is about to be flushed, so that metadata may follow. */
    DATA_BARRIER;

    /** The name in configuration files. */
    public String eventName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
