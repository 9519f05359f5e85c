// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.Set;

/** A file whose I/O runs on {@link IoThreads}, whoever asks for it. */
final class OffThreadFile implements FileIo {
    private final FileIo file;
    private final IoThreads threads = IoThreads.forCalls();
    private final IoThreads syncers = IoThreads.forSyncs();

    OffThreadFile(FileIo file) {
        this.file = file;
    }

    private <T> T call(IoThreads.Call<T> call) throws BlockException {
        return threads.call(call);
    }

    private void run(Action action) throws BlockException {
        run(threads, action);
    }

    private static void run(IoThreads some, Action action) throws BlockException {
        some.call(() -> {
            action.run();
            return Boolean.TRUE;
        });
    }

    @FunctionalInterface
    private interface Action {
        void run() throws BlockException;
    }

    @Override
    public int read(long offset, AlignedBuffer target, int targetOffset, int length) throws BlockException {
        return call(() -> file.read(offset, target, targetOffset, length));
    }

    @Override
    public void write(long offset, AlignedBuffer source, int sourceOffset, int length) throws BlockException {
        run(() -> file.write(offset, source, sourceOffset, length));
    }

    @Override
    public int readv(long offset, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        return call(() -> file.readv(offset, bytes, qiov, qiovOffset));
    }

    @Override
    public void writev(long offset, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        run(() -> file.writev(offset, bytes, qiov, qiovOffset));
    }

    @Override
    public FileFacts facts() throws BlockException {
        return file.facts();
    }

    @Override
    public long length() throws BlockException {
        return call(file::length);
    }

    @Override
    public void truncate(long length) throws BlockException {
        run(() -> file.truncate(length));
    }

    @Override
    public void sync() throws BlockException {
        run(syncers, file::sync);
    }

    @Override
    public void zeroRange(long offset, long length) throws BlockException {
        run(() -> file.zeroRange(offset, length));
    }

    @Override
    public void punchHole(long offset, long length) throws BlockException {
        run(() -> file.punchHole(offset, length));
    }

    @Override
    public void allocate(long offset, long length) throws BlockException {
        run(() -> file.allocate(offset, length));
    }

    @Override
    public BlockStatus status(long offset, long bytes) throws BlockException {
        return call(() -> file.status(offset, bytes));
    }

    @Override
    public long allocatedSize() throws BlockException {
        return call(file::allocatedSize);
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
        return call(() -> file.lockShared(position));
    }

    @Override
    public void unlock(long position) throws BlockException {
        run(() -> file.unlock(position));
    }

    @Override
    public Set<Integer> lockedByOthers(Set<Integer> positions) throws BlockException {
        return call(() -> file.lockedByOthers(positions));
    }

    @Override
    public void close() throws BlockException {
        run(file::close);
    }
}
