// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.driver.Node;
import io.loomblock.driver.SectorWriter;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The part of the L1 table that the guest's disk uses, in memory as long as the image is open: at most 16 MiB.
 *
 * <p>Entries are read without a lock; whoever sets one holds the lock of {@link MetadataTables}. An entry that was invalid when it was
 * read from the file stays so: space that is allocated later never makes it valid. spec: qed.md sections 3 and 4, E14.
 */
final class L1Table {
    private static final int ENTRIES_PER_SECTOR = QedLayout.SECTOR / Long.BYTES;

    private final QedLayout layout;
    private final AlignedBuffer memory;
    private final int entries;
    /** Indexes of entries that must not be followed; null in good images. */
    private final @Nullable BitSet invalid;

    private final BitSet dirtySectors;

    private L1Table(
            QedLayout layout, AlignedBuffer memory, int entries, @Nullable BitSet invalid, BitSet dirtySectors) {
        this.layout = layout;
        this.memory = memory;
        this.entries = entries;
        this.invalid = invalid;
        this.dirtySectors = dirtySectors;
    }

    /**
     * Reads the entries for a guest's disk of {@code imageSize} bytes.
     *
     * @param fileEnd where the clusters end that were in the file when it was opened
     */
    static L1Table load(Node file, QedLayout layout, long imageSize, long fileEnd) throws BlockException {
        int entries = layout.usedL1Entries(imageSize);
        AlignedBuffer memory = read(file, layout, entries);
        return new L1Table(layout, memory, entries, findInvalid(layout, memory, 0, entries, fileEnd), new BitSet());
    }

    /** The same table for a disk that has grown: further entries from the file, those that are here as they are. */
    L1Table grow(Node file, long imageSize, long fileEnd) throws BlockException {
        int grown = layout.usedL1Entries(imageSize);
        AlignedBuffer longer = read(file, layout, grown);
        memory.copyTo(0, longer, 0, entries * Long.BYTES);
        // Entries set since the open lie past the end that the file had then, so only the further ones are looked at.
        BitSet found = findInvalid(layout, longer, entries, grown, fileEnd);
        if (invalid != null) {
            found = found == null ? new BitSet() : found;
            found.or(invalid);
        }
        return new L1Table(layout, longer, grown, found, (BitSet) dirtySectors.clone());
    }

    private static AlignedBuffer read(Node file, QedLayout layout, int entries) throws BlockException {
        int bytes = sectors(entries) * QedLayout.SECTOR;
        AlignedBuffer memory = AlignedBuffer.allocate(bytes);
        if (bytes > 0) {
            try {
                file.readFully(layout.l1Offset(), memory, bytes);
            } catch (BlockException e) {
                throw new BlockException(e.errno(), "Failed to read L1 table", e);
            }
        }
        return memory;
    }

    private static @Nullable BitSet findInvalid(
            QedLayout layout, AlignedBuffer memory, int from, int to, long fileEnd) {
        BitSet found = new BitSet();
        for (int i = from; i < to; i++) {
            long offset = memory.getLong(i * Long.BYTES);
            if (offset != 0 && !(layout.isTable(offset, fileEnd) && !layout.overlapsL1(offset))) {
                found.set(i);
            }
        }
        return found.isEmpty() ? null : found;
    }

    int entries() {
        return entries;
    }

    /** Bytes of memory that it takes. */
    int memoryBytes() {
        return memory.capacity();
    }

    /** Offset of the L2 table with this index, 0 if there is none; whether to follow it says {@link #isInvalid}. */
    long get(int index) {
        return memory.getLongAcquire(index * Long.BYTES);
    }

    boolean isInvalid(int index) {
        return invalid != null && invalid.get(index);
    }

    /** Enters a new L2 table, to be written to the file later. */
    void set(int index, long offset) {
        memory.putLongRelease(index * Long.BYTES, offset);
        dirtySectors.set(index / ENTRIES_PER_SECTOR);
    }

    boolean isDirty() {
        return !dirtySectors.isEmpty();
    }

    /** Where the L2 tables lie that may be followed, ascending, each once. */
    long[] tableOffsets() {
        long[] offsets = new long[entries];
        int count = 0;
        for (int i = 0; i < entries; i++) {
            long offset = get(i);
            if (offset != 0 && !isInvalid(i)) {
                offsets[count++] = offset;
            }
        }
        return Arrays.stream(offsets, 0, count).sorted().distinct().toArray();
    }

    /** A copy of the sectors that differ from the file; they count as clean from now on. */
    Sectors takeDirty() {
        BitSet taken = (BitSet) dirtySectors.clone();
        dirtySectors.clear();
        byte[] content = new byte[taken.cardinality() * QedLayout.SECTOR];
        int at = 0;
        for (int sector = taken.nextSetBit(0); sector >= 0; sector = taken.nextSetBit(sector + 1)) {
            memory.get(sector * QedLayout.SECTOR, content, at, QedLayout.SECTOR);
            at += QedLayout.SECTOR;
        }
        return new Sectors(taken, content);
    }

    /** The write of what was taken failed: it differs from the file after all. */
    void giveBack(Sectors taken) {
        dirtySectors.or(taken.numbers);
    }

    private static int sectors(int entries) {
        return (entries + ENTRIES_PER_SECTOR - 1) / ENTRIES_PER_SECTOR;
    }

    /** Sectors of the table as they were at one moment. */
    record Sectors(BitSet numbers, byte[] content) {
        /** Writes them, each on its own. */
        void write(Node file, long l1Offset, AlignedBuffer bounce) throws BlockException {
            int at = 0;
            for (int sector = numbers.nextSetBit(0); sector >= 0; sector = numbers.nextSetBit(sector + 1)) {
                bounce.put(0, content, at, QedLayout.SECTOR);
                at += QedLayout.SECTOR;
                SectorWriter.write(
                        file, l1Offset + (long) sector * QedLayout.SECTOR, IoVector.of(bounce, 0, QedLayout.SECTOR));
            }
        }
    }
}
