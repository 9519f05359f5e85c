// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.memory.AlignedBuffer;
import java.util.Set;

/**
 * A {@link ChannelFile} where the JVM does not make up for the carriers that blocked virtual threads hold: what has turned out
 * slow is handed to threads of its own.
 *
 * <p>So it is from Java 23 on, but for O_DIRECT and {@code force}. Nobody can be asked beforehand whether a call would wait.
 */
final class PacedChannelFile implements FileIo {
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

    @Override
    public void truncate(long length) throws BlockException {
        if (Thread.currentThread().isVirtual()) {
            threads.call(() -> {
                file.truncate(length);
                return true;
            });
        } else {
            file.truncate(length);
        }
    }

    @Override
    public FileFacts facts() {
        return file.facts();
    }

    @Override
    public long length() throws BlockException {
        return file.length();
    }

    @Override
    public void sync() throws BlockException {
        file.sync();
    }

    @Override
    public void zeroRange(long offset, long length) throws BlockException {
        file.zeroRange(offset, length);
    }

    @Override
    public void punchHole(long offset, long length) throws BlockException {
        file.punchHole(offset, length);
    }

    @Override
    public void allocate(long offset, long length) throws BlockException {
        file.allocate(offset, length);
    }

    @Override
    public BlockStatus status(long offset, long bytes) {
        return file.status(offset, bytes);
    }

    @Override
    public long allocatedSize() {
        return file.allocatedSize();
    }

    @Override
    public int requestAlignment() {
        return file.requestAlignment();
    }

    @Override
    public int memoryAlignment() {
        return file.memoryAlignment();
    }

    @Override
    public int blockSize() {
        return file.blockSize();
    }

    @Override
    public LockResult lockShared(long position) throws BlockException {
        return file.lockShared(position);
    }

    @Override
    public void unlock(long position) throws BlockException {
        file.unlock(position);
    }

    @Override
    public Set<Integer> lockedByOthers(Set<Integer> positions) {
        return file.lockedByOthers(positions);
    }

    @Override
    public void close() throws BlockException {
        file.close();
    }
}
