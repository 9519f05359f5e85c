// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.Limits;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.IoVector;

/** An open regular file: it grows when written past its end, and reads as zeros there. */
final class FileDriver implements BlockDriver {
    private final FileIo io;
    private final Object identity;
    private final boolean unmap;

    FileDriver(FileIo io, Object identity, boolean unmap) {
        this.io = io;
        this.identity = identity;
        this.unmap = unmap;
    }

    @Override
    public String formatName() {
        return "file";
    }

    @Override
    public long length() throws BlockException {
        return io.length();
    }

    @Override
    public Limits limits() {
        return Limits.NONE.withAlignment(io.requestAlignment(), io.memoryAlignment());
    }

    @Override
    public boolean growable() {
        return true;
    }

    @Override
    public Object identity() {
        return identity;
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        int got = io.readv(offset, bytes, qiov, qiovOffset);
        if (got < bytes) {
            qiov.fill(qiovOffset + got, bytes - got, (byte) 0);
        }
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        io.writev(offset, bytes, qiov, qiovOffset);
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        if ((flags & RequestFlags.MAY_UNMAP) != 0) {
            io.punchHole(offset, bytes);
        } else {
            io.zeroRange(offset, bytes);
        }
    }

    @Override
    public void coDiscard(long offset, long bytes) throws BlockException {
        if (unmap) {
            try {
                io.punchHole(offset, bytes);
            } catch (BlockException e) {
                if (e.errno() != Errno.ENOTSUP) {
                    throw e;
                }
            }
        }
    }

    @Override
    public void flushToDisk() throws BlockException {
        io.sync();
    }

    @Override
    public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
        return io.status(offset, bytes);
    }

    @Override
    public boolean hasZeroInit() {
        return true;
    }

    @Override
    public long allocatedFileSize() throws BlockException {
        return io.allocatedSize();
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        io.truncate(length);
    }

    @Override
    public void close() throws BlockException {
        io.close();
    }
}
