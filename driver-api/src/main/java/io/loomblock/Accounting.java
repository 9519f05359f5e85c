// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * What a device was asked to do: operations, bytes and summed latency for each kind of request, failed and invalid ones apart.
 *
 * <p>Counted by {@link BlockDevice}, so metadata and copy-on-write are not in it. A request that was stopped by an error counts once,
 * when it is over; one that was broken off while it waited to begin (EINTR, EBADF) does not count. Thread-safe; figures read while
 * requests run are each exact at some moment, not all at the same one. spec: block-layer.md section 6.
 */
public final class Accounting {
    private static final int STRIPES = 16;
    /** Longs between two stripes: two cache lines, because processors fetch lines in pairs. */
    private static final int SPACING = 16;

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

    private final Counters reads = new Counters();
    private final Counters writes = new Counters();
    private final Counters flushes = new Counters();
    private final Counters unmaps = new Counters();
    /** When the last request ended, by stripe of the thread that made it: threads that end at once do not meet. */
    private final AtomicLongArray ended = new AtomicLongArray((STRIPES + 1) * SPACING);

    Accounting() {
        long now = System.nanoTime();
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            ended.set((stripe + 1) * SPACING, now);
        }
    }

    /** The figures of one kind so far. */
    public Figures of(Kind kind) {
        return counters(kind).figures();
    }

    /** Nanoseconds since a request last ended, whether well or not; since the device was opened if there was none. */
    public long idleNanos() {
        long now = System.nanoTime();
        long least = Long.MAX_VALUE;
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            least = Math.min(least, now - ended.get((stripe + 1) * SPACING));
        }
        return Math.max(0, least);
    }

    private Counters counters(Kind kind) {
        return switch (kind) {
            case READ -> reads;
            case WRITE -> writes;
            case FLUSH -> flushes;
            case UNMAP -> unmaps;
        };
    }

    void done(Kind kind, long bytes, long startNanos) {
        Counters c = counters(kind);
        c.operations.increment();
        c.bytes.add(bytes);
        c.nanos.add(end() - startNanos);
    }

    void failed(Kind kind, long startNanos) {
        Counters c = counters(kind);
        c.failed.increment();
        c.nanos.add(end() - startNanos);
    }

    void invalid(Kind kind) {
        counters(kind).invalid.increment();
        end();
    }

    private long end() {
        long now = System.nanoTime();
        int stripe = (int) Thread.currentThread().threadId() & (STRIPES - 1);
        ended.lazySet((stripe + 1) * SPACING, now);
        return now;
    }

    private static final class Counters {
        final LongAdder operations = new LongAdder();
        final LongAdder bytes = new LongAdder();
        final LongAdder failed = new LongAdder();
        final LongAdder invalid = new LongAdder();
        final LongAdder nanos = new LongAdder();

        Figures figures() {
            return new Figures(operations.sum(), bytes.sum(), failed.sum(), invalid.sum(), nanos.sum());
        }
    }
}
