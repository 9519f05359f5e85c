// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;

/**
 * Makes the disk larger or smaller. What a larger one gains reads as zeros: it lies behind the base image as far as that shows, which never
 * grows here, and storage that was left behind the old end is cleared. spec: fvd.md section 16.7, "truncate", E18.
 *
 * <p>The journal is erased and requests are shut out when this begins. A crash leaves the old disk or the new one.
 */
final class Resizing {
    private static final int PIECE = 64 << 10;

    private final FvdImage image;
    private final FvdImage.Files files;
    private final BufferPool pool;
    private final FvdHeader header;
    private final FvdLayout layout;

    Resizing(FvdImage image, FvdImage.Files files, BufferPool pool) {
        this.image = image;
        this.files = files;
        this.pool = pool;
        this.header = image.header().get();
        this.layout = image.layout();
    }

    /**
     * Where the table of a disk of another size lies, found before anything is changed.
     *
     * @param size of the disk, whole sectors
     * @throws BlockException ENOTSUP if there is no room for it, EINVAL for a size that no image can have
     */
    static Area tableFor(FvdHeader header, long size, long fileLength) throws BlockException {
        HeaderChange change = new HeaderChange(header);
        change.virtualSize = size;
        change.baseSize = Math.min(header.baseSize(), size);
        if (!header.isCompact() || fits(change)) {
            FvdHeader next = change.header();
            next.validate(Long.MAX_VALUE);
            if (next.isCompact() != header.isCompact()) {
                throw new BlockException(Errno.EINVAL, "Layout 1 has no compact image without a disk");
            }
            return next.table();
        }
        long bytes = FvdLayout.tableBytes(FvdLayout.entries(size, header.chunkSize()));
        if (header.data().isNone()) {
            throw new BlockException(
                    Errno.ENOTSUP,
                    "The chunk table of the image has no room for a disk of " + size
                            + " bytes, and data follows it; convert the image instead");
        }
        long start = FvdLayout.roundUp(Math.max(fileLength, header.table().end()), HeaderFormat.ALIGNMENT);
        change.table = new Area(start, FvdLayout.roundUp(bytes, HeaderFormat.ALIGNMENT));
        change.header().validate(Long.MAX_VALUE);
        return change.header().table();
    }

    private static boolean fits(HeaderChange change) {
        try {
            change.header().validate(Long.MAX_VALUE);
            return true;
        } catch (BlockException e) {
            return false;
        }
    }

    /** Changes the size, and with it what {@code also} sets, durable when this returns. */
    void run(long size, HeaderChange.Setter also) throws BlockException {
        Area table = tableFor(header, size, files.file().length());
        if (size > layout.virtualSize()) {
            grow(size, table, also);
        } else if (size < layout.virtualSize()) {
            shrink(size, also);
        }
    }

    private void grow(long size, Area table, HeaderChange.Setter also) throws BlockException {
        clearBehindTheEnd(size);
        prepareTable(size, table);
        if (table.offset() != header.table().offset()) {
            update(change -> change.table = table);
        }
        update(change -> {
            change.virtualSize = size;
            change.dataOffset = header.data().isNone() ? change.dataOffset : Math.max(change.dataOffset, table.end());
            also.set(change);
        });
    }

    /** Storage that a larger disk would show. */
    private void clearBehindTheEnd(long size) throws BlockException {
        Node data = files.data();
        long end = layout.virtualSize();
        if (layout.isCompact()) {
            clearLastChunk(end);
            return;
        }
        long start = layout.dataStart() + end;
        long wanted = layout.dataStart() + size;
        long old = Math.min(data.length(), wanted) - start;
        if (old > 0) {
            data.debugEvent(DebugEvent.GROW_ZERO);
            data.coWriteZeroes(start, old, 0);
        }
        if (data.length() < wanted) {
            DataLength.grow(data, wanted);
        }
        image.metadata().barrier();
    }

    private void clearLastChunk(long end) throws BlockException {
        ChunkTable chunks = image.metadata().table();
        if (chunks == null || end % layout.chunkSize() == 0) {
            return;
        }
        long last = layout.chunk(end);
        int entry = chunks.entry(last);
        if (entry != ChunkTable.EMPTY) {
            long used = end - layout.chunkStart(last);
            files.data().debugEvent(DebugEvent.GROW_ZERO);
            files.data().coWriteZeroes(chunks.place(entry) + used, layout.chunkSize() - used, 0);
            image.metadata().barrier();
        }
    }

    /** The new part of the table, or a new table: where there was none, the file may hold anything. */
    private void prepareTable(long size, Area table) throws BlockException {
        if (!layout.isCompact()) {
            return;
        }
        boolean moves = table.offset() != header.table().offset();
        try (AlignedBuffer buffer = pool.acquireReserved(PIECE)) {
            if (moves) {
                copyTable(table, buffer);
            }
            long used = FvdLayout.tableBytes(layout.chunks());
            // In layout 1 the size of the area follows that of the disk, and all of it has to be in the file.
            long end = moves || header.version() == 1
                    ? table.size()
                    : FvdLayout.tableBytes(FvdLayout.entries(size, layout.chunkSize()));
            EmptyTable.write(files.file(), table.offset() + used, table.offset() + end, buffer);
        }
        image.metadata().flushFile();
    }

    private void copyTable(Area table, AlignedBuffer buffer) throws BlockException {
        long used = FvdLayout.tableBytes(layout.chunks());
        for (long at = 0; at < used; at += PIECE) {
            IoVector piece = IoVector.of(buffer, 0, (int) Math.min(PIECE, used - at));
            files.file().coReadv(layout.tableOffset() + at, piece);
            files.file().debugEvent(DebugEvent.TABLE_UPDATE);
            files.file().coWritev(table.offset() + at, piece);
        }
    }

    /** Each step by itself leaves an image that makes sense, with a disk whose new end reads as before, or as zeros. */
    private void shrink(long size, HeaderChange.Setter also) throws BlockException {
        if (size < header.baseSize()) {
            showLess(size);
        }
        update(change -> {
            change.virtualSize = size;
            also.set(change);
        });
        if (layout.isCompact()) {
            try (AlignedBuffer buffer = pool.acquireReserved(PIECE)) {
                long from = layout.tableOffset() + FvdLayout.tableBytes(FvdLayout.entries(size, layout.chunkSize()));
                EmptyTable.write(
                        files.file(), from, layout.tableOffset() + FvdLayout.tableBytes(layout.chunks()), buffer);
            }
            image.metadata().flushFile();
            long end = layout.physicalOffset(used(FvdLayout.entries(size, layout.chunkSize())));
            cut(header.data().isNone() ? Math.max(end, header.dataOffset()) : end);
        } else {
            cut(layout.dataStart() + size);
        }
    }

    private void showLess(long size) throws BlockException {
        BaseBitmap bitmap = image.metadata().bitmap();
        if (bitmap != null) {
            new HiddenStorage(layout, image.area(), bitmap).clear(size, layout.baseSize());
            image.metadata().barrier();
        }
        update(change -> change.baseSize = size);
    }

    /** The end of the storage that the first {@code chunks} chunks use. */
    private long used(long chunks) throws BlockException {
        ChunkTable table = image.metadata().table();
        long used = 0;
        for (long chunk = 0; table != null && chunk < chunks; chunk++) {
            int entry = ChunkTable.clean(table.entry(chunk));
            used = entry == ChunkTable.EMPTY || !layout.isPhysical(entry) ? used : Math.max(used, entry + 1L);
        }
        return used;
    }

    /** Storage behind the end is not needed, and zeros if it is taken again. */
    private void cut(long end) throws BlockException {
        Node data = files.data();
        if (data.length() <= end) {
            return;
        }
        if (!DataLength.set(data, end) && data.hasZeroInit()) {
            data.coWriteZeroes(end, data.length() - end, RequestFlags.MAY_UNMAP);
        }
        image.metadata().barrier();
    }

    private void update(HeaderChange.Setter setter) throws BlockException {
        image.header().update(setter);
        image.metadata().flushFile();
    }
}
