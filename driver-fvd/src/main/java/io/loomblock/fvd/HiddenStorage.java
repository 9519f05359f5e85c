// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;

/**
 * Storage of blocks that are read from the base image: nobody sees it, so it may hold anything, such as what a write that failed has left.
 * Where less of the base image is to show it comes to light, and has to be zeros. spec: fvd.md sections 5 and 16.7.
 */
record HiddenStorage(FvdLayout layout, DataArea area, BaseBitmap bitmap) {
    /** Makes zeros of what is hidden in {@code [from, to)}, which ends with the base image at most; the flush is the caller's. */
    void clear(long from, long to) throws BlockException {
        for (long pos = from; pos < to; ) {
            boolean set = bitmap.isSet(layout.block(pos));
            long n = bitmap.run(pos, to - pos, set);
            if (!set) {
                area.writeZeroes(pos, n, 0);
            }
            pos += n;
        }
    }
}
