// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Repairs what a check has found: an entry that names no storage is emptied, of two chunks in one place the second gets a copy of its own, and
 * storage behind the last chunk is cut off. spec: fvd.md section 16.7, "repair".
 *
 * <p>Storage that nobody names between chunks in use stays. The journal is erased and requests are shut out when this begins. A copy is
 * durable before an entry names it.
 */
final class FvdRepair {
    private static final Logger LOG = LoggerFactory.getLogger(FvdRepair.class);

    private static final int PIECE = 1 << 20;

    private final Node file;
    private final Node data;
    private final FvdLayout layout;
    private final Metadata metadata;
    private final DataArea area;
    private final ChunkTable table;
    private final BufferPool pool;
    private final long growUnit;
    private final long budget;

    private long next;
    private long fixed;
    private long leaksFixed;
    private boolean full;

    /**
     * A repair of a compact image.
     *
     * @param budget bytes of memory for marks
     */
    FvdRepair(FvdImage image, FvdImage.Files files, ChunkTable table, BufferPool pool, long budget) {
        this.file = files.file();
        this.data = files.data();
        this.layout = image.layout();
        this.metadata = image.metadata();
        this.area = image.area();
        this.table = table;
        this.pool = pool;
        this.growUnit = image.header().get().growUnit();
        this.budget = budget;
    }

    /** Repairs what {@code fix} allows, durable when this returns. All of the table can be read. */
    void run(FixMode fix) throws BlockException {
        long storage = layout.storage(data.length());
        scan(storage, fix.errors());
        leaksFixed = cutTail(storage);
        if (fix.errors()) {
            long used = next;
            for (long first = 0; first < used; first += ChunkMarks.most(budget)) {
                separate(first, Math.min(used, first + ChunkMarks.most(budget)));
            }
        }
        metadata.writeBack();
    }

    /** What the check before has found, less what was repaired. */
    CheckResult result(CheckResult found) {
        return new CheckResult(
                found.corruptions() - fixed,
                found.leaks() - leaksFixed,
                found.checkErrors(),
                fixed,
                leaksFixed,
                layout.physicalOffset(next),
                found.totalClusters(),
                found.allocatedClusters(),
                found.compressedClusters(),
                found.fragmentedClusters());
    }

    /** Finds the end of the storage in use; empties entries that name none, if it may. */
    private void scan(long storage, boolean repairs) throws BlockException {
        for (long chunk = 0; chunk < layout.chunks(); chunk++) {
            int entry = ChunkTable.clean(table.entry(chunk));
            if (entry == ChunkTable.EMPTY) {
                continue;
            }
            if (entry < storage && layout.isPhysical(entry)) {
                next = Math.max(next, entry + 1L);
            } else if (repairs) {
                while (!table.setEmpty(chunk)) {
                    metadata.writeBack();
                }
                fixed++;
            }
        }
    }

    /** How many leaked chunks are gone then. A file that keeps its length keeps its leak. */
    private long cutTail(long storage) throws BlockException {
        long end = layout.physicalOffset(next);
        if (storage <= next) {
            return 0;
        }
        DataLength.set(data, end);
        return tailLeak(storage) - tailLeak(layout.storage(data.length()));
    }

    private long tailLeak(long storage) {
        return FvdChecker.tailLeak(layout, growUnit, storage, next);
    }

    /** Gives chunks a place of their own that share one of {@code [first, end)} with another one before them. */
    private void separate(long first, long end) throws BlockException {
        try (ChunkMarks seen = new ChunkMarks(first, end)) {
            for (long chunk = 0; chunk < layout.chunks() && !full; chunk++) {
                int entry = ChunkTable.clean(table.entry(chunk));
                if (entry != ChunkTable.EMPTY && seen.covers(entry) && !seen.mark(entry)) {
                    move(chunk);
                }
            }
        }
    }

    private void move(long chunk) throws BlockException {
        try {
            takeStorage();
        } catch (BlockException e) {
            full = true;
            LOG.warn("{}: no storage for a copy of chunk {}: {}", file, chunk, e.getMessage());
            return;
        }
        copy(chunk);
        metadata.barrier();
        while (!table.set(chunk, 1, next, 0)) {
            metadata.writeBack();
        }
        next++;
        fixed++;
    }

    /** Makes the next physical chunk read as zeros. */
    private void takeStorage() throws BlockException {
        if (!layout.isPhysical(next)) {
            throw new BlockException(Errno.ENOSPC, "no numbers left for more chunks");
        }
        long start = layout.physicalOffset(next);
        long end = layout.physicalOffset(next + 1);
        long old = Math.min(end, data.length()) - start;
        if (old > 0) {
            data.debugEvent(DebugEvent.GROW_ZERO);
            data.coWriteZeroes(start, old, 0);
        }
        if (data.length() < end) {
            DataLength.grow(data, end);
        }
    }

    private void copy(long chunk) throws BlockException {
        long start = layout.chunkStart(chunk);
        long bytes = layout.chunkEnd(chunk) - start;
        try (AlignedBuffer buffer = pool.acquireReserved((int) Math.min(bytes, PIECE))) {
            for (long at = 0; at < bytes; at += buffer.capacity()) {
                IoVector piece = IoVector.of(buffer, 0, (int) Math.min(bytes - at, buffer.capacity()));
                area.read(start + at, piece.size(), piece, 0);
                data.debugEvent(DebugEvent.WRITE_AIO);
                data.coWritev(layout.physicalOffset(next) + at, piece);
            }
        }
    }
}
