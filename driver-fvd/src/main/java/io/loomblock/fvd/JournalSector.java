// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.memory.AlignedBuffer;

/**
 * What one sector of the journal says of one write: where chunks lie, and which part of the disk is not read from the base image any more.
 *
 * <p>It stands alone: whatever becomes of other sectors, what it says is true. spec: fvd.md sections 6, 9.2 and 15.2.
 *
 * @param firstChunk the chunk of the first entry
 * @param entries of chunks in a row; those without storage are left out of the sector
 * @param bitStart start of the part of the disk whose bits are set, in bytes; whole blocks, but for the first and the last
 * @param bitEnd its end; the same as its start for none
 * @param hidesData whether the blocks whose bits are set read as more than zeros before or, as a crash may leave them, after: then data must be
 *     durable first
 * @param afterBarrier whether the sectors before it must be durable first
 */
record JournalSector(
        long firstChunk, int[] entries, long bitStart, long bitEnd, boolean hidesData, boolean afterBarrier) {
    private static final int[] NO_ENTRIES = {};

    static JournalSector ofEntries(long firstChunk, int... entries) {
        return new JournalSector(firstChunk, entries, 0, 0, false, false);
    }

    static JournalSector ofBits(long bitStart, long bitEnd, boolean hidesData, boolean afterBarrier) {
        return new JournalSector(0, NO_ENTRIES, bitStart, bitEnd, hidesData, afterBarrier);
    }

    boolean hasBits() {
        return bitEnd > bitStart;
    }

    /** How much of the disk gets bits. */
    long bitBytes() {
        return bitEnd - bitStart;
    }

    boolean hasEntries() {
        return entries.length > 0;
    }

    /** Bytes of its records. */
    int bytes(RecordFormat format) {
        return tableBytes(format, entries, entries.length) + (hasBits() ? RecordFormat.BITMAP_BYTES : 0);
    }

    /** Bytes that the first {@code count} of these entries take. */
    static int tableBytes(RecordFormat format, int[] entries, int count) {
        int bytes = 0;
        for (int i = 0; i < count; i++) {
            if (entries[i] != ChunkTable.EMPTY) {
                boolean first = i == 0 || entries[i - 1] == ChunkTable.EMPTY;
                bytes += FvdLayout.ENTRY_BYTES + (first ? format.tableHeader() : 0);
            }
        }
        return bytes;
    }

    /** Puts the records; the bits last, which the program of 2011 wants. */
    void encode(RecordFormat format, long epoch, AlignedBuffer memory, int start) {
        int at = start;
        for (int i = 0; i < entries.length; ) {
            int end = i;
            while (end < entries.length && entries[end] != ChunkTable.EMPTY) {
                end++;
            }
            if (end > i) {
                format.putTable(memory, at, epoch, (int) (firstChunk + i), end - i);
                at += format.tableHeader();
                for (; i < end; i++, at += FvdLayout.ENTRY_BYTES) {
                    memory.putInt(at, entries[i]);
                }
            }
            i = end + 1;
        }
        if (hasBits()) {
            long firstSector = bitStart / FvdHeader.SECTOR;
            long endSector = FvdLayout.ceilDiv(bitEnd, FvdHeader.SECTOR);
            RecordFormat.putBitmap(memory, at, (int) (endSector - firstSector), firstSector);
        }
    }
}
