// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.SectorWriter;
import io.loomblock.driver.WriteGuard;
import io.loomblock.memory.AlignedBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Table and bitmap of an open image, as the journal sees them: what a record says becomes true in memory, and all of memory is written to
 * the file, in order. spec: fvd.md sections 6 and 9.2.
 */
final class Metadata {
    /** Sectors are copied into, and written from, so much memory. */
    private static final int COPIES = 64 << 10;

    private final Node file;
    private final Node data;
    private final FvdLayout layout;
    private final @Nullable ChunkTable table;
    private volatile @Nullable BaseBitmap bitmap;
    private final WriteGuard guard;
    private volatile boolean storageIsOld;
    /** Made when first needed; one write-back at a time. */
    private @Nullable AlignedBuffer copies;

    /** Either may be null, where the image has none. */
    Metadata(
            Node file,
            Node data,
            FvdLayout layout,
            @Nullable ChunkTable table,
            @Nullable BaseBitmap bitmap,
            WriteGuard guard) {
        this.file = file;
        this.data = data;
        this.layout = layout;
        this.table = table;
        this.bitmap = bitmap;
        this.guard = guard;
    }

    FvdLayout layout() {
        return layout;
    }

    /** Null where the data area is as the disk. */
    @Nullable
    ChunkTable table() {
        return table;
    }

    /** Null where nothing is read from a base image. */
    @Nullable
    BaseBitmap bitmap() {
        return bitmap;
    }

    /** What the journal has to be told when a range is stored. */
    enum Unlogged {
        NOTHING,
        /** Where chunks are. */
        ENTRIES,
        /** That blocks are not read from the base image any more, and where the chunks are that they are in. */
        BITS
    }

    /** What is not logged yet of {@code [start, end)}. */
    Unlogged unlogged(long start, long end) throws BlockException {
        BaseBitmap bits = bitmap;
        if (bits != null && !bits.isSettled(start, end)) {
            return Unlogged.BITS;
        }
        return table == null || table.isSettled(start, end) ? Unlogged.NOTHING : Unlogged.ENTRIES;
    }

    /** The image has all of the base image, and its header says so: nothing is read from there any more. */
    void dropBitmap() {
        bitmap = null;
    }

    /** Sees to it that {@link #publish} cannot fail until the next write-back. False if something must be written back first. */
    boolean pin(List<JournalSector> sectors) throws BlockException {
        BaseBitmap bits = bitmap;
        for (JournalSector sector : sectors) {
            if (bits != null && sector.hasBits() && !bits.pin(firstBlock(sector), endBlock(sector))) {
                return false;
            }
        }
        return true;
    }

    /**
     * What the sector says is logged, or will be before anybody can rely on it: seen by lookups from now on.
     *
     * @return false if something must be written back first; nobody sees anything then
     */
    boolean publish(JournalSector sector) throws BlockException {
        BaseBitmap bits = bitmap;
        if (bits != null && sector.hasBits() && !bits.setLogged(firstBlock(sector), endBlock(sector))) {
            return false;
        }
        if (table != null && sector.hasEntries()) {
            table.logged(sector.firstChunk(), sector.entries());
        }
        return true;
    }

    /** The image has blocks {@code [first, end)} as long as it is open. False if something must be written back first. */
    boolean publishUnlogged(long first, long end) throws BlockException {
        BaseBitmap bits = bitmap;
        return bits == null || bits.setUnlogged(first, end);
    }

    private long firstBlock(JournalSector sector) {
        return layout.block(sector.bitStart());
    }

    private long endBlock(JournalSector sector) {
        return layout.block(sector.bitEnd() - 1) + 1;
    }

    boolean isClean() {
        BaseBitmap bits = bitmap;
        return (table == null || table.pages().isClean())
                && (bits == null || bits.pages().isClean());
    }

    /** New storage may hold old bytes that were made zero when it was taken: its entries are as good as bits. */
    void distrustStorage() {
        storageIsOld = true;
    }

    /** Whether data has to be durable before what the sector says is. */
    boolean wantsBarrier(JournalSector sector) {
        return sector.hasBits() && sector.hidesData() || storageIsOld && sector.hasEntries();
    }

    /** Flushes the data, so that a bit may follow. */
    void barrier() throws BlockException {
        data.debugEvent(DebugEvent.DATA_BARRIER);
        flush(data);
    }

    /** Overwrites the journal with zeros, durable when this returns; what it said was written back. */
    void eraseJournal(FvdHeader header) throws BlockException {
        JournalErasure.run(file, header);
        flushFile();
    }

    /** Flushes the FVD file. */
    void flushFile() throws BlockException {
        flush(file);
    }

    private void flush(Node node) throws BlockException {
        try {
            node.flush();
        } catch (BlockException e) {
            guard.trip(e);
            throw e;
        }
    }

    /**
     * Writes all that was changed, durable when this returns. No bit may be set meanwhile; entries may.
     *
     * <p>The data goes first, so that no bit hides the base image behind what was never stored; then the table, so that no bit is there
     * without the place of its block, which the journal need not know.
     */
    void writeBack() throws BlockException {
        BaseBitmap bits = bitmap;
        barrier();
        try {
            if (table != null && !table.pages().isClean()) {
                table.pages().writeBack(copies());
                flushFile();
            }
            if (bits != null && !bits.pages().isClean()) {
                bits.pages().writeBack(copies());
            }
        } catch (BlockException e) {
            if (!SectorWriter.isIntact(e)) {
                guard.trip(e);
            }
            throw e;
        }
        flushFile();
        if (bits != null) {
            bits.allLogged();
        }
    }

    private AlignedBuffer copies() throws BlockException {
        AlignedBuffer buffer = copies;
        if (buffer == null) {
            buffer = AlignedBuffer.allocate(COPIES);
            copies = buffer;
        }
        return buffer;
    }
}
