// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.RangeLocks;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/**
 * A write that changes metadata: to chunks without storage, or to blocks that are still in the base image.
 *
 * <p>First all blocks that it touches are locked, unless the image has them: what is stored around the guest's data must not overwrite what
 * another request has put there. A block that a copy has left in memory only is logged when it is written to. Then the chunks get storage, data is stored, and the journal told. What fails is not logged. spec: fvd.md
 * sections 9 and 10, E1 to E3, E19.
 */
final class LoggedWrite {
    /** Copy-on-write goes through a buffer of at most this size. */
    private static final int PIECE = 1 << 20;

    private final Node file;
    private final Node data;
    private final BackingFile base;
    private final BufferPool pool;
    private final FvdLayout layout;
    private final RecordFormat format;
    private final Metadata metadata;
    private final DataArea area;
    private final @Nullable ChunkMapper mapper;
    private final Journal journal;
    /** Ranges of whole blocks, in bytes. */
    private final RangeLocks blockLocks = new RangeLocks();

    /** How the guest's part is stored. */
    interface Payload {
        /** Whether chunks need storage for it. */
        boolean needsStorage();

        void store(DataArea area) throws BlockException;
    }

    /** {@code mapper} is null where there is no table. */
    LoggedWrite(
            FvdImage.Files files,
            BufferPool pool,
            RecordFormat format,
            Metadata metadata,
            DataArea area,
            @Nullable ChunkMapper mapper,
            Journal journal) {
        this.file = files.file();
        this.data = files.data();
        this.base = files.base();
        this.pool = pool;
        this.layout = metadata.layout();
        this.format = format;
        this.metadata = metadata;
        this.area = area;
        this.mapper = mapper;
        this.journal = journal;
    }

    /** Who has a range of blocks locked is the only one that stores some of them while the image has not got them. */
    RangeLocks blockLocks() {
        return blockLocks;
    }

    /** Writes {@code [start, end)}. */
    void run(long start, long end, Payload payload) throws BlockException {
        BaseBitmap bits = metadata.bitmap();
        if (bits == null || bits.isSettled(start, end)) {
            store(start, end, payload);
            log(start, end);
            return;
        }
        long first = layout.blockStart(layout.block(start));
        long last = layout.blockEnd(layout.block(Math.min(end, layout.baseSize()) - 1));
        try (RangeLocks.Range blocks = blockLocks.acquire(first, last)) {
            // Another request may have stored some of the blocks while this one waited.
            boolean copiesHead = first < start && !bits.isSet(layout.block(start));
            boolean copiesTail = end < last && !bits.isSet(layout.block(end - 1));
            if (copiesHead) {
                copy(first, start);
            }
            if (copiesTail) {
                copy(end, last);
            }
            store(start, end, payload);
            log(copiesHead ? first : start, copiesTail ? last : end);
        }
    }

    private void store(long start, long end, Payload payload) throws BlockException {
        if (payload.needsStorage()) {
            map(start, end);
        }
        payload.store(area);
    }

    /** Gives storage to all chunks that {@code [start, end)} touches. */
    void map(long start, long end) throws BlockException {
        ChunkMapper chunks = mapper;
        if (chunks != null) {
            while (!chunks.map(layout.chunk(start), layout.chunk(end - 1) + 1)) {
                journal.recycle();
            }
        }
    }

    /** Copies what the base image has around the guest's part. */
    private void copy(long start, long end) throws BlockException {
        map(start, end);
        try (AlignedBuffer buffer = pool.acquireReserved((int) Math.min(end - start, PIECE))) {
            for (long at = start; at < end; ) {
                int n = (int) Math.min(end - at, buffer.capacity());
                IoVector piece = IoVector.of(buffer, 0, n);
                file.debugEvent(DebugEvent.COW_READ);
                base.read(at, n, piece, 0);
                data.debugEvent(DebugEvent.COW_WRITE);
                area.write(at, n, piece, 0);
                at += n;
            }
        }
    }

    private void log(long start, long end) throws BlockException {
        var sectors = JournalPlan.of(layout, format, metadata.table(), metadata.bitmap(), start, end);
        if (!sectors.isEmpty()) {
            journal.log(sectors);
        }
    }
}
