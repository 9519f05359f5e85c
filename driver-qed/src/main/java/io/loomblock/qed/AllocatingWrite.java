// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;

/**
 * Writes into clusters that the image does not have yet: takes space, fills it completely, and only then enters it in the tables.
 *
 * <p>The caller holds the clusters' range, so nobody else allocates them meanwhile. What fails leaks its space and changes nothing else.
 * spec: qed.md section 10.3, E13.
 */
final class AllocatingWrite {
    /** Copy-on-write goes through a buffer of at most this size. */
    private static final int PIECE = 1 << 20;

    private final Node file;
    private final BackingFile backing;
    /** Its own: who holds a piece waits for the file, which may be in an image that copies on write itself. */
    private final BufferPool pieces = new BufferPool(2L * BufferPool.MAX_BUFFER, 0);

    AllocatingWrite(Node file, BackingFile backing) {
        this.file = file;
        this.backing = backing;
    }

    /**
     * Writes guest data to clusters without data, all in the span of one L2 table.
     *
     * @param firstEntry the L2 entry of the first cluster: a zero cluster shows nothing of the backing file
     * @param lastEntry that of the last
     */
    void run(QedImage image, long pos, int bytes, IoVector qiov, int qiovOffset, long firstEntry, long lastEntry)
            throws BlockException {
        QedLayout layout = image.layout();
        int head = layout.offsetInCluster(pos);
        long clusters = layout.clusters((long) head + bytes);
        image.tables().prepare(pos, clusters);
        long start = image.space().take(clusters);
        long end = start + clusters * layout.clusterSize();
        long data = start + head;
        int tail = (int) (end - data - bytes);

        int headCopied = copyUp(image, pos - head, start, head, firstEntry);
        zeroInside(start + headCopied, head - headCopied);
        file.debugEvent(DebugEvent.WRITE_AIO);
        file.coWritev(data, bytes, qiov, qiovOffset, 0);
        int tailCopied = copyUp(image, pos + bytes, end - tail, tail, lastEntry);
        zeroUpTo(end, tail - tailCopied);
        image.tables().map(pos, clusters, start, layout.clusterSize());
    }

    /** Zeros in new space, before data: nothing to do where new space reads as zeros. */
    private void zeroInside(long offset, int bytes) throws BlockException {
        if (bytes > 0 && !file.hasZeroInit()) {
            file.debugEvent(DebugEvent.COW_WRITE);
            file.coWriteZeroes(offset, bytes, 0);
        }
    }

    /** Zeros in new space, up to the end of a cluster, where the file must reach. */
    private void zeroUpTo(long end, int bytes) throws BlockException {
        if (bytes > 0) {
            int written = file.hasZeroInit() ? Math.min(bytes, QedLayout.SECTOR) : bytes;
            file.debugEvent(DebugEvent.COW_WRITE);
            file.coWriteZeroes(end - written, written, 0);
        }
    }

    /**
     * Copies what shows through from the backing file, at {@code pos}, to new space at {@code target}; nothing past the end of the disk, so
     * that a disk that grows later shows zeros.
     *
     * @return how many of the bytes were written; what follows them reads as zeros
     */
    private int copyUp(QedImage image, long pos, long target, int bytes, long entry) throws BlockException {
        if (entry == EntryRules.ZERO_CLUSTER || !backing.isOpen()) {
            return 0;
        }
        long onDisk = Math.min(bytes, image.header().get().imageSize() - pos);
        int copied = (int) backing.reach(pos, Math.max(0, onDisk));
        if (copied > 0) {
            try (AlignedBuffer buffer = pieces.acquireReserved(Math.min(copied, PIECE))) {
                for (int done = 0; done < copied; ) {
                    int n = Math.min(copied - done, buffer.capacity());
                    IoVector piece = IoVector.of(buffer, 0, n);
                    backing.read(pos + done, n, piece, 0);
                    file.debugEvent(DebugEvent.COW_WRITE);
                    file.coWritev(target + done, piece);
                    done += n;
                }
            }
        }
        return copied;
    }
}
