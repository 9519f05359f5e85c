// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;

/**
 * One kind of transfer of one file past the page cache: begun on the caller's thread, which then waits without its carrier. What cannot
 * be begun at once goes to {@link IoThreads}; writes, which as a rule have storage to be allocated then, first try to wait for that where
 * they are. Thread-safe.
 *
 * <p>Only the plain call decides where the file ends and what an error is: an attempt may be refused for reasons of its own.
 */
final class DirectTransfer {
    /** After a transfer that could not be begun at once so many more are expected not to be: those that allocate come in a row. */
    static final int IN_A_ROW = 64;

    private static final int EAGAIN = Errno.EAGAIN.number();

    /** Has the system transfer, and comes back when it has. */
    @FunctionalInterface
    interface Attempt {
        /**
         * Bytes done, or an errno negated: EAGAIN if the call would have had to wait before the transfer has begun.
         *
         * @param patiently whether it may wait for that here, if that is not expected to take long
         */
        long run(long address, int length, long offset, boolean patiently);
    }

    private final Attempt attempt;
    private final PacedTransfer.Transfer plain;
    private final IoThreads threads;
    private final int alignment;
    private final boolean writes;
    /** Threads may overlook one another's news. */
    private int left;

    /** Whether the system knows how to. */
    private volatile boolean possible = true;

    private DirectTransfer(
            Attempt attempt, PacedTransfer.Transfer plain, IoThreads threads, int alignment, boolean writes) {
        this.attempt = attempt;
        this.plain = plain;
        this.threads = threads;
        this.alignment = alignment;
        this.writes = writes;
    }

    /**
     * Reads; none is patient, as what they would wait for is a device.
     *
     * @param plain reads the whole, or up to the end of the file, on the thread that calls it
     * @param alignment of offsets and lengths, a power of two
     */
    static DirectTransfer ofReads(Attempt attempt, PacedTransfer.Transfer plain, IoThreads threads, int alignment) {
        return new DirectTransfer(attempt, plain, threads, alignment, false);
    }

    /**
     * Writes.
     *
     * @param plain writes the whole on the thread that calls it
     * @param alignment of offsets and lengths, a power of two
     */
    static DirectTransfer ofWrites(Attempt attempt, PacedTransfer.Transfer plain, IoThreads threads, int alignment) {
        return new DirectTransfer(attempt, plain, threads, alignment, true);
    }

    /** Bytes done: less than {@code length} only at the end of the file that is read. */
    int run(long address, int length, long offset) throws BlockException {
        if (!Thread.currentThread().isVirtual()) {
            return plain.run(address, length, offset);
        }
        long got = possible ? attempt(address, length, offset) : -EAGAIN;
        return got == length ? length : finish(address, length, offset, got);
    }

    private long attempt(long address, int length, long offset) {
        int expected = left;
        if (expected == 0) {
            long got = attempt.run(address, length, offset, false);
            if (got != -EAGAIN) {
                return got;
            }
            left = IN_A_ROW;
        } else {
            left = expected - 1;
        }
        return writes ? attempt.run(address, length, offset, true) : -EAGAIN;
    }

    /** After an attempt that gave {@code got}. */
    private int finish(long address, int length, long offset, long got) throws BlockException {
        int begun = (int) Math.max(got, 0);
        if (!writes && (begun & (alignment - 1)) != 0) {
            // A read that ends inside of a block has met the end of the file.
            return begun;
        }
        int done = begun & -alignment;
        int rest = threads.call(() -> plain.run(address + done, length - done, offset + done));
        if (got == -Errno.ENOTSUP.number() || got == -Errno.EINVAL.number()) {
            // The plain call works, and so it is the attempt that does not.
            possible = false;
        }
        return done + rest;
    }
}
