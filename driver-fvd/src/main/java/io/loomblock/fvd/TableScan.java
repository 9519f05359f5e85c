// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;

/**
 * Looks through the whole chunk table once, before an image is written to: which storage is in use. spec: fvd.md sections 4 and 13.
 *
 * @param next the first physical chunk above all that are in use
 */
record TableScan(long next) {
    /**
     * Looks through a table that was closed in order.
     *
     * @param limit physical chunks that start inside of the storage
     * @throws BlockException EIO for an entry beyond the storage, unless {@code tolerant}
     */
    static TableScan of(ChunkTable table, FvdLayout layout, long limit, boolean tolerant) throws BlockException {
        long next = 0;
        for (long chunk = 0; chunk < layout.chunks(); chunk++) {
            int entry = ChunkTable.clean(table.entry(chunk));
            if (entry == ChunkTable.EMPTY) {
                continue;
            }
            if (entry < limit) {
                next = Math.max(next, entry + 1L);
            } else if (!tolerant) {
                throw new BlockException(
                        Errno.EIO, "FVD table names storage that is not there; the image needs a check");
            }
        }
        return new TableScan(next);
    }

    /**
     * The same after a crash, which may have taken storage of which nothing was flushed: its entries are emptied, so that they read as the
     * zeros that are left.
     */
    static TableScan afterCrash(ChunkTable table, FvdLayout layout, long limit, JournalRecovery.Room room)
            throws BlockException {
        for (long chunk = 0; chunk < layout.chunks(); chunk++) {
            int entry = ChunkTable.clean(table.entry(chunk));
            if (entry != ChunkTable.EMPTY && entry >= limit) {
                while (!table.setEmpty(chunk)) {
                    room.make();
                }
            }
        }
        return of(table, layout, limit, false);
    }
}
