// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockStatus;
import io.loomblock.driver.BlockDriver;
import io.loomblock.memory.IoVector;

/** A disk that forgets what is written, for measuring what stands above it. */
final class NullDriver implements BlockDriver {
    private final String formatName;
    private final long length;
    private final boolean readZeroes;

    NullDriver(String formatName, long length, boolean readZeroes) {
        this.formatName = formatName;
        this.length = length;
        this.readZeroes = readZeroes;
    }

    @Override
    public String formatName() {
        return formatName;
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) {
        if (readZeroes) {
            qiov.fill(qiovOffset, bytes, (byte) 0);
        }
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) {}

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) {}

    @Override
    public BlockStatus blockStatus(long offset, long bytes) {
        int flags = readZeroes ? BlockStatus.ZERO : BlockStatus.DATA;
        return BlockStatus.at(flags | BlockStatus.ALLOCATED, bytes, offset);
    }

    @Override
    public boolean hasZeroInit() {
        return readZeroes;
    }

    @Override
    public long allocatedFileSize() {
        return 0;
    }

    @Override
    public void close() {}
}
