// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;

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

    /** Whether it is known to be zero, without a look at it: some file systems cannot tell. */
    boolean isKnownZero() throws BlockException {
        return DataArea.isZero(data, start);
    }

    /** Whether it is zero, by a look at it; not if there is far more than growing by {@code growUnit} bytes leaves. */
    boolean isZero(long growUnit, BufferPool pool) throws BlockException {
        if (isKnownZero()) {
            return true;
        }
        long end = data.length();
        if (end - start > Math.min(MOST, 2 * Math.min(MOST, growUnit))) {
            return false;
        }
        try (AlignedBuffer buffer = pool.acquireReserved(PIECE)) {
            for (long at = start; at < end; at += PIECE) {
                int n = (int) Math.min(PIECE, end - at);
                data.coReadv(at, IoVector.of(buffer, 0, n));
                if (!buffer.isZero(0, n)) {
                    return false;
                }
            }
        }
        return true;
    }
}
