// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/** Holds the workers of a job to a number of bytes a second, in the order in which they ask. */
final class RateLimit {
    private static final double NANOS = TimeUnit.SECONDS.toNanos(1);

    private final long bytesPerSecond;
    private final ReentrantLock lock = new ReentrantLock();
    /** When everything that was taken so far will have been paid for. */
    private long paidAt = System.nanoTime();

    /** 0 bytes a second for no limit. */
    RateLimit(long bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
    }

    /** Waits until {@code bytes} more may be sent. */
    void take(int bytes) {
        if (bytesPerSecond == 0) {
            return;
        }
        long now = System.nanoTime();
        long turn;
        lock.lock();
        try {
            turn = paidAt - now > 0 ? paidAt : now;
            paidAt = turn + (long) (bytes * NANOS / bytesPerSecond);
        } finally {
            lock.unlock();
        }
        for (long left = turn - System.nanoTime(); left > 0; left = turn - System.nanoTime()) {
            LockSupport.parkNanos(this, left);
        }
    }
}
