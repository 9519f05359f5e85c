// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * What a device was asked to do: operations, bytes and summed latency for each kind of request, failed and invalid ones apart.
 *
 * <p>Counted by {@link BlockDevice}, so metadata and copy-on-write are not in it. A request that was stopped by an error counts once,
 * when it is over; one that was broken off while it waited to begin (EINTR, EBADF) does not count. Thread-safe; figures read while
 * requests run are each exact at some moment, not all at the same one. spec: block-layer.md section 6.
 */
public final class Accounting {
    private static final int STRIPES = 16;
    /** Longs of a stripe: its figures, and what keeps those of the next one out of the cache lines that processors fetch with them. */
    private static final int SPACING = 48;
    /** Where in a stripe the time is at which one of its requests last ended. */
    private static final int ENDED = 0;
    // Where the figures of a kind are, from its place in the stripe on.
    private static final int OPERATIONS = 0;
    private static final int BYTES = 1;
    private static final int NANOS = 2;
    private static final int FAILED = 3;
    private static final int INVALID = 4;
    private static final int FIGURES = 5;

    /** Kinds of requests; zero writes count as writes. */
    public enum Kind {
        READ,
        WRITE,
        FLUSH,
        UNMAP
    }

    /**
     * Figures of one kind.
     *
     * @param operations requests that succeeded
     * @param bytes bytes that they transferred
     * @param failed requests that failed
     * @param invalid requests that were refused before they began: out of bounds, or a write to a read-only disk
     * @param totalTimeNanos sum of the latencies of all requests but the invalid ones, from the call on, waits included
     */
    public record Figures(long operations, long bytes, long failed, long invalid, long totalTimeNanos) {}

    /**
     * All figures in sixteen stripes, shared by threads whose numbers leave the same remainder: those of a request stand side by side, and
     * threads that count at once do not meet, as a rule.
     */
    private final AtomicLongArray stripes = new AtomicLongArray((STRIPES + 1) * SPACING);

    Accounting() {
        long now = System.nanoTime();
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            stripes.set(start(stripe) + ENDED, now);
        }
    }

    /** The figures of one kind so far. */
    public Figures of(Kind kind) {
        return new Figures(
                sum(kind, OPERATIONS), sum(kind, BYTES), sum(kind, FAILED), sum(kind, INVALID), sum(kind, NANOS));
    }

    private long sum(Kind kind, int figure) {
        long sum = 0;
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            sum += stripes.get(place(start(stripe), kind) + figure);
        }
        return sum;
    }

    /** Nanoseconds since a request last ended, whether well or not; since the device was opened if there was none. */
    public long idleNanos() {
        long now = System.nanoTime();
        long least = Long.MAX_VALUE;
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            least = Math.min(least, now - stripes.get(start(stripe) + ENDED));
        }
        return Math.max(0, least);
    }

    void done(Kind kind, long bytes, long startNanos) {
        int stripe = stripe();
        int place = place(stripe, kind);
        stripes.getAndAdd(place + OPERATIONS, 1);
        stripes.getAndAdd(place + BYTES, bytes);
        stripes.getAndAdd(place + NANOS, end(stripe) - startNanos);
    }

    void failed(Kind kind, long startNanos) {
        int stripe = stripe();
        int place = place(stripe, kind);
        stripes.getAndAdd(place + FAILED, 1);
        stripes.getAndAdd(place + NANOS, end(stripe) - startNanos);
    }

    void invalid(Kind kind) {
        int stripe = stripe();
        stripes.getAndAdd(place(stripe, kind) + INVALID, 1);
        end(stripe);
    }

    private long end(int stripe) {
        long now = System.nanoTime();
        stripes.lazySet(stripe + ENDED, now);
        return now;
    }

    /** Where this thread's stripe starts. */
    private static int stripe() {
        return start((int) Thread.currentThread().threadId() & (STRIPES - 1));
    }

    private static int start(int stripe) {
        return (stripe + 1) * SPACING;
    }

    private static int place(int stripe, Kind kind) {
        return stripe + ENDED + 1 + kind.ordinal() * FIGURES;
    }
}
