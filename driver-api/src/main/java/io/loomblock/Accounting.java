// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.util.concurrent.atomic.LongAdder;

/**
 * What a device was asked to do: operations, bytes and summed latency for each kind of request, failures apart.
 *
 * <p>Counted by {@link BlockDevice}, so metadata and copy-on-write are not in it. Thread-safe; figures read while requests run are
 * each exact at some moment, not all at the same one. spec: block-layer.md section 6.
 */
public final class Accounting {
    /** Kinds of requests. */
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
     * @param totalTimeNanos sum of the latencies of all requests
     */
    public record Figures(long operations, long bytes, long failed, long totalTimeNanos) {}

    private final Counters reads = new Counters();
    private final Counters writes = new Counters();
    private final Counters flushes = new Counters();
    private final Counters unmaps = new Counters();

    Accounting() {}

    /** The figures of one kind so far. */
    public Figures of(Kind kind) {
        return counters(kind).figures();
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
        c.nanos.add(System.nanoTime() - startNanos);
    }

    void failed(Kind kind, long startNanos) {
        Counters c = counters(kind);
        c.failed.increment();
        c.nanos.add(System.nanoTime() - startNanos);
    }

    private static final class Counters {
        final LongAdder operations = new LongAdder();
        final LongAdder bytes = new LongAdder();
        final LongAdder failed = new LongAdder();
        final LongAdder nanos = new LongAdder();

        Figures figures() {
            return new Figures(operations.sum(), bytes.sum(), failed.sum(), nanos.sum());
        }
    }
}
