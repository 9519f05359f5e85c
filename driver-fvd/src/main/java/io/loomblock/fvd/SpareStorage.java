// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the file of the data holds behind the storage in use: zeros, as far as only the image has written to it. spec: fvd.md section 13.
 *
 * @param data a file that reads as zeros where nobody has written
 * @param start where storage that is not in use begins, in bytes
 */
record SpareStorage(Node data, long start) {
    private static final int PIECE = 1 << 20;

    /** So much is read at most. */
    private static final long MOST = 256L << 20;

    private static final Logger LOG = LoggerFactory.getLogger(SpareStorage.class);

    /** Whether it is known to be zero, without a look at it: some file systems cannot tell. */
    boolean isKnownZero() throws BlockException {
        return DataArea.isZero(data, start);
    }

    /**
     * Whether it is zero, by a look at it; not if there is far more than growing by {@code growUnit} bytes leaves, nor if it cannot be read:
     * nobody needs what it holds.
     */
    boolean isZero(long growUnit, BufferPool pool) throws BlockException {
        return isKnownZero() || isSmall(growUnit) && holdsZeros(data.length(), pool);
    }

    /** Whether growing leaves about so much. */
    private boolean isSmall(long growUnit) throws BlockException {
        long leftByGrowing = growUnit > MOST / 2 ? MOST : 2 * growUnit;
        return data.length() - start <= leftByGrowing;
    }

    private boolean holdsZeros(long end, BufferPool pool) throws BlockException {
        try (AlignedBuffer buffer = pool.acquireReserved(PIECE)) {
            for (long at = start; at < end; at += PIECE) {
                int n = (int) Math.min(PIECE, end - at);
                if (!holdsZeros(at, IoVector.of(buffer, 0, n))) {
                    return false;
                }
            }
        }
        return true;
    }

    private boolean holdsZeros(long offset, IoVector piece) {
        try {
            data.coReadv(offset, piece);
            return piece.isZero(0, piece.size());
        } catch (BlockException e) {
            LOG.warn("{}: what is behind the storage in use cannot be read: {}", data, e.getMessage());
            return false;
        }
    }
}
