// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;

/** A file whose I/O runs on {@link IoThreads}, whoever asks for it. */
final class OffThreadFile extends ForwardingFile {
    private final FileIo file;
    private final IoThreads threads = IoThreads.forCalls();
    private final IoThreads syncers = IoThreads.forSyncs();

    OffThreadFile(FileIo file) {
        super(file);
        this.file = file;
    }

    @Override
    <T> T call(IoThreads.Call<T> call) throws BlockException {
        return threads.call(call);
    }

    @Override
    public int read(long offset, AlignedBuffer target, int targetOffset, int length) throws BlockException {
        return threads.call(() -> file.read(offset, target, targetOffset, length));
    }

    @Override
    public void write(long offset, AlignedBuffer source, int sourceOffset, int length) throws BlockException {
        threads.run(() -> file.write(offset, source, sourceOffset, length));
    }

    /** All pieces are handed over at once. */
    @Override
    public int readv(long offset, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        return threads.call(() -> file.readv(offset, bytes, qiov, qiovOffset));
    }

    /** All pieces are handed over at once. */
    @Override
    public void writev(long offset, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        threads.run(() -> file.writev(offset, bytes, qiov, qiovOffset));
    }

    /** On threads of their own: syncs take long, and keep no other calls waiting. */
    @Override
    public void sync() throws BlockException {
        syncers.run(file::sync);
    }
}
