// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.memory.IoVector;

/** The protocol {@code memory}: an open {@link MemoryFile}, which grows like a regular file. Flushing it does nothing. Thread-safe. */
public final class MemoryDriver implements BlockDriver {
    private final MemoryFile file;

    /** Opens a file in memory; closing the driver leaves the file as it is. */
    public MemoryDriver(MemoryFile file) {
        this.file = file;
    }

    /** The file that this driver was opened on. */
    public MemoryFile file() {
        return file;
    }

    @Override
    public String formatName() {
        return "memory";
    }

    @Override
    public long length() {
        return file.length();
    }

    @Override
    public boolean growable() {
        return true;
    }

    @Override
    public Object identity() {
        return file;
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) {
        file.read(offset, bytes, qiov, qiovOffset);
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        file.write(offset, bytes, qiov, qiovOffset);
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) {
        file.zero(offset, bytes);
    }

    @Override
    public BlockStatus blockStatus(long offset, long bytes) {
        return file.status(offset, bytes);
    }

    @Override
    public boolean hasZeroInit() {
        return true;
    }

    @Override
    public long allocatedFileSize() {
        return file.allocatedSize();
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        if (preallocation != PreallocationMode.OFF) {
            throw new BlockException(
                    Errno.ENOTSUP, "Unsupported preallocation mode '" + preallocation.optionName() + "'");
        }
        file.truncate(length);
    }

    @Override
    public void close() {}
}
