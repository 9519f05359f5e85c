// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;

/**
 * Where new physical chunks come from: numbers in a row, and a data area that grows by the unit that the header says. spec: fvd.md section
 * 13.
 *
 * <p>The caller sees to it that there is one at a time. The command that a header may name is never run.
 */
final class StorageAllocator {
    private final Node data;
    private final FvdLayout layout;
    private final long growUnit;
    private final boolean zeroesChunks;

    private long next;
    /** Length of the data area's file, as it was last seen. */
    private long fileLength;

    /**
     * The storage of a compact image.
     *
     * @param data the file that grows, which is told of each step
     * @param next the first physical chunk that is free
     * @param zeroesChunks whether storage may hold old bytes, so that each chunk is made zero when it is taken
     */
    StorageAllocator(Node data, FvdLayout layout, long growUnit, long next, boolean zeroesChunks)
            throws BlockException {
        this.data = data;
        this.layout = layout;
        this.growUnit = growUnit;
        this.next = next;
        this.zeroesChunks = zeroesChunks;
        this.fileLength = data.length();
    }

    /** The first physical chunk that is free: how much storage is used. */
    long used() {
        return next;
    }

    /**
     * Takes physical chunks in a row, which read as zeros.
     *
     * @return the first
     * @throws BlockException ENOSPC if there is no room, else of the file
     */
    long take(int count) throws BlockException {
        if (!layout.isPhysical(next + count - 1)) {
            throw new BlockException(Errno.ENOSPC, "FVD image has no numbers left for more chunks");
        }
        long wanted = wantedLength(count);
        if (wanted > fileLength) {
            grow(wanted, layout.physicalOffset(next + count));
        }
        if (zeroesChunks) {
            data.coWriteZeroes(layout.physicalOffset(next), count * layout.chunkSize(), 0);
        }
        long first = next;
        next += count;
        return first;
    }

    /** Gives back what was taken last, and has not been used. */
    void giveBack(long first, int count) {
        if (first + count == next) {
            next = first;
        }
    }

    /** How long the file has to be after so many chunks, one after the other, had to find room. */
    private long wantedLength(int count) {
        long wanted = fileLength;
        for (int i = 0; i < count; i++) {
            long used = layout.physicalOffset(next + i);
            if (wanted - used < layout.chunkSize()) {
                wanted = used <= Long.MAX_VALUE - growUnit ? used + growUnit : Long.MAX_VALUE;
            }
        }
        return wanted;
    }

    private void grow(long wanted, long needed) throws BlockException {
        data.debugEvent(DebugEvent.GROW);
        try {
            data.truncate(wanted, false, PreallocationMode.OFF);
        } catch (BlockException e) {
            if (e.errno() == Errno.ENOTSUP) {
                throw new BlockException(Errno.ENOSPC, "The storage of an FVD image cannot grow", e);
            }
            throw e;
        }
        fileLength = data.length();
        if (fileLength < needed) {
            throw new BlockException(Errno.ENOSPC);
        }
    }
}
