// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.driver.Node;
import io.loomblock.memory.IoVector;

/** Writes metadata, and once more where that fails, so that no sector is left half-written by a passing fault. */
final class SectorWriter {
    private SectorWriter() {}

    /**
     * Writes metadata that is good as it is: what it says was true before this call.
     *
     * @throws BlockException of the second attempt; nobody knows then what the sector holds
     */
    static void write(Node file, long offset, IoVector content) throws BlockException {
        try {
            file.coWritev(offset, content);
        } catch (BlockException first) {
            try {
                file.coWritev(offset, content);
            } catch (BlockException second) {
                second.addSuppressed(first);
                throw second;
            }
        }
    }
}
