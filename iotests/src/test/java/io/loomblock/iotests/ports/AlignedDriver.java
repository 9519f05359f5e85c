// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.Limits;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.ForwardingDriver;

/** A file with larger sectors: it wants aligned requests, and refuses others as a disk would. */
final class AlignedDriver extends ForwardingDriver {
    private final int sector;

    AlignedDriver(BlockDriver below, int sector) {
        super(below);
        this.sector = sector;
    }

    @Override
    public Limits limits() {
        return super.limits().withAlignment(sector, sector);
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        requireAligned(offset, bytes);
        super.coReadv(offset, bytes, qiov, qiovOffset, flags);
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        requireAligned(offset, bytes);
        super.coWritev(offset, bytes, qiov, qiovOffset, flags);
    }

    private void requireAligned(long offset, int bytes) throws BlockException {
        if (((offset | bytes) & (sector - 1)) != 0) {
            throw new BlockException(Errno.EINVAL, bytes + " bytes at " + offset + " are not whole sectors");
        }
    }
}
