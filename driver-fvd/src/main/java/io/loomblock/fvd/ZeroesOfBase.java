// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.driver.BackingFile;

/**
 * Where the base image is known to have nothing but zeros, without its being read. Thread-safe.
 *
 * <p>What is data is remembered, as writes come in a row, and to find where data ends may be to go through all extents of a file. Zeros are
 * not: a base image that a commit changes has data there later.
 */
final class ZeroesOfBase {
    /** How far a look goes, in bytes. */
    private static final long LOOK = 64L << 20;

    private final BackingFile base;
    /** Where data was found last. */
    private volatile Area data = new Area(0, 0);

    private record Area(long start, long end) {}

    ZeroesOfBase(BackingFile base) {
        this.base = base;
    }

    /** Whether all of {@code [start, end)} is known to be zeros. */
    boolean cover(long start, long end) throws BlockException {
        Area known = data;
        if (known.start <= start && start < known.end) {
            return false;
        }
        BlockStatus status = status(start, Math.max(LOOK, end - start));
        if (!status.isZero()) {
            data = new Area(start, start + status.length());
        }
        return status.isZero() && status.length() >= end - start;
    }

    /** What cannot be found out is data: reading it tells why. */
    private BlockStatus status(long start, long bytes) throws BlockException {
        try {
            return base.status(start, bytes);
        } catch (BlockException e) {
            if (e.errno() == Errno.EINTR) {
                throw e;
            }
            return BlockStatus.of(BlockStatus.DATA, bytes);
        }
    }
}
