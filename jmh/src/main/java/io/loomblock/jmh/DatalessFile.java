// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockException;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;

/**
 * A file that keeps an image's metadata and drops its guest's data, so that only what the format driver itself does takes time.
 *
 * <p>Guest's data is known by its memory, which format drivers hand on as it is.
 */
final class DatalessFile implements BlockDriver {
    private final Node file;
    private final AlignedBuffer guestMemory;

    /** Keeps the metadata in {@code file}, which the node above closes. */
    DatalessFile(Node file, AlignedBuffer guestMemory) {
        this.file = file;
        this.guestMemory = guestMemory;
    }

    @Override
    public String formatName() {
        return "dataless";
    }

    @Override
    public long length() throws BlockException {
        return file.length();
    }

    @Override
    public boolean growable() {
        return true;
    }

    @Override
    public boolean hasZeroInit() {
        return true;
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        if (qiov.buffer(0) != guestMemory) {
            file.coReadv(offset, bytes, qiov, qiovOffset, flags);
        }
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        if (qiov.buffer(0) != guestMemory) {
            file.coWritev(offset, bytes, qiov, qiovOffset, flags);
        }
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        file.coWriteZeroes(offset, bytes, flags);
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        file.truncate(length, exact, preallocation);
    }

    @Override
    public void close() {}
}
