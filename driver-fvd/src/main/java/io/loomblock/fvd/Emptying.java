// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;

/**
 * Drops all data, so that the base image shows everywhere, and zeros behind its end. spec: fvd.md section 16.7, "makeEmpty".
 *
 * <p>The journal is erased and requests are shut out when this begins. The bits go first and are gone for good before the places of the
 * chunks are: a bit without a place would show zeros over the base image.
 */
final class Emptying {
    private static final int PIECE = 64 << 10;

    private final FvdImage image;
    private final FvdImage.Files files;
    private final BufferPool pool;

    Emptying(FvdImage image, FvdImage.Files files, BufferPool pool) {
        this.image = image;
        this.files = files;
        this.pool = pool;
    }

    /** Durable when this returns, but for the cut of the data. */
    void run() throws BlockException {
        FvdHeader header = image.header().get();
        Node file = files.file();
        file.debugEvent(DebugEvent.EMPTY_IMAGE_PREPARE);
        file.debugEvent(DebugEvent.BITMAP_UPDATE);
        file.coWriteZeroes(header.bitmap().offset(), header.bitmap().size(), 0);
        image.metadata().flushFile();
        if (header.isCompact()) {
            emptyTable(header.table());
            image.metadata().flushFile();
        }
        cutData(image.layout().dataStart(), header.data().isNone() ? header.dataOffset() : 0);
    }

    private void emptyTable(Area table) throws BlockException {
        try (AlignedBuffer buffer = pool.acquireReserved(PIECE)) {
            EmptyTable.write(files.file(), table.offset(), table.end(), buffer);
        }
    }

    /** A file that keeps its length gets zeros where data lies as the disk has it; chunks are zeros when they are taken. */
    private void cutData(long start, long end) throws BlockException {
        Node data = files.data();
        if (data.length() <= end) {
            return;
        }
        if (!DataLength.set(data, end) && !image.layout().isCompact()) {
            data.coWriteZeroes(start, data.length() - start, RequestFlags.MAY_UNMAP);
        }
        image.metadata().barrier();
    }
}
