// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.driver.Node;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;

/**
 * Writes an empty table: real zeros, not a hole, so that the space is there before anything relies on it and a full disk shows here rather
 * than when entries are written back.
 */
final class NewTable {
    private NewTable() {}

    /** Writes {@code bytes} zeros at {@code offset}. */
    static void write(Node file, long offset, int bytes, BufferPool pool) throws BlockException {
        IoVector zeros = pool.zeros();
        for (int done = 0; done < bytes; ) {
            int n = Math.min(bytes - done, zeros.size());
            file.coWritev(offset + done, n, zeros, 0, 0);
            done += n;
        }
    }
}
