// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;

/**
 * Reads of one node that leave a copy of what they found in its backing file.
 *
 * <p>What is copied is whole clusters; who calls this keeps every overlapping request of the node away meanwhile. What lies past the
 * end of the backing file is not copied: nobody reads that again. spec: block-layer.md section 5, "Copy-on-read".
 */
final class CopyOnRead {
    /** Longest piece that is copied at once. */
    private static final int PIECE = 1 << 20;

    private final BlockDriver driver;
    private final Node backing;
    private final AlignedIo io;
    /** Its own: who holds a piece waits for the nodes below, which may copy on read themselves. */
    private final BufferPool pieces = new BufferPool(4L * BufferPool.MAX_BUFFER, 0);

    private final long clusterSize;

    CopyOnRead(BlockDriver driver, Node backing, AlignedIo io) throws BlockException {
        this.driver = driver;
        this.backing = backing;
        this.io = io;
        this.clusterSize = Math.max(1, driver.clusterSize());
    }

    /** Where the first cluster of a range begins. */
    long start(long offset) {
        return AlignedIo.down(offset, clusterSize);
    }

    /** Where the last one ends. */
    long end(long end) {
        return AlignedIo.up(end, clusterSize);
    }

    /** Whether nothing of a range would be copied; true stays true. */
    boolean isLocal(long offset, long bytes) throws BlockException {
        long end = Math.min(offset + bytes, backing.length());
        while (offset < end) {
            BlockStatus status = LayerStatus.told(driver, offset, end - offset);
            if (!isLocal(status)) {
                return false;
            }
            offset += status.length();
        }
        return true;
    }

    private static boolean isLocal(BlockStatus status) {
        return status.isAllocated() || status.isRaw();
    }

    /** Copies what is missing of the clusters from {@code start} to {@code end}, both inside the image. */
    void copy(Limits limits, long start, long end) throws BlockException {
        long last = Math.min(end, AlignedIo.up(backing.length(), clusterSize));
        try (AlignedBuffer piece = pieces.acquire((int) Math.min(PIECE, end - start))) {
            for (long at = start; at < last; ) {
                BlockStatus status = LayerStatus.told(driver, at, last - at);
                long run = status.length();
                if (!isLocal(status)) {
                    run = Math.min(run, piece.capacity());
                    copyPiece(limits, at, (int) run, IoVector.of(piece, 0, (int) run));
                }
                at += run;
            }
        }
    }

    private void copyPiece(Limits limits, long offset, int bytes, IoVector piece) throws BlockException {
        io.read(limits, offset, bytes, piece, 0, 0);
        driver.debugEvent(DebugEvent.COR_WRITE);
        int flags = RequestFlags.WRITE_UNCHANGED;
        if (piece.isZero(0, bytes)) {
            io.writeZeroes(limits, offset, bytes, flags);
        } else {
            io.write(limits, offset, bytes, piece, 0, flags & limits.writeFlags());
        }
    }
}
