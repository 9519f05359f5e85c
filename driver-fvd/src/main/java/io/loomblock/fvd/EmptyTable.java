// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;

/** Entries of chunks without storage, as they stand in the file: all bits set. spec: fvd.md section 4. */
final class EmptyTable {
    private EmptyTable() {}

    /** Fills {@code [from, to)} of the file with them; {@code buffer} is used for that, and holds nothing else afterwards. */
    static void write(Node file, long from, long to, AlignedBuffer buffer) throws BlockException {
        int piece = buffer.capacity();
        buffer.fill(0, piece, (byte) 0xff);
        for (long at = from; at < to; at += piece) {
            file.debugEvent(DebugEvent.TABLE_UPDATE);
            file.coWritev(at, IoVector.of(buffer, 0, (int) Math.min(piece, to - at)));
        }
    }
}
