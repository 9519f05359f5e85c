// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.Stripes;

/**
 * What a device was asked to do: operations, bytes and summed latency for each kind of request, failed and invalid ones apart.
 *
 * <p>Counted by {@link BlockDevice}, so metadata and copy-on-write are not in it. A request that was stopped by an error counts once,
 * when it is over; one that was broken off while it waited to begin (EINTR, EBADF) does not count. Thread-safe; figures read while
 * requests run are each exact at some moment, not all at the same one. spec: block-layer.md section 6.
 */
public final class Accounting {
    /** The time at which one of the requests last ended that were counted in a stripe. */
    private static final int ENDED = 0;
    // Which are the figures of a kind, from its first on.
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

    /** Those of a request stand side by side. */
    private final Stripes stripes = new Stripes(1 + Kind.values().length * FIGURES);

    Accounting() {
        stripes.setAll(ENDED, System.nanoTime());
    }

    /** The figures of one kind so far. */
    public Figures of(Kind kind) {
        return new Figures(
                sum(kind, OPERATIONS), sum(kind, BYTES), sum(kind, FAILED), sum(kind, INVALID), sum(kind, NANOS));
    }

    private long sum(Kind kind, int figure) {
        return stripes.fold(first(kind) + figure, 0, Long::sum);
    }

    /** Nanoseconds since a request last ended, whether well or not; since the device was opened if there was none. */
    public long idleNanos() {
        long now = System.nanoTime();
        return Math.max(0, stripes.fold(ENDED, Long.MAX_VALUE, (least, ended) -> Math.min(least, now - ended)));
    }

    void done(Kind kind, long bytes, long startNanos) {
        int stripe = stripes.mine();
        int first = first(kind);
        stripes.add(stripe, first + OPERATIONS, 1);
        stripes.add(stripe, first + BYTES, bytes);
        stripes.add(stripe, first + NANOS, end(stripe) - startNanos);
    }

    void failed(Kind kind, long startNanos) {
        int stripe = stripes.mine();
        int first = first(kind);
        stripes.add(stripe, first + FAILED, 1);
        stripes.add(stripe, first + NANOS, end(stripe) - startNanos);
    }

    void invalid(Kind kind) {
        int stripe = stripes.mine();
        stripes.add(stripe, first(kind) + INVALID, 1);
        end(stripe);
    }

    private long end(int stripe) {
        long now = System.nanoTime();
        stripes.setLazily(stripe, ENDED, now);
        return now;
    }

    private static int first(Kind kind) {
        return ENDED + 1 + kind.ordinal() * FIGURES;
    }
}
