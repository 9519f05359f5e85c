// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import java.nio.channels.FileChannel;

/**
 * A file on {@link FileChannel} where the JVM does not make up for the carriers that blocked virtual threads hold: what has turned out
 * slow is handed to threads of its own.
 *
 * <p>So it is from Java 23 on, but for O_DIRECT and {@code force}. Nobody can be asked beforehand whether a call would wait.
 */
final class PacedChannelFile extends ChannelFile {
    /**
     * A compromise: with less, reads from memory that the scheduler has interrupted count as slow, and have others handed on in vain; with
     * more, reads from a fast device, of 60 microseconds, do not.
     */
    private static final long QUICK_READ_NANOS = 100_000;

    /** As without channels: only the system's pauses for those who write too fast are longer. */
    private static final long QUICK_WRITE_NANOS = 5_000_000;

    private final IoThreads threads = IoThreads.forCalls();
    private final PacedChannelTransfer reads = new PacedChannelTransfer(super::read, QUICK_READ_NANOS, threads);
    private final PacedChannelTransfer writes =
            new PacedChannelTransfer(this::writeWaiting, QUICK_WRITE_NANOS, threads);

    PacedChannelFile(FileChannel channel, int blockSize, FileFacts facts) {
        super(channel, channel, false, blockSize, facts);
    }

    @Override
    public int read(long offset, AlignedBuffer target, int targetOffset, int length) throws BlockException {
        return reads.run(offset, target, targetOffset, length);
    }

    @Override
    public void write(long offset, AlignedBuffer source, int sourceOffset, int length) throws BlockException {
        writes.run(offset, source, sourceOffset, length);
    }

    private int writeWaiting(long offset, AlignedBuffer source, int sourceOffset, int length) throws BlockException {
        super.write(offset, source, sourceOffset, length);
        return length;
    }

    @Override
    public void truncate(long length) throws BlockException {
        if (Thread.currentThread().isVirtual()) {
            threads.call(() -> {
                super.truncate(length);
                return true;
            });
        } else {
            super.truncate(length);
        }
    }
}
