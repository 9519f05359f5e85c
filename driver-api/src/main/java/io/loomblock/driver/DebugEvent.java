// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Named points in drivers and in {@link Node}, just before a step: all of QEMU 7.2's blkdebug events under their names, and ours.
 *
 * <p>Only some have a meaning in the formats that there are here; the others may be named, and never come. spec: block-layer.md section
 * 8.
 */
public enum DebugEvent {
    L1_UPDATE,
    L1_GROW_ALLOC_TABLE,
    L1_GROW_WRITE_TABLE,
    L1_GROW_ACTIVATE_TABLE,
    L2_LOAD,
    L2_UPDATE,
    L2_UPDATE_COMPRESSED,
    L2_ALLOC_COW_READ,
    /** A new table is about to be written. */
    L2_ALLOC_WRITE,
    READ_AIO,
    READ_BACKING_AIO,
    READ_COMPRESSED,
    WRITE_AIO,
    WRITE_COMPRESSED,
    VMSTATE_LOAD,
    VMSTATE_SAVE,
    COW_READ,
    COW_WRITE,
    REFTABLE_LOAD,
    REFTABLE_GROW,
    REFTABLE_UPDATE,
    REFBLOCK_LOAD,
    REFBLOCK_UPDATE,
    REFBLOCK_UPDATE_PART,
    REFBLOCK_ALLOC,
    REFBLOCK_ALLOC_HOOKUP,
    REFBLOCK_ALLOC_WRITE,
    REFBLOCK_ALLOC_WRITE_BLOCKS,
    REFBLOCK_ALLOC_WRITE_TABLE,
    REFBLOCK_ALLOC_SWITCH_TABLE,
    CLUSTER_ALLOC,
    CLUSTER_ALLOC_BYTES,
    CLUSTER_FREE,
    /** A node is about to hand metadata to the system. */
    FLUSH_TO_OS,
    /** A node is about to make its storage durable. */
    FLUSH_TO_DISK,
    /** A write that covers a block in part is about to read the first one. */
    PWRITEV_RMW_HEAD,
    PWRITEV_RMW_AFTER_HEAD,
    /** The same with the last block. */
    PWRITEV_RMW_TAIL,
    PWRITEV_RMW_AFTER_TAIL,
    /** A node is about to let its driver write. */
    PWRITEV,
    /** A node is about to let its driver write zeros. */
    PWRITEV_ZERO,
    /** The driver has written, or failed to. */
    PWRITEV_DONE,
    EMPTY_IMAGE_PREPARE,
    L1_SHRINK_WRITE_TABLE,
    L1_SHRINK_FREE_L2_CLUSTERS,
    /** What a read found in the backing file is about to be written to the image. */
    COR_WRITE,
    CLUSTER_ALLOC_SPACE,
    /** No step at all: rules for it hold from the start. */
    NONE,

    /** Ours: a header is about to be written. */
    HEADER_UPDATE,
    /** Ours: a page of a bitmap is about to be read. */
    BITMAP_LOAD,
    /** Ours: sectors of a bitmap are about to be written. */
    BITMAP_UPDATE,
    /** Ours: a bitmap is about to be made longer. */
    BITMAP_GROW,
    /** Ours: guest data is about to be flushed, so that metadata may follow. */
    DATA_BARRIER,
    /** Ours: a check is about to read a piece of a table. */
    CHECK_LOAD,
    /** Ours: a repair is about to write a sector of a table. */
    CHECK_UPDATE,
    /** Ours: part of an image is about to be made zeros, because the disk grows over it. */
    GROW_ZERO,
    /** Ours: the name of a backing file is about to be written. */
    BACKING_UPDATE,
    /** Ours: a page of a chunk table is about to be read. */
    TABLE_LOAD,
    /** Ours: sectors of a chunk table are about to be written. */
    TABLE_UPDATE,
    /** Ours: sectors of a journal are about to be written. */
    JOURNAL_WRITE,
    /** Ours: a journal is about to be emptied into the metadata that it stands for. */
    JOURNAL_RECYCLE,
    /** Ours: a journal is about to be read after a crash. */
    JOURNAL_REPLAY,
    /** Ours: what a read found in the base image is about to be stored. */
    COR_STORE,
    /** Ours: what was fetched ahead of time is about to be stored. */
    PREFETCH_STORE,
    /** Ours: the file of the data is about to be made longer. */
    GROW,
    /** Ours: the file of the data is about to be cut off. */
    SHRINK;

    private final String eventName = name().toLowerCase(Locale.ROOT);

    /** The name in configuration files. */
    public String eventName() {
        return eventName;
    }

    /** The event of this name, or null. */
    public static @Nullable DebugEvent ofName(String name) {
        for (DebugEvent event : values()) {
            if (event.eventName.equals(name)) {
                return event;
            }
        }
        return null;
    }
}
