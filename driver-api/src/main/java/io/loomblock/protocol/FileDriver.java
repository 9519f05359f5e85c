// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.Limits;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.IoVector;

/** An open regular file: it grows when written past its end, and reads as zeros there. Thread-safe. */
final class FileDriver extends LocalDriver {
    private final FileSize size;

    FileDriver(Lease lease, LocalAccess access) {
        super(lease, access);
        this.size = lease.size();
    }

    @Override
    public String formatName() {
        return "file";
    }

    @Override
    public long length() {
        return size.get();
    }

    @Override
    public boolean growable() {
        return true;
    }

    @Override
    public Limits limits() {
        int alignment = io.requestAlignment();
        return Limits.NONE
                .withAlignment(alignment, io.memoryAlignment())
                .withZeroAlignment(alignment, alignment)
                .withTransfer(io.blockSize(), 0)
                .withFlags(0, RequestFlags.MAY_UNMAP | RequestFlags.NO_FALLBACK);
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        size.write(io, offset, bytes, qiov, qiovOffset);
    }

    /** Past the end there is nothing to write: the file only gets longer. */
    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        long end = offset + bytes;
        long length = size.get();
        if (offset < length) {
            long inside = Math.min(end, length) - offset;
            if (mayUnmap(flags)) {
                io.punchHole(offset, inside);
            } else {
                io.zeroRange(offset, inside);
            }
        }
        if (end > length) {
            size.growTo(io, end);
        }
    }

    @Override
    public void coDiscard(long offset, long bytes) throws BlockException {
        super.coDiscard(offset, Math.max(0, Math.min(bytes, size.get() - offset)));
    }

    @Override
    public boolean hasZeroInit() {
        return true;
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        size.set(io, length, preallocation, options.pool().zeros());
    }

    @Override
    public void invalidateCache(boolean activate) throws BlockException {
        super.invalidateCache(activate);
        size.refresh(io);
    }
}
