// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;

/**
 * A {@link ChannelFile} where the JVM does not make up for the carriers that blocked virtual threads hold: what has turned out
 * slow is handed to threads of its own.
 *
 * <p>So it is from Java 23 on, but for O_DIRECT and {@code force}. Nobody can be asked beforehand whether a call would wait.
 */
final class PacedChannelFile extends ForwardingFile {
    /**
     * A compromise: with less, reads from memory that the scheduler has interrupted count as slow, and have others handed on in vain; with
     * more, reads from a fast device, of 60 microseconds, do not.
     */
    private static final long QUICK_READ_NANOS = 100_000;

    /** As without channels: only the system's pauses for those who write too fast are longer. */
    private static final long QUICK_WRITE_NANOS = 5_000_000;

    private final ChannelFile file;
    private final IoThreads threads = IoThreads.forCalls();
    private final PacedChannelTransfer reads;
    private final PacedChannelTransfer writes;

    PacedChannelFile(ChannelFile file) {
        super(file);
        this.file = file;
        this.reads = new PacedChannelTransfer(file::read, QUICK_READ_NANOS, threads);
        this.writes = new PacedChannelTransfer(this::writeWaiting, QUICK_WRITE_NANOS, threads);
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
        file.write(offset, source, sourceOffset, length);
        return length;
    }

    /** The JVM makes up for {@code force} itself, what a channel cannot do fails at once, and the others are quick. */
    @Override
    <T> T call(IoThreads.Call<T> call) throws BlockException {
        return call.run();
    }

    @Override
    public void truncate(long length) throws BlockException {
        if (Thread.currentThread().isVirtual()) {
            threads.run(() -> file.truncate(length));
        } else {
            file.truncate(length);
        }
    }
}
