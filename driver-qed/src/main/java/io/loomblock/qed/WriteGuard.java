// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import org.jspecify.annotations.Nullable;

/**
 * Remembers what makes an open image unsafe: metadata that may be garbage forbids writes until the image is reopened, and either that or a
 * corruption that was met forbids to mark it as closed in order. spec: qed.md section 9, E8 to E10.
 */
final class WriteGuard {
    private volatile @Nullable BlockException cause;
    private volatile boolean corrupt;

    /** A metadata sector could be neither written nor put back. */
    void trip(BlockException failure) {
        if (cause == null) {
            cause = failure;
        }
    }

    /** Somebody has met metadata that is wrong, and that nobody has repaired. */
    void corruptionMet() {
        corrupt = true;
    }

    /** Whether nothing is known that a check should look at. */
    boolean isSound() {
        return cause == null && !corrupt;
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
