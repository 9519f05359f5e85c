// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;

/**
 * One kind of transfer of one file past the page cache: begun on the caller's thread, which then waits without its carrier. What cannot
 * be begun like that at once, or after a short wait, goes to {@link IoThreads}. Thread-safe.
 *
 * <p>Only the plain call decides where the file ends and what an error is: an attempt may be refused for reasons of its own.
 */
final class DirectTransfer {
    /** How many transfers are begun patiently after one that could not be begun without waiting: those that allocate come in a row. */
    static final int PATIENT = 64;

    private static final int EAGAIN = Errno.EAGAIN.number();

    /** Has the system transfer, and comes back when it has. */
    @FunctionalInterface
    interface Attempt {
        /**
         * Bytes done, or an errno negated: EAGAIN if the call would have had to wait before the transfer has begun.
         *
         * @param patiently whether it may wait for that, but only for a short time
         */
        long run(long address, int length, long offset, boolean patiently);
    }

    private final Attempt attempt;
    private final PacedTransfer.Transfer plain;
    private final IoThreads threads;
    private final int alignment;
    /** Threads may overlook one another's news. */
    private int left;

    /** Whether the system knows how to. */
    private volatile boolean possible = true;

    /**
     * @param plain does the whole, or up to the end of the file, on the thread that calls it
     * @param alignment of offsets and lengths, a power of two
     */
    DirectTransfer(Attempt attempt, PacedTransfer.Transfer plain, IoThreads threads, int alignment) {
        this.attempt = attempt;
        this.plain = plain;
        this.threads = threads;
        this.alignment = alignment;
    }

    /** Bytes done: less than {@code length} only at the end of the file. */
    int run(long address, int length, long offset) throws BlockException {
        if (!Thread.currentThread().isVirtual()) {
            return plain.run(address, length, offset);
        }
        if (!possible) {
            return threads.call(() -> plain.run(address, length, offset));
        }
        boolean patiently = isWaitExpected();
        long got = attempt.run(address, length, offset, patiently);
        if (got == -EAGAIN && !patiently) {
            left = PATIENT;
            got = attempt.run(address, length, offset, true);
        }
        return got == length ? length : finish(address, length, offset, got);
    }

    private boolean isWaitExpected() {
        int patient = left;
        if (patient == 0) {
            return false;
        }
        left = patient - 1;
        return true;
    }

    /** After an attempt that gave {@code got}. */
    private int finish(long address, int length, long offset, long got) throws BlockException {
        int begun = (int) Math.max(got, 0);
        if ((begun & (alignment - 1)) != 0) {
            // A read that ends inside of a block has met the end of the file.
            return begun;
        }
        int rest = threads.call(() -> plain.run(address + begun, length - begun, offset + begun));
        if (got == -Errno.ENOTSUP.number() || got == -Errno.EINVAL.number()) {
            // The plain call works, and so it is the attempt that does not.
            possible = false;
        }
        return begun + rest;
    }
}
