// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import org.jspecify.annotations.Nullable;

/**
 * Remembers the failure after which memory and file may disagree: from then on nothing is written until the image is reopened, nothing
 * says that it was closed in order, and reads go on. spec: fvd.md section 15.6.
 */
final class WriteGuard {
    private volatile @Nullable BlockException cause;

    /** Metadata was lost, or nobody knows whether it was. */
    void trip(BlockException failure) {
        if (cause == null) {
            cause = failure;
        }
    }

    /** Whether nothing was lost. */
    boolean isSound() {
        return cause == null;
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
