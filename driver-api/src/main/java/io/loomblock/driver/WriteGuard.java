// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import org.jspecify.annotations.Nullable;

/**
 * Remembers what makes an open image unsafe: metadata of which memory and file may disagree forbids writes until the image is reopened,
 * and either that or a corruption that was met forbids to mark it as closed in order.
 *
 * <p>Reads go on. A driver with a guard tells of it by {@link BlockDriver#refusesWrites}. Thread-safe. spec: qed.md section 9, E8 to
 * E10; fvd.md section 15.6.
 */
public final class WriteGuard {
    private volatile @Nullable BlockException cause;
    private volatile boolean corrupt;

    /** A write of metadata failed, and what was there before could not be put back. */
    public void trip(BlockException failure) {
        if (cause == null) {
            cause = failure;
        }
    }

    /** Whether writes are refused. */
    public boolean hasTripped() {
        return cause != null;
    }

    /** Somebody has met metadata that is wrong, and that nobody has repaired. */
    public void corruptionMet() {
        corrupt = true;
    }

    /** Whether nothing is known that a check should look at. */
    public boolean isSound() {
        return cause == null && !corrupt;
    }

    /**
     * Called before anything is written.
     *
     * @throws BlockException EIO once the guard has tripped
     */
    public void check() throws BlockException {
        BlockException first = cause;
        if (first != null) {
            throw new BlockException(
                    Errno.EIO, "Image is not written to until it is reopened: " + first.reason(), first);
        }
    }
}
