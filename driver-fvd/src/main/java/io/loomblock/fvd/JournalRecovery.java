// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies what a journal says to table and bitmap in memory, after a crash. spec: fvd.md sections 7 and 14.
 *
 * <p>Twice or in part does no harm: bits are only set, and of two records for one chunk that of the higher epoch wins. Records stand in the
 * order of their epochs, so that one pass is enough; if somebody made them up, a second one applies them in order. Records that cannot be
 * right are passed over.
 */
final class JournalRecovery {
    private static final Logger LOG = LoggerFactory.getLogger(JournalRecovery.class);

    private static final int PIECE = 256 << 10;

    /** Epochs count records, and the stable one follows whenever the journal starts anew: what is so far from it, nobody has counted. */
    private static final long EPOCHS = 1L << 34;

    /** The word of a journal, which is shorter than 2 GiB, that a record starts at. */
    private static final int PLACE_BITS = 29;

    /** So many records out of order are sorted, in 8 MiB; no program leaves any. */
    private static final int MAX_LATE = 1 << 20;

    private final Node file;
    private final FvdHeader header;
    private final FvdLayout layout;
    private final @Nullable ChunkTable table;
    private final @Nullable BaseBitmap bitmap;
    private final Room room;
    private final RecordFormat format;
    private final RecordReader reader;
    private final CoveredBlocks covered;

    /** Of all epochs so far. */
    private long highestEpoch;
    /** Whether each was as high as those before it. */
    private boolean ascending = true;

    private long ignored;

    /** What to do where memory has no room for more changes. */
    @FunctionalInterface
    interface Room {
        void make() throws BlockException;
    }

    JournalRecovery(
            Node file,
            FvdHeader header,
            FvdLayout layout,
            @Nullable ChunkTable table,
            @Nullable BaseBitmap bitmap,
            Room room) {
        this.file = file;
        this.header = header;
        this.layout = layout;
        this.table = table;
        this.bitmap = bitmap;
        this.room = room;
        this.format = RecordFormat.of(header.format());
        this.reader = new RecordReader(format);
        this.covered = new CoveredBlocks(bitmap == null ? 0 : layout.blocks());
        this.highestEpoch = header.stableEpoch() - 1;
    }

    /**
     * Replays the journal.
     *
     * @return an epoch above all that were seen
     */
    long run(BufferPool pool) throws BlockException {
        file.debugEvent(DebugEvent.JOURNAL_REPLAY);
        try (AlignedBuffer buffer = pool.acquireReserved(PIECE)) {
            readAll(buffer, new FirstPass(buffer));
            if (!ascending) {
                LOG.warn("{}: journal records are not in the order of their epochs", file);
                long counted = ignored;
                Late late = new Late();
                readAll(buffer, late);
                late.apply(buffer);
                ignored = counted;
            }
        }
        if (ignored > 0) {
            LOG.warn("{}: {} journal records make no sense and were passed over", file, ignored);
        }
        return Math.addExact(highestEpoch, 1);
    }

    private void readAll(AlignedBuffer buffer, Pass pass) throws BlockException {
        long size = header.journal().size();
        for (long at = 0; at < size; at += PIECE) {
            int n = (int) Math.min(PIECE, size - at);
            file.coReadv(header.journal().offset() + at, IoVector.of(buffer, 0, n));
            pass.piece = at;
            for (int sector = 0; sector < n; sector += RecordFormat.SECTOR) {
                reader.read(buffer, sector, pass);
            }
        }
    }

    /** Whether entries of this epoch are alive. */
    private boolean isAlive(long epoch) {
        return epoch >= header.stableEpoch() && epoch < header.stableEpoch() + EPOCHS;
    }

    private boolean isInTable(long first, int count) {
        return count > 0 && first + count <= layout.chunks();
    }

    /** A walk through all records. */
    private abstract static class Pass implements RecordReader.Visitor {
        /** Where in the journal the memory begins that is looked at. */
        long piece;
    }

    /** Sets bits, whose order does not matter, and entries. */
    private final class FirstPass extends Pass {
        private final AlignedBuffer buffer;

        FirstPass(AlignedBuffer buffer) {
            this.buffer = buffer;
        }

        @Override
        public void bits(long firstSector, long count) throws BlockException {
            setBits(firstSector, count);
        }

        @Override
        public void entries(long epoch, long first, int count, int at) throws BlockException {
            if (!isAlive(epoch)) {
                ignored += epoch < 0 || epoch >= header.stableEpoch() ? 1 : 0;
                return;
            }
            if (table == null) {
                return;
            }
            if (!isInTable(first, count)) {
                ignored++;
                return;
            }
            ascending &= epoch >= highestEpoch;
            highestEpoch = Math.max(highestEpoch, epoch);
            setEntries(table, buffer, first, count, at);
        }

        @Override
        public void unknown(int at) {
            ignored++;
        }
    }

    /** Collects the entries that are alive, and applies them once more, those of higher epochs later; of one epoch, as they stand. */
    private final class Late extends Pass {
        /** For each record how far its epoch is from the stable one, and below that where it stands, in words of four bytes. */
        private long[] keys = new long[64];

        private int found;

        @Override
        public void bits(long firstSector, long count) {
            // The first pass has set them.
        }

        @Override
        public void entries(long epoch, long first, int count, int at) throws BlockException {
            if (!isAlive(epoch) || !isInTable(first, count)) {
                return;
            }
            if (found == MAX_LATE) {
                throw new BlockException(Errno.EINVAL, "The records of the FVD journal are in no order");
            }
            if (found == keys.length) {
                keys = Arrays.copyOf(keys, found * 2);
            }
            keys[found++] = epoch - header.stableEpoch() << PLACE_BITS
                    | (piece + at - format.tableHeader()) / RecordFormat.WORD;
        }

        @Override
        public void unknown(int at) {
            // The first pass has counted it.
        }

        void apply(AlignedBuffer buffer) throws BlockException {
            Arrays.sort(keys, 0, found);
            long loaded = -1;
            for (int i = 0; i < found; i++) {
                long at = (keys[i] & (1L << PLACE_BITS) - 1) * RecordFormat.WORD;
                int inSector = (int) (at % RecordFormat.SECTOR);
                if (at - inSector != loaded) {
                    loaded = at - inSector;
                    IoVector sector = IoVector.of(buffer, 0, RecordFormat.SECTOR);
                    file.coReadv(header.journal().offset() + loaded, sector);
                }
                applyRecord(buffer, inSector);
            }
        }

        private void applyRecord(AlignedBuffer buffer, int at) throws BlockException {
            long first = format.firstEntry(buffer, at);
            int count = (int) format.count(buffer, at);
            if (table != null) {
                setEntries(table, buffer, first, count, at + format.tableHeader());
            }
        }
    }

    private void setBits(long firstSector, long count) throws BlockException {
        long baseSectors = layout.baseSize() / FvdHeader.SECTOR;
        if (bitmap == null || count == 0 || Long.compareUnsigned(firstSector, baseSectors) >= 0) {
            return;
        }
        long end = Math.min(firstSector + count, baseSectors);
        long firstBlock = layout.block(firstSector * FvdHeader.SECTOR);
        long endBlock = layout.block(end * FvdHeader.SECTOR - 1) + 1;
        covered.cover(firstBlock, endBlock, (first, limit) -> setBits(bitmap, first, limit));
    }

    /** Page by page: all of them may be more than there is room for. */
    private void setBits(BaseBitmap bits, long first, long end) throws BlockException {
        for (long at = first; at < end; ) {
            long next = Math.min(end, bits.endOfPage(at));
            while (!bits.setLogged(at, next)) {
                room.make();
            }
            at = next;
        }
    }

    /** Sets the entries that stand at {@code at}. */
    private void setEntries(ChunkTable chunks, AlignedBuffer buffer, long first, int count, int at)
            throws BlockException {
        for (int i = 0; i < count; i++) {
            int entry = ChunkTable.clean(buffer.getInt(at + i * FvdLayout.ENTRY_BYTES));
            if (entry == ChunkTable.EMPTY || !layout.isPhysical(entry)) {
                ignored++;
                continue;
            }
            while (!chunks.set(first + i, 1, entry, 0)) {
                room.make();
            }
        }
    }

    /** What a read-only open does where the journal says more than may be kept in memory. */
    static void noRoom() throws BlockException {
        throw new BlockException(
                Errno.ENOMEM,
                "The journal of the image does not fit into the metadata budget; open the image writable");
    }
}
