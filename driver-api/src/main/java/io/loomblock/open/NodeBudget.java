// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import io.loomblock.BlockException;
import io.loomblock.Errno;

/**
 * How many nodes one opening may still make: images that each name two others would otherwise double them at every level.
 *
 * <p>Nodes that could not be opened count too. For one thread.
 */
final class NodeBudget {
    /** Several times what the longest chain needs. */
    static final int MOST = 1000;

    private int left = MOST;

    /**
     * Takes one.
     *
     * @throws BlockException ELOOP when there is none left
     */
    void take() throws BlockException {
        if (left == 0) {
            throw new BlockException(Errno.ELOOP, "The image is made of more than " + MOST + " nodes");
        }
        left--;
    }
}
