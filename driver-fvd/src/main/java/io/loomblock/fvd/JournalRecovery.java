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
import java.util.Comparator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies what a journal says to table and bitmap in memory, after a crash. spec: fvd.md sections 7 and 14.
 *
 * <p>Twice or in part does no harm: bits are only set, and of two records for one chunk that of the higher epoch wins. Records that cannot
 * be right are passed over.
 */
final class JournalRecovery {
    private static final Logger LOG = LoggerFactory.getLogger(JournalRecovery.class);

    private static final int PIECE = 256 << 10;

    /** Epochs count records, and the stable one follows whenever the journal starts anew: what is so far from it, nobody has counted. */
    private static final long EPOCHS = 1L << 34;

    private final Node file;
    private final FvdHeader header;
    private final FvdLayout layout;
    private final @Nullable ChunkTable table;
    private final @Nullable BaseBitmap bitmap;
    private final Room room;
    private final RecordFormat format;
    private final RecordReader reader;

    /** TABLE records that are alive: where they stand in the journal, in words of four bytes, and their epochs. */
    private int[] places = new int[64];

    private long[] epochs = new long[64];
    private int found;

    private long highestEpoch;
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
            long size = header.journal().size();
            for (long at = 0; at < size; at += PIECE) {
                int n = (int) Math.min(PIECE, size - at);
                file.coReadv(header.journal().offset() + at, IoVector.of(buffer, 0, n));
                for (int sector = 0; sector < n; sector += RecordFormat.SECTOR) {
                    reader.read(buffer, sector, new FirstPass(at));
                }
            }
            applyEntries(buffer);
        }
        if (ignored > 0) {
            LOG.warn("{}: {} journal records make no sense and were passed over", file, ignored);
        }
        return highestEpoch + 1;
    }

    /** Sets bits, whose order does not matter, and notes entries. */
    private final class FirstPass implements RecordReader.Visitor {
        private final long piece;

        FirstPass(long piece) {
            this.piece = piece;
        }

        @Override
        public void bits(long firstSector, long count) throws BlockException {
            setBits(firstSector, count);
        }

        @Override
        public void entries(long epoch, long first, int count, int at) throws BlockException {
            if (epoch < 0 || epoch >= header.stableEpoch() + EPOCHS) {
                ignored++;
                return;
            }
            if (epoch < header.stableEpoch()) {
                return;
            }
            highestEpoch = Math.max(highestEpoch, epoch);
            if (table != null) {
                note((int) ((piece + at) / RecordFormat.WORD), epoch);
            }
        }

        @Override
        public void unknown(int at) {
            ignored++;
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
        while (!bitmap.setLogged(firstBlock, endBlock)) {
            room.make();
        }
    }

    private void note(int place, long epoch) {
        if (found == places.length) {
            places = Arrays.copyOf(places, found * 2);
            epochs = Arrays.copyOf(epochs, found * 2);
        }
        places[found] = place;
        epochs[found] = epoch;
        found++;
    }

    /** Applies the entries, those of higher epochs later; records stand in that order already, unless somebody made them up. */
    private void applyEntries(AlignedBuffer buffer) throws BlockException {
        ChunkTable chunks = table;
        if (chunks == null) {
            return;
        }
        long loaded = -1;
        for (int i : order()) {
            long at = Integer.toUnsignedLong(places[i]) * RecordFormat.WORD;
            long piece = at / PIECE * PIECE;
            if (piece != loaded) {
                int n = (int) Math.min(PIECE, header.journal().size() - piece);
                file.coReadv(header.journal().offset() + piece, IoVector.of(buffer, 0, n));
                loaded = piece;
            }
            apply(chunks, buffer, (int) (at - piece));
        }
    }

    /** The numbers of the records by ascending epoch; of one epoch as they stand. */
    private int[] order() {
        boolean ascending = true;
        for (int i = 1; i < found && ascending; i++) {
            ascending = epochs[i - 1] <= epochs[i];
        }
        if (ascending) {
            return IntStream.range(0, found).toArray();
        }
        return IntStream.range(0, found)
                .boxed()
                .sorted(Comparator.comparingLong(i -> epochs[i]))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** Applies the record whose entries start at {@code at}. */
    private void apply(ChunkTable chunks, AlignedBuffer buffer, int at) throws BlockException {
        int record = at - format.tableHeader();
        long first = format.firstEntry(buffer, record);
        int count = (int) format.count(buffer, record);
        if (first + count > layout.chunks()) {
            ignored++;
            return;
        }
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
