// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;

/**
 * Copies what a cluster shows to the data file, around the part that the guest writes.
 *
 * <p>Zeros are written too, since the data file may hold stale bytes. The caller has locked the cluster. spec: addcow.md section 9.
 */
final class CopyOnWrite {
    /** Copies go through a buffer of at most this size. */
    private static final int PIECE = 256 << 10;
    /** All copies of an image that are under way take so much. */
    private static final long MEMORY = 2L * BufferPool.MAX_BUFFER;

    private final AddCowFiles files;
    private final Node data;
    private final GrowingBacking backing;
    /** Its own: who holds a piece waits for the data file, which may be an image that copies on write itself. */
    private final BufferPool pieces = new BufferPool(MEMORY, 0);

    CopyOnWrite(AddCowFiles files, GrowingBacking backing) {
        this.files = files;
        this.data = files.data();
        this.backing = backing;
    }

    /** Copies {@code [from, to)}, which lies in one cluster and inside of the disk. */
    void copy(long from, long to) throws BlockException {
        int shown = (int) backing.reach(from, to - from);
        if (shown > 0) {
            copyShown(from, shown);
        }
        if (from + shown < to) {
            files.announce(DebugEvent.COW_WRITE);
            data.coWriteZeroes(from + shown, to - from - shown, 0);
        }
    }

    private void copyShown(long from, int bytes) throws BlockException {
        try (AlignedBuffer buffer = pieces.acquireReserved(Math.min(bytes, PIECE))) {
            for (int done = 0; done < bytes; ) {
                int n = Math.min(bytes - done, buffer.capacity());
                IoVector piece = IoVector.of(buffer, 0, n);
                files.announce(DebugEvent.COW_READ);
                backing.read(DebugEvent.COW_READ, from + done, n, piece, 0);
                files.announce(DebugEvent.COW_WRITE);
                data.coWritev(from + done, piece);
                done += n;
            }
        }
    }
}
