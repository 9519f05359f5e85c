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
 * data is stored, and the journal told. What fails is not logged. Zeros of the base image are not copied to where zeros are, and where it has
 * nothing else, bits need not wait for the data: what a crash leaves are zeros before and after. spec: fvd.md sections 9 and 10, E1 to E3,
 * E19.
 */
final class LoggedWrite {
    /** Copy-on-write goes through a buffer of at most this size. */
    private static final int PIECE = 1 << 20;
    /** What the guest writes is copied up to this size, so that it can be stored with what is around it. */
    private static final int MOST_JOINED = 64 << 10;
    /** All copies of an image that are under way take so much, and none of it before there is one. */
    private static final long MEMORY = 4L * BufferPool.MAX_BUFFER;

    private final Node file;
    private final Node data;
    private final BackingFile base;
    private final ZeroesOfBase zeroes;
    private final FvdLayout layout;
    private final RecordFormat format;
    private final Metadata metadata;
    private final DataArea area;
    private final @Nullable ChunkMapper mapper;
    private final Journal journal;
    /**
     * Its own: who holds a piece waits for base and data, which may be images that copy on write themselves. Who waits for one is not
     * interrupted, for chunks have been given storage by then.
     */
    private final BufferPool pieces = new BufferPool(MEMORY, 0);

    /** Ranges of whole blocks, in bytes. */
    private final RangeLocks blockLocks = new RangeLocks();

    /**
     * What the base image has beside the guest's data.
     *
     * @param isZero whether the image reads as zeros there, so that zeros need not be stored
     */
    private record Edge(long start, long end, boolean isZero) {
        /** Where it is known to be small. */
        int bytes() {
            return (int) (end - start);
        }
    }

    /** {@code mapper} is null where there is no table. */
    LoggedWrite(
            FvdImage.Files files,
            RecordFormat format,
            Metadata metadata,
            DataArea area,
            @Nullable ChunkMapper mapper,
            Journal journal) {
        this.file = files.file();
        this.data = files.data();
        this.base = files.base();
        this.zeroes = new ZeroesOfBase(base);
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
        run(metadata.unlogged(start, end), start, end, payload);
    }

    /**
     * The same, for one who has looked already.
     *
     * @param unlogged what was not logged of it a moment ago; what is since is logged once more
     */
    void run(Metadata.Unlogged unlogged, long start, long end, Payload payload) throws BlockException {
        BaseBitmap bits = metadata.bitmap();
        if (bits != null && unlogged == Metadata.Unlogged.BITS) {
            overBase(bits, start, end, payload);
            return;
        }
        store(start, end, payload);
        if (unlogged != Metadata.Unlogged.NOTHING) {
            log(false, start, end, true);
        }
    }

    /** Writes where some blocks are not logged, as a rule because they are in the base image only. */
    private void overBase(BaseBitmap bits, long start, long end, Payload payload) throws BlockException {
        long firstBlock = layout.block(start);
        long lastBlock = layout.block(Math.min(end, layout.baseSize()) - 1);
        long first = layout.blockStart(firstBlock);
        long last = layout.blockEnd(lastBlock);
        try (RangeLocks.Range blocks = blockLocks.acquire(first, last)) {
            // Another request may have stored some of the blocks while this one waited.
            boolean hasFirst = bits.isSet(firstBlock);
            boolean hasLast = firstBlock == lastBlock ? hasFirst : bits.isSet(lastBlock);
            boolean blank = payload.needsStorage() && isBlank(first, Math.max(end, last), start);
            long from = hasFirst ? start : first;
            long to = hasLast ? end : Math.max(end, last);
            if (blank) {
                store(start, end, payload);
            } else {
                storeWithEdges(from, start, end, to, payload);
            }
            log(!hasFirst || !hasLast || !bits.isSettled(start, end), from, to, !blank);
        }
    }

    /** Stores {@code [start, end)}, and what the base image has around it from {@code from} to {@code to}: at once, if that is little. */
    private void storeWithEdges(long from, long start, long end, long to, Payload payload) throws BlockException {
        boolean needsStorage = payload.needsStorage();
        boolean zeroHead = needsStorage && isUnusedPart(from, start, start);
        boolean zeroTail = needsStorage && isUnusedPart(end, to, end - 1);
        // Before memory is taken: who waits for storage waits for others that need memory, too.
        if (needsStorage) {
            map(from, to);
        } else {
            map(from, start);
            map(end, to);
        }
        int bytes = payload.copiedBytes();
        boolean hasEdges = from < start || end < to;
        if (hasEdges && bytes > 0 && bytes <= MOST_JOINED && to - from <= PIECE) {
            storeJoined(new Edge(from, start, zeroHead), new Edge(end, to, zeroTail), payload);
            return;
        }
        copy(new Edge(from, start, zeroHead));
        copy(new Edge(end, to, zeroTail));
        payload.store(area);
    }

    /** One write costs the system less than three, and more than a copy of few bytes costs us. */
    private void storeJoined(Edge head, Edge tail, Payload payload) throws BlockException {
        long from = head.start;
        try (AlignedBuffer buffer = pieces.acquireReserved((int) (tail.end - from))) {
            long start = readBase(head, head.start, head.bytes(), buffer, 0) ? head.start : head.end;
            int tailAt = (int) (tail.start - from);
            long end = readBase(tail, tail.start, tail.bytes(), buffer, tailAt) ? tail.end : tail.start;
            if (start == head.end && end == tail.start) {
                payload.store(area);
                return;
            }
            payload.copyTo(buffer, (int) (head.end - from));
            data.debugEvent(DebugEvent.COW_WRITE);
            IoVector all = IoVector.of(buffer, 0, buffer.capacity());
            area.write(start, (int) (end - start), all, (int) (start - from));
        }
    }

    /**
     * Whether nothing was ever stored in {@code [start, end)}, all in the chunk of {@code written}, so that it reads as zeros, also once that has
     * storage: the caller has locked its blocks, and whoever else writes to the same chunk writes beside them.
     */
    private boolean isUnusedPart(long start, long end, long written) throws BlockException {
        ChunkTable table = metadata.table();
        if (table == null || start == end) {
            return false;
        }
        long chunk = layout.chunk(written);
        return layout.chunk(start) == chunk
                && layout.chunk(end - 1) == chunk
                && table.endOfRun(chunk, chunk + 1, true) == chunk + 1;
    }

    /**
     * Whether blocks, of which the bits say the same as the base image whatever becomes of the data, read as zeros before and after. It is the
     * whole blocks that count: some of one may have been copied, and not be durable.
     */
    private boolean isBlank(long start, long end, long written) throws BlockException {
        return isUnusedPart(start, end, written) && zeroes.cover(start, end);
    }

    /** Reads a piece of what the base image has. Returns whether it has to be stored. */
    private boolean readBase(Edge edge, long pos, int bytes, AlignedBuffer buffer, int at) throws BlockException {
        if (bytes == 0) {
            return false;
        }
        file.debugEvent(DebugEvent.COW_READ);
        base.read(pos, bytes, IoVector.of(buffer, at, bytes), 0);
        return !edge.isZero || !buffer.isZero(at, bytes);
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
        if (chunks != null && start < end) {
            while (!chunks.map(layout.chunk(start), layout.chunk(end - 1) + 1)) {
                journal.recycle();
            }
        }
    }

    /** Copies what the base image has, nothing if that is nowhere. */
    private void copy(Edge edge) throws BlockException {
        if (edge.start == edge.end) {
            return;
        }
        try (AlignedBuffer buffer = pieces.acquireReserved((int) Math.min(edge.end - edge.start, PIECE))) {
            for (long at = edge.start; at < edge.end; ) {
                int n = (int) Math.min(edge.end - at, buffer.capacity());
                if (readBase(edge, at, n, buffer, 0)) {
                    data.debugEvent(DebugEvent.COW_WRITE);
                    area.write(at, n, IoVector.of(buffer, 0, n), 0);
                }
                at += n;
            }
        }
    }

    private void log(boolean hasBits, long start, long end, boolean hidesData) throws BlockException {
        var sectors = JournalPlan.of(layout, format, metadata.table(), hasBits, start, end, hidesData);
        if (!sectors.isEmpty()) {
            journal.log(sectors);
        }
    }
}
