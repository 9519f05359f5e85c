// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Has the system begin to write a file's dirty pages before they are synced, where one sync soon follows another: the device works then
 * while requests are made, and the sync finds less to do.
 *
 * <p>Between syncs that are far apart pages are left alone: they may be changed again, and the system writes larger pieces later. Times are
 * those of {@link System#nanoTime}. Thread-safe; threads may overlook one another's news.
 */
final class EarlyWriteBack {
    /** Syncs no further apart than this are close. */
    static final long CLOSE_NANOS = 50_000_000;
    /** So much is written back at a time: enough for a device to have several requests. */
    static final int PIECE = 128 << 10;

    private final Runnable task;
    private final Executor executor;
    private final AtomicInteger pending = new AtomicInteger();
    private final AtomicBoolean underWay = new AtomicBoolean();
    private volatile boolean active;
    private volatile long lastSync;

    /** {@code begin} has the system write what is dirty, which may take the time of a slow write. */
    EarlyWriteBack(Runnable begin, Executor executor) {
        this.task = () -> run(begin);
        this.executor = executor;
        this.lastSync = System.nanoTime() - CLOSE_NANOS;
    }

    /** So many bytes have become dirty. */
    void wrote(int bytes) {
        if (active && pending.addAndGet(bytes) >= PIECE && underWay.compareAndSet(false, true)) {
            pending.set(0);
            executor.execute(task);
        }
    }

    private void run(Runnable begin) {
        try {
            begin.run();
        } finally {
            underWay.set(false);
        }
    }

    /** A sync begins. */
    void syncs(long now) {
        active = now - lastSync < CLOSE_NANOS;
        lastSync = now;
        pending.set(0);
    }
}
