// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What files and devices of this machine have in common: requests on an open descriptor, and the permissions around it. */
abstract class LocalDriver implements BlockDriver {
    private static final Logger LOG = LoggerFactory.getLogger(LocalDriver.class);

    final Lease lease;
    final OpenOptions options;
    private final LocalAccess access;
    /** Another one after the driver was reopened. */
    volatile FileIo io;

    /** What it was before a reopening that is not finished yet; null at other times. */
    private @Nullable FileIo before;
    /** What it will be if that is committed. */
    private @Nullable FileIo after;

    private volatile boolean writable;
    /** Whether another process owns the image now. */
    private volatile boolean inactive;

    LocalDriver(Lease lease, LocalAccess access) {
        this.lease = lease;
        this.access = access;
        this.io = lease.io();
        this.options = access.options();
        this.writable = options.writable();
        this.inactive = options.inactive();
    }

    @Override
    public Object identity() {
        return lease.id();
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        int got = io.readv(offset, bytes, qiov, qiovOffset);
        if (got < bytes) {
            qiov.fill(qiovOffset + got, bytes - got, (byte) 0);
        }
    }

    /** Whether a zero write may give space back: its own flag and the opener's word are needed. */
    final boolean mayUnmap(int flags) {
        return options.unmap() && (flags & RequestFlags.MAY_UNMAP) != 0;
    }

    @Override
    public void coDiscard(long offset, long bytes) throws BlockException {
        if (!options.unmap() || bytes == 0) {
            return;
        }
        try {
            io.punchHole(offset, bytes);
        } catch (BlockException e) {
            // A hint: where it cannot be followed, nothing happens.
            if (e.errno() != Errno.ENOTSUP) {
                throw e;
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
    public long allocatedFileSize() throws BlockException {
        return io.allocatedSize();
    }

    @Override
    public void invalidateCache(boolean activate) throws BlockException {
        lease.change(access.permissions(writable, !activate));
        inactive = !activate;
    }

    /** What is to be writable is so at once, because the drivers above write while they prepare themselves. */
    @Override
    public void reopenPrepare(boolean willBeWritable) throws BlockException {
        if (willBeWritable && options.forceShare()) {
            throw new BlockException(Errno.EINVAL, "force-share=on can only be used with read-only images");
        }
        before = io;
        if (willBeWritable) {
            lease.change(access.permissions(true, inactive));
            try {
                io = lease.descriptor(access.mode(true));
            } catch (BlockException e) {
                restorePermissions();
                throw e;
            }
            after = io;
        } else {
            after = lease.descriptor(access.mode(false));
        }
        writable = willBeWritable;
    }

    @Override
    public void reopenCommit() {
        FileIo committed = after;
        if (committed != null) {
            io = committed;
        }
        if (!writable) {
            restorePermissions();
        }
        before = null;
        after = null;
    }

    @Override
    public void reopenAbort() {
        FileIo former = before;
        if (former != null) {
            io = former;
        }
        writable = !writable;
        if (!writable) {
            restorePermissions();
        }
        before = null;
        after = null;
    }

    /** Those of a reader. Where this fails, others are locked out of what they might have had, and that is all. */
    private void restorePermissions() {
        try {
            lease.change(access.permissions(false, inactive));
        } catch (BlockException e) {
            LOG.warn("{}: locks of a writer stay although the file is read-only: {}", lease.name(), e.getMessage());
        }
    }

    @Override
    public void close() throws BlockException {
        lease.close();
    }
}
