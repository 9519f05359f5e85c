// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import org.jspecify.annotations.Nullable;

/** Remembers that a metadata sector may hold garbage, from when on writes are refused until the image is reopened. */
final class WriteGuard {
    private volatile @Nullable BlockException cause;

    /** A metadata sector could be neither written nor put back. */
    void trip(BlockException failure) {
        if (cause == null) {
            cause = failure;
        }
    }

    boolean isTripped() {
        return cause != null;
    }

    /** Throws EIO once tripped. */
    void check() throws BlockException {
        BlockException first = cause;
        if (first != null) {
            throw new BlockException(
                    Errno.EIO, "Image is not written to until it is reopened: " + first.reason(), first);
        }
    }
}
