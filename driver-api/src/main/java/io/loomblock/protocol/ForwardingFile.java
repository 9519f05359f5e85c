// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.driver.BlockAction;
import java.util.Set;

/**
 * A file in front of another one, of which it makes all calls that may ask the system, but for the transfers of data, in one and the same way.
 *
 * <p>What that way is, and how data is read and written, is what those who extend it say.
 */
abstract class ForwardingFile implements FileIo {
    private final FileIo file;

    ForwardingFile(FileIo file) {
        this.file = file;
    }

    /** Makes a call of the other file that may ask the system: on this thread or on another one. */
    abstract <T> T call(IoThreads.Call<T> call) throws BlockException;

    private void run(BlockAction call) throws BlockException {
        call(() -> {
            call.run();
            return Boolean.TRUE;
        });
    }

    @Override
    public final FileFacts facts() throws BlockException {
        return file.facts();
    }

    @Override
    public final long length() throws BlockException {
        return call(file::length);
    }

    @Override
    public void truncate(long length) throws BlockException {
        run(() -> file.truncate(length));
    }

    @Override
    public void sync() throws BlockException {
        run(file::sync);
    }

    @Override
    public final void zeroRange(long offset, long length) throws BlockException {
        run(() -> file.zeroRange(offset, length));
    }

    @Override
    public final void punchHole(long offset, long length) throws BlockException {
        run(() -> file.punchHole(offset, length));
    }

    @Override
    public final void allocate(long offset, long length) throws BlockException {
        run(() -> file.allocate(offset, length));
    }

    @Override
    public final BlockStatus status(long offset, long bytes) throws BlockException {
        return call(() -> file.status(offset, bytes));
    }

    @Override
    public final long allocatedSize() throws BlockException {
        return call(file::allocatedSize);
    }

    @Override
    public final int requestAlignment() {
        return file.requestAlignment();
    }

    @Override
    public final int memoryAlignment() {
        return file.memoryAlignment();
    }

    @Override
    public final int blockSize() {
        return file.blockSize();
    }

    @Override
    public final LockResult lockShared(long position) throws BlockException {
        return call(() -> file.lockShared(position));
    }

    @Override
    public final void unlock(long position) throws BlockException {
        run(() -> file.unlock(position));
    }

    @Override
    public final Set<Integer> lockedByOthers(Set<Integer> positions) throws BlockException {
        return call(() -> file.lockedByOthers(positions));
    }

    @Override
    public final void close() throws BlockException {
        run(file::close);
    }
}
