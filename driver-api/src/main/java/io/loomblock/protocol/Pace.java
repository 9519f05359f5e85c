// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Guesses whether the next call would wait for a device, by how long the last ones took: for calls that cannot be asked that.
 *
 * <p>After a slow call the next few are thought slow too; then, as after a rest, a single one is tried, and the others are handed on
 * until it has come back quick. So when the device is slow one call at most holds the thread that makes it, however long, and when
 * calls are quick none pays more than two clock readings. Times are those of {@link System#nanoTime}. Thread-safe; threads may
 * overlook one another's news.
 */
final class Pace {
    /** How many calls are handed on after a slow one. */
    static final int HANDED_ON = 64;
    /** How long a quick call speaks for those after it. */
    static final long TRUST_NANOS = 1_000_000;
    /** Trust is renewed no more often than this, so that processors need not pass its memory to and fro. */
    private static final long RENEWAL_NANOS = TRUST_NANOS / 4;

    private static final long NONE = 0;

    private final long quickNanos;
    private int left;
    private long lastQuick;
    /** When the call that is tried began. */
    private final AtomicLong trial = new AtomicLong(NONE);

    /** @param quickNanos how long a call may take, besides a nanosecond for each byte that it copies */
    Pace(long quickNanos) {
        this(quickNanos, System.nanoTime());
    }

    /** The same with times of another clock, which says {@code now}. */
    Pace(long quickNanos, long now) {
        this.quickNanos = quickNanos;
        this.lastQuick = now - TRUST_NANOS;
    }

    /**
     * Makes a call that copies so many bytes: here if the caller is a platform thread or no wait is expected, else on one of
     * {@code threads}.
     */
    <T> T run(IoThreads threads, int bytes, IoThreads.Call<T> call) throws BlockException {
        if (!Thread.currentThread().isVirtual()) {
            return call.run();
        }
        long start = System.nanoTime();
        if (expectsWait(start)) {
            return threads.call(call);
        }
        try {
            return call.run();
        } finally {
            took(start, System.nanoTime(), bytes);
        }
    }

    /** Whether to hand on the call that begins now; if not, {@link #took} must be told of its end, even of a failure. */
    boolean expectsWait(long now) {
        int handedOn = left;
        if (handedOn != 0) {
            left = handedOn - 1;
            return true;
        }
        return now - lastQuick >= TRUST_NANOS && !trial.compareAndSet(NONE, now);
    }

    /** A call that was not handed on has come back. */
    void took(long start, long end, int bytes) {
        if (end - start > quickNanos + bytes) {
            left = HANDED_ON;
            lastQuick = end - TRUST_NANOS;
        } else if (end - lastQuick >= RENEWAL_NANOS) {
            lastQuick = end;
        }
        if (trial.get() == start) {
            trial.set(NONE);
        }
    }
}
