// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.driver.Timers;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Runs a job five seconds after the last allocation: the one that writes tables back and clears the need-check bit.
 *
 * <p>An allocation only notes the time; the timer, when it goes off too early, sets itself again. spec: qed.md section 10.6.
 */
final class NeedCheckTimer {
    static final long DELAY_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Timers timers;
    private final Runnable job;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile boolean armed;
    private volatile long lastAllocation;
    private Timers.@Nullable Timer pending;
    private boolean stopped;

    NeedCheckTimer(Timers timers, Runnable job) {
        this.timers = timers;
        this.job = job;
    }

    /** An allocation has finished: the job is due five seconds from now, and not before. */
    void touch() {
        lastAllocation = timers.nanoTime();
        if (!armed) {
            arm(DELAY_NANOS);
        }
    }

    private void arm(long delayNanos) {
        lock.lock();
        try {
            if (!armed && !stopped) {
                armed = true;
                pending = timers.schedule("loomblock-qed-need-check", delayNanos, this::fire);
            }
        } finally {
            lock.unlock();
        }
    }

    private void fire() {
        armed = false;
        long left = lastAllocation + DELAY_NANOS - timers.nanoTime();
        if (left > 0) {
            arm(left);
        } else {
            job.run();
        }
    }

    /** Takes the timer back; a job that has begun goes on. */
    void cancel() {
        lock.lock();
        try {
            armed = false;
            if (pending != null) {
                pending.cancel();
                pending = null;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Cancels for good. */
    void stop() {
        lock.lock();
        try {
            stopped = true;
        } finally {
            lock.unlock();
        }
        cancel();
    }
}
