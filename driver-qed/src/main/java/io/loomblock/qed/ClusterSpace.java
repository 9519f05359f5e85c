// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.Node;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Where new clusters come from: the end of the file, by one atomic addition, never anywhere else. spec: qed.md section 1.
 *
 * <p>A part of a cluster at the end of the file is cut off before the first allocation, so that its bytes never show through.
 */
final class ClusterSpace {
    private final Node file;
    private final QedLayout layout;
    private final AtomicLong end;
    private final ReentrantLock cutLock = new ReentrantLock();
    private volatile boolean cut;

    ClusterSpace(Node file, QedLayout layout, long fileEnd) {
        this.file = file;
        this.layout = layout;
        this.end = new AtomicLong(fileEnd);
    }

    /** Where the clusters end that were allocated so far. */
    long end() {
        return end.get();
    }

    /**
     * Takes {@code clusters} clusters, contiguous; a request that fails later leaks them.
     *
     * @return where they start in the file; they read as zeros there
     * @throws BlockException EFBIG if the file cannot be that long, or of the cut
     */
    long take(long clusters) throws BlockException {
        if (!cut) {
            cutOnce();
        }
        long bytes = clusters * layout.clusterSize();
        while (true) {
            long start = end.get();
            if (start > Long.MAX_VALUE - bytes) {
                throw new BlockException(Errno.EFBIG);
            }
            if (end.compareAndSet(start, start + bytes)) {
                return start;
            }
        }
    }

    private void cutOnce() throws BlockException {
        cutLock.lock();
        try {
            if (!cut) {
                if (file.length() > end.get()) {
                    file.truncate(end.get(), true, PreallocationMode.OFF);
                    file.flush();
                }
                cut = true;
            }
        } finally {
            cutLock.unlock();
        }
    }
}
