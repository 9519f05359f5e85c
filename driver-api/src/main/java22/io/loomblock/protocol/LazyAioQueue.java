// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A file's queue of requests, opened by the first of them: most files that tools open see none from a virtual thread. Thread-safe. */
final class LazyAioQueue {
    private final AioQueue.Opener opener;
    private final ReentrantLock lock = new ReentrantLock();
    /** Null before the first request, and where there is none to be had. */
    private volatile @Nullable AioQueue queue;
    /** Nothing is opened any more: because the system refused, or because the file is closed. */
    private volatile boolean settled;

    LazyAioQueue(AioQueue.Opener opener) {
        this.opener = opener;
    }

    /** {@link AioQueue#run}, or EOPNOTSUPP negated where there is no queue. */
    long run(short command, int fd, long address, int length, long offset, boolean patiently) {
        AioQueue open = queue;
        if (open == null && !settled) {
            open = open();
        }
        return open == null ? -LinuxConstants.EOPNOTSUPP : open.run(command, fd, address, length, offset, patiently);
    }

    private @Nullable AioQueue open() {
        lock.lock();
        try {
            if (!settled) {
                queue = opener.open();
                settled = true;
            }
            return queue;
        } finally {
            lock.unlock();
        }
    }

    /** {@link AioQueue#close}, if there is one. */
    void close(int fd) throws BlockException {
        AioQueue open;
        lock.lock();
        try {
            settled = true;
            open = queue;
        } finally {
            lock.unlock();
        }
        if (open != null) {
            open.close(fd);
        }
    }
}
