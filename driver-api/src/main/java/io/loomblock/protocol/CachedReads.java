// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;

/**
 * Reads of a file through the page cache: what is there is read on the caller's thread, and what a device must be waited for, which
 * would hold a virtual thread's carrier, on {@link IoThreads}. Thread-safe.
 *
 * <p>Only a read that may wait decides where the file ends and what an error is: some kernels (5.9, 5.10) answer 0 in the middle of a
 * file if they are told not to wait (preadv2(2), BUGS), and sandboxes refuse the question.
 */
final class CachedReads {
    /** More than a read from memory takes, less than one from a device or over a network. */
    static final long QUICK_NANOS = 200_000;

    private static final int EAGAIN = Errno.EAGAIN.number();

    /** The system's calls: what comes back is the number of bytes read, or an errno negated. */
    interface Calls {
        /**
         * Reads what is there without waiting: EAGAIN if that is nothing, and several others if it cannot tell.
         *
         * @param why whether it matters which; if not, -1 may stand for any
         */
        long readWithoutWaiting(long address, long length, long offset, boolean why);

        /** Reads; 0 at the end of the file. */
        long read(long address, long length, long offset);
    }

    private final Calls calls;
    private final IoThreads gatherers = IoThreads.forReadsBegun();
    private final PacedTransfer byPace;

    /** Whether the file system can say that a read would wait; known after the first one. tmpfs and overlayfs cannot. */
    private volatile boolean asked = true;
    /** Whether it is known that it can; if so, what fails has to be waited for. Threads may overlook it. */
    private boolean answers;

    /** @param threads for reads of which nothing is known beforehand */
    CachedReads(Calls calls, IoThreads threads) {
        this.calls = calls;
        this.byPace = new PacedTransfer(this::readWaiting, QUICK_NANOS, threads);
    }

    /** Bytes read: less than {@code length} only at the end of the file. */
    int read(long address, int length, long offset) throws BlockException {
        if (!Thread.currentThread().isVirtual()) {
            return readWaiting(address, length, offset);
        }
        if (!asked) {
            return byPace.run(address, length, offset);
        }
        boolean known = answers;
        long got = calls.readWithoutWaiting(address, length, offset, !known);
        if (!known && (got > 0 || got == -EAGAIN)) {
            answers = true;
            known = true;
        }
        return got == length ? length : readRest(address, length, offset, got, known);
    }

    /** After an attempt that gave {@code got}, and if it can answer has set the device to work on what was not there. */
    private int readRest(long address, int length, long offset, long got, boolean canAnswer) throws BlockException {
        if (got < 0 && !canAnswer) {
            int done = byPace.run(address, length, offset);
            // A read that works, and so it is the question that does not.
            asked = false;
            return done;
        }
        int done = (int) Math.max(got, 0);
        return done + gatherers.call(() -> readWaiting(address + done, length - done, offset + done));
    }

    private int readWaiting(long address, int length, long offset) throws BlockException {
        int done = 0;
        while (done < length) {
            long n = calls.read(address + done, length - done, offset + done);
            if (n < 0) {
                throw new BlockException(Errno.of((int) -n));
            }
            if (n == 0) {
                break;
            }
            done += (int) n;
        }
        return done;
    }
}
