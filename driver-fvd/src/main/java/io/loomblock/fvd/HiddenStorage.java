// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.driver.RequestFlags;

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
                clearHidden(pos, n);
            }
            pos += n;
        }
    }

    /** What reads as zeros already, as where the file ends before, takes no storage for it. */
    private void clearHidden(long from, long bytes) throws BlockException {
        for (long pos = from; pos < from + bytes; ) {
            BlockStatus status = area.status(pos, from + bytes - pos);
            if (!status.isZero()) {
                area.clear(pos, status.length(), RequestFlags.MAY_UNMAP);
            }
            pos += status.length();
        }
    }
}
