// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;

/**
 * One kind of transfer through a channel, where the JVM does not make up for the carrier that a virtual thread holds meanwhile: on the
 * caller's thread as long as that is quick, else on threads of the file's. Thread-safe.
 */
final class PacedChannelTransfer {
    /** Between memory and channel; gives the bytes done. */
    @FunctionalInterface
    interface Transfer {
        int run(long offset, AlignedBuffer memory, int memoryOffset, int length) throws BlockException;
    }

    private final Transfer transfer;
    private final Pace pace;
    private final IoThreads threads;

    PacedChannelTransfer(Transfer transfer, long quickNanos, IoThreads threads) {
        this.transfer = transfer;
        this.pace = new Pace(quickNanos);
        this.threads = threads;
    }

    int run(long offset, AlignedBuffer memory, int memoryOffset, int length) throws BlockException {
        return pace.run(threads, length, () -> transfer.run(offset, memory, memoryOffset, length));
    }
}
