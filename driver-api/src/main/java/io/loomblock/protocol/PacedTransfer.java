// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;

/** One kind of transfer of one file's data, which runs on the caller's thread as long as that is quick. Thread-safe. */
final class PacedTransfer {
    /** Between memory and file; gives the bytes done. */
    @FunctionalInterface
    interface Transfer {
        int run(long address, int length, long offset) throws BlockException;
    }

    private final Transfer transfer;
    private final Pace pace;
    private final IoThreads threads;

    PacedTransfer(Transfer transfer, long quickNanos, IoThreads threads) {
        this.transfer = transfer;
        this.pace = new Pace(quickNanos);
        this.threads = threads;
    }

    int run(long address, int length, long offset) throws BlockException {
        long start = System.nanoTime();
        if (pace.expectsWait(start)) {
            return threads.call(() -> transfer.run(address, length, offset));
        }
        try {
            return transfer.run(address, length, offset);
        } finally {
            pace.took(start, System.nanoTime(), length);
        }
    }
}
