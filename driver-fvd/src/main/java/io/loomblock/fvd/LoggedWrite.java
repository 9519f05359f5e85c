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
 * another request has put there. A block that a copy has left in memory only is logged when it is written to. Then the chunks get storage,
 * data is stored, and the journal told. What fails is not logged. Zeros of the base image are not copied to where zeros are. spec: fvd.md
 * sections 9 and 10, E1 to E3, E19.
 */
final class LoggedWrite {
    /** Copy-on-write goes through a buffer of at most this size. */
    private static final int PIECE = 1 << 20;
    /** What the guest writes is copied up to this size, so that it can be stored with what is around it. */
    private static final int MOST_JOINED = 64 << 10;

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
            long from = first < start && !bits.isSet(layout.block(start)) ? first : start;
            long to = end < last && !bits.isSet(layout.block(end - 1)) ? last : end;
            storeWithEdges(from, start, end, to, payload);
            log(from, to);
        }
    }

    /** Stores {@code [start, end)}, and what the base image has around it from {@code from} to {@code to}: at once, if that is little. */
    private void storeWithEdges(long from, long start, long end, long to, Payload payload) throws BlockException {
        int bytes = payload.copiedBytes();
        boolean hasEdges = from < start || end < to;
        if (hasEdges && bytes > 0 && bytes <= MOST_JOINED && to - from <= PIECE) {
            storeJoined(from, start, end, to, payload);
            return;
        }
        copy(from, start);
        copy(end, to);
        store(start, end, payload);
    }

    /** One write costs the system less than three, and more than a copy of few bytes costs us. */
    private void storeJoined(long from, long start, long end, long to, Payload payload) throws BlockException {
        boolean zeroHead = isUnused(from, start);
        boolean zeroTail = isUnused(end, to);
        try (AlignedBuffer buffer = pool.acquireReserved((int) (to - from))) {
            long joinedStart = readBase(from, start, buffer, 0, zeroHead) ? from : start;
            long joinedEnd = readBase(end, to, buffer, (int) (end - from), zeroTail) ? to : end;
            if (joinedStart == start && joinedEnd == end) {
                store(start, end, payload);
                return;
            }
            map(joinedStart, joinedEnd);
            payload.copyTo(buffer, (int) (start - from));
            data.debugEvent(DebugEvent.COW_WRITE);
            IoVector all = IoVector.of(buffer, 0, (int) (to - from));
            area.write(joinedStart, (int) (joinedEnd - joinedStart), all, (int) (joinedStart - from));
        }
    }

    /**
     * Whether nothing was ever stored in {@code [start, end)}, so that it reads as zeros, also once it has storage: the caller has locked its
     * blocks, and whoever else writes to the same chunks writes beside them.
     */
    private boolean isUnused(long start, long end) throws BlockException {
        ChunkTable table = metadata.table();
        if (table == null || start == end) {
            return false;
        }
        long limit = layout.chunk(end - 1) + 1;
        return table.endOfRun(layout.chunk(start), limit, true) == limit;
    }

    /**
     * Reads what the base image has.
     *
     * @param unused whether zeros need not be stored
     * @return whether it has to be stored
     */
    private boolean readBase(long start, long end, AlignedBuffer buffer, int at, boolean unused) throws BlockException {
        int bytes = (int) (end - start);
        if (bytes == 0) {
            return false;
        }
        file.debugEvent(DebugEvent.COW_READ);
        base.read(start, bytes, IoVector.of(buffer, at, bytes), 0);
        return !unused || !buffer.isZero(at, bytes);
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

    /** Copies what the base image has, nothing if that is nowhere. */
    private void copy(long start, long end) throws BlockException {
        if (start == end) {
            return;
        }
        boolean unused = isUnused(start, end);
        try (AlignedBuffer buffer = pool.acquireReserved((int) Math.min(end - start, PIECE))) {
            for (long at = start; at < end; ) {
                int n = (int) Math.min(end - at, buffer.capacity());
                if (readBase(at, at + n, buffer, 0, unused)) {
                    map(at, at + n);
                    data.debugEvent(DebugEvent.COW_WRITE);
                    area.write(at, n, IoVector.of(buffer, 0, n), 0);
                }
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
