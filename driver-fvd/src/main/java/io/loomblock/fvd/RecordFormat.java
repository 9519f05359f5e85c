// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.memory.AlignedBuffer;

/**
 * How the records of a journal sector stand in it: the two layouts differ in table records. spec: fvd.md sections 6 and 14.
 *
 * <p>Sectors stand alone. Records follow one another from the start, each a multiple of four bytes long, up to an EMPTY word, an unknown
 * one, or the end of the sector.
 */
enum RecordFormat {
    /** Entries follow firstEntry and count. */
    V1(12) {
        @Override
        void putTable(AlignedBuffer sector, int at, long epoch, int firstEntry, int count) {
            sector.putInt(at, TABLE);
            sector.putInt(at + 4, firstEntry);
            sector.putInt(at + 8, count);
        }

        @Override
        long epoch(AlignedBuffer sector, int at) {
            return 0;
        }

        @Override
        long count(AlignedBuffer sector, int at) {
            return Integer.toUnsignedLong(sector.getInt(at + 8));
        }

        @Override
        long firstEntry(AlignedBuffer sector, int at) {
            return Integer.toUnsignedLong(sector.getInt(at + 4));
        }
    },

    /** Entries follow epoch, count and firstEntry. */
    V2(20) {
        @Override
        void putTable(AlignedBuffer sector, int at, long epoch, int firstEntry, int count) {
            sector.putInt(at, TABLE);
            sector.putLong(at + 4, epoch);
            sector.putInt(at + 12, count);
            sector.putInt(at + 16, firstEntry);
        }

        @Override
        long epoch(AlignedBuffer sector, int at) {
            return sector.getLong(at + 4);
        }

        @Override
        long count(AlignedBuffer sector, int at) {
            return Integer.toUnsignedLong(sector.getInt(at + 12));
        }

        @Override
        long firstEntry(AlignedBuffer sector, int at) {
            return Integer.toUnsignedLong(sector.getInt(at + 16));
        }
    };

    static final int SECTOR = FvdHeader.SECTOR;
    static final int BITMAP = 0x3F2AB8ED;
    static final int TABLE = 0xB4E6F7AC;
    static final int EMPTY = 0;

    /** Length of a type word. */
    static final int WORD = 4;
    /** Length of a BITMAP record. */
    static final int BITMAP_BYTES = 16;

    private final int tableHeader;

    RecordFormat(int tableHeader) {
        this.tableHeader = tableHeader;
    }

    static RecordFormat of(HeaderFormat format) {
        return format.version() == 1 ? V1 : V2;
    }

    /** Bytes of a TABLE record before its entries. */
    int tableHeader() {
        return tableHeader;
    }

    /** How many entries a sector takes beside a BITMAP record. */
    int entriesBesideBits() {
        return (SECTOR - BITMAP_BYTES - tableHeader) / FvdLayout.ENTRY_BYTES;
    }

    /** Puts what stands before the entries. */
    abstract void putTable(AlignedBuffer sector, int at, long epoch, int firstEntry, int count);

    /** The epoch of the TABLE record at {@code at}; 0 where there are none. */
    abstract long epoch(AlignedBuffer sector, int at);

    abstract long count(AlignedBuffer sector, int at);

    abstract long firstEntry(AlignedBuffer sector, int at);

    static void putBitmap(AlignedBuffer sector, int at, int sectors, long firstSector) {
        sector.putInt(at, BITMAP);
        sector.putInt(at + 4, sectors);
        sector.putLong(at + 8, firstSector);
    }
}
