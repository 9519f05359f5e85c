// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the system begin to write a file's dirty pages before they are synced, where one sync soon follows another: the device works then
 * while requests are made, and the sync finds less to do.
 *
 * <p>Who has written does that too, as long as it is quick: to wake another thread for it takes longer.
 *
 * <p>Between syncs that are far apart pages are left alone: they may be changed again, and the system writes larger pieces later. Times are
 * those of a clock in nanoseconds. Thread-safe; threads may overlook one another's news.
 */
final class EarlyWriteBack {
    private static final Logger LOG = LoggerFactory.getLogger(EarlyWriteBack.class);

    /** Syncs no further apart than this are close. */
    static final long CLOSE_NANOS = 50_000_000;
    /** So much is written back at a time: less keeps the device busier, and asks the system more often. */
    static final int PIECE = 64 << 10;
    /** Storage is found and the device told in less, unless its queue is full. */
    static final long QUICK_NANOS = 1_000_000;

    private final Runnable begin;
    private final Executor executor;
    private final LongSupplier clock;
    private final Pace pace;
    private final AtomicInteger pending = new AtomicInteger();
    /** Taken while a piece is on its way to the system: one at a time. */
    private final Semaphore turn = new Semaphore(1);

    private volatile boolean active;
    private volatile long lastSync;

    /** {@code begin} has the system write what is dirty, which may take the time of a slow write. */
    EarlyWriteBack(Runnable begin, Executor executor, LongSupplier clock) {
        this.begin = begin;
        this.executor = executor;
        this.clock = clock;
        long now = clock.getAsLong();
        this.lastSync = now - CLOSE_NANOS;
        this.pace = new Pace(QUICK_NANOS, now);
    }

    /** So many bytes have become dirty. */
    void wrote(int bytes) {
        if (!active || pending.addAndGet(bytes) < PIECE) {
            return;
        }
        long now = clock.getAsLong();
        if (!isClose(now)) {
            active = false;
        } else if (turn.tryAcquire()) {
            pending.set(0);
            begin(now);
        }
    }

    /** Whether a sync at this time comes close after the last one. */
    private boolean isClose(long now) {
        return now - lastSync < CLOSE_NANOS;
    }

    /** The guest's write is done and must not fail by this: the next sync writes all. */
    private void begin(long now) {
        boolean handedOn = false;
        try {
            if (pace.expectsWait(now)) {
                executor.execute(this::runHandedOn);
                handedOn = true;
            } else {
                runHere(now);
            }
        } catch (RuntimeException | Error e) {
            active = false;
            LOG.debug("dirty pages are not written back early", e);
        } finally {
            if (!handedOn) {
                turn.release();
            }
        }
    }

    private void runHere(long start) {
        try {
            begin.run();
        } finally {
            pace.took(start, clock.getAsLong(), 0);
        }
    }

    private void runHandedOn() {
        try {
            begin.run();
        } finally {
            turn.release();
        }
    }

    /** A sync begins. */
    void syncs() {
        long now = clock.getAsLong();
        active = isClose(now);
        lastSync = now;
        pending.set(0);
    }

    /** Returns when the system is not at work on a piece, whatever interrupts. */
    void awaitIdle() {
        turn.acquireUninterruptibly();
        turn.release();
    }
}
