// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.Limits;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.IoVector;

/** An open block or character device, of a length that is not ours to choose. Thread-safe. */
final class HostDeviceDriver extends LocalDriver {
    private static final int SECTOR = 512;

    HostDeviceDriver(Lease lease, LocalAccess access) {
        super(lease, access);
    }

    @Override
    public String formatName() {
        return "host_device";
    }

    @Override
    public long length() throws BlockException {
        return io.length();
    }

    @Override
    public Limits limits() {
        // The kernel zeroes and discards whole blocks of a device only.
        int blocks = Math.max(io.requestAlignment(), Math.max(SECTOR, io.blockSize()));
        return Limits.NONE
                .withAlignment(io.requestAlignment(), io.memoryAlignment())
                .withZeroAlignment(blocks, blocks)
                .withFlags(0, RequestFlags.MAY_UNMAP | RequestFlags.NO_FALLBACK);
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        io.writev(offset, bytes, qiov, qiovOffset);
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        if (mayUnmap(flags)) {
            io.punchHole(offset, bytes);
        } else {
            io.zeroRange(offset, bytes);
        }
    }

    @Override
    public void flushToDisk() throws BlockException {
        try {
            super.flushToDisk();
        } catch (BlockException e) {
            // What a character device says that has nothing to flush.
            if (e.errno() != Errno.EINVAL) {
                throw e;
            }
        }
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        long current = length();
        if (preallocation != PreallocationMode.OFF) {
            throw new BlockException(
                    Errno.ENOTSUP,
                    "Preallocation mode '" + preallocation.optionName() + "' unsupported for this non-regular file");
        }
        if (length != current && exact) {
            throw new BlockException(Errno.ENOTSUP, "Cannot resize device files");
        }
        if (length > current) {
            throw new BlockException(Errno.EINVAL, "Cannot grow device files");
        }
    }
}
