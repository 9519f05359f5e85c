// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.RangeLocks;
import io.loomblock.driver.WriteGuard;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/**
 * Stores what the base image has, without telling the journal: a crash forgets it, and the base image still has it.
 *
 * <p>Guests go first: blocks that a write has locked, or waits for, are left out, and those that the image has got meanwhile. Writes to a
 * block that is being stored wait for that. spec: fvd.md sections 9.3, 10 and 11.
 */
final class SoftStore {
    /** Blocks are stored from memory up to this size; larger ones are read from the base image in pieces of it, while they are locked. */
    static final int PIECE = 1 << 20;

    private final Node data;
    private final BackingFile base;
    private final FvdLayout layout;
    private final Metadata metadata;
    private final DataArea area;
    private final LoggedWrite write;
    private final Journal journal;
    private final WriteGuard guard;
    /** Of its own: who holds one may wait for storage, and so for others that need memory. Two threads store, one piece each at a time. */
    private final BufferPool pieces = new BufferPool(2L * PIECE, 0);

    /** Whole blocks in a row, in bytes: {@code [start, end)}. */
    record Region(long start, long end) {
        int bytes() {
            return (int) (end - start);
        }

        /** Whether this is more than is to be kept in memory: then it is to be a single block. */
        boolean isLarge() {
            return end - start > PIECE;
        }
    }

    SoftStore(
            FvdImage.Files files,
            Metadata metadata,
            DataArea area,
            LoggedWrite write,
            Journal journal,
            WriteGuard guard) {
        this.data = files.data();
        this.base = files.base();
        this.layout = metadata.layout();
        this.metadata = metadata;
        this.area = area;
        this.write = write;
        this.journal = journal;
        this.guard = guard;
    }

    /**
     * Where the first blocks of {@code [start, end)} are that are in the base image alone, and in nobody's hands.
     *
     * @return null if there are none
     */
    @Nullable
    Region findMissing(long start, long end) throws BlockException {
        BaseBitmap bits = metadata.bitmap();
        for (long at = start; bits != null && at < end; ) {
            Region missing = firstMissing(bits, at, end);
            if (missing == null) {
                return null;
            }
            try (RangeLocks.Range free = write.blockLocks().tryAcquireGap(missing.start(), missing.end())) {
                if (free != null) {
                    return new Region(free.start(), free.end());
                }
            }
            at = missing.end();
        }
        return null;
    }

    /** The first run of blocks without bits. */
    private @Nullable Region firstMissing(BaseBitmap bits, long start, long end) throws BlockException {
        long last = layout.block(end - 1);
        long from = bits.endOfRun(layout.block(start), last + 1, true);
        if (from > last) {
            return null;
        }
        long to = bits.endOfRun(from, last + 1, false);
        return new Region(layout.blockStart(from), layout.blockEnd(to - 1));
    }

    /** Whether the image has all of the base image. */
    boolean hasAll() throws BlockException {
        BaseBitmap bits = metadata.bitmap();
        return bits == null || bits.hasAll(0, layout.baseSize());
    }

    /**
     * Stores the blocks of a region that the image has not, and nobody is about to write.
     *
     * @param content what the base image has there; null if the region is large
     * @param step what the file of the data is told before each store
     * @throws BlockException of the first that failed; the image has those before it
     */
    void store(Region region, @Nullable IoVector content, DebugEvent step) throws BlockException {
        for (long at = region.start; at < region.end; ) {
            try (RangeLocks.Range free = write.blockLocks().tryAcquireGap(at, region.end)) {
                if (free == null) {
                    return;
                }
                storeLocked(region.start, free.start(), free.end(), content, step);
                at = free.end();
            }
        }
    }

    private void storeLocked(long origin, long start, long end, @Nullable IoVector content, DebugEvent step)
            throws BlockException {
        BaseBitmap bits = metadata.bitmap();
        for (long at = start; bits != null && at < end; ) {
            Region missing = firstMissing(bits, at, end);
            if (missing == null) {
                return;
            }
            guard.check();
            at = missing.end();
            if (content == null) {
                copy(missing.start(), at, step);
            } else {
                int offset = (int) (missing.start() - origin);
                put(missing.start(), (int) (at - missing.start()), content, offset, step);
            }
            journal.setUnlogged(layout.block(missing.start()), layout.block(at - 1) + 1);
        }
    }

    private void copy(long start, long end, DebugEvent step) throws BlockException {
        try (AlignedBuffer buffer = pieces.acquire(PIECE)) {
            for (long at = start; at < end; ) {
                int n = (int) Math.min(end - at, PIECE);
                IoVector piece = IoVector.of(buffer, 0, n);
                base.read(at, n, piece, 0);
                put(at, n, piece, 0, step);
                at += n;
            }
        }
    }

    /** Zeros take no storage. */
    private void put(long at, int bytes, IoVector content, int offset, DebugEvent step) throws BlockException {
        data.debugEvent(step);
        if (layout.isCompact() && content.isZero(offset, bytes)) {
            area.writeZeroes(at, bytes, 0);
        } else {
            write.map(at, at + bytes);
            area.write(at, bytes, content, offset);
        }
    }
}
