// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;

/**
 * Reads the records of a journal sector, whatever is in it: the one decoder for replay and check. spec: fvd.md sections 6 and 14, E5, E6,
 * E15.
 */
final class RecordReader {
    private final RecordFormat format;

    /** What is done with the records. */
    interface Visitor {
        /** A BITMAP record; both numbers are unsigned and not checked. */
        void bits(long firstSector, long count) throws BlockException;

        /**
         * A TABLE record, all of whose entries are in the sector.
         *
         * @param epoch not checked
         * @param first the chunk of the first entry, not checked
         * @param at where the first entry stands
         */
        void entries(long epoch, long first, int count, int at) throws BlockException;

        /** The rest of the sector is not understood, and skipped. */
        void unknown(int at) throws BlockException;
    }

    RecordReader(RecordFormat format) {
        this.format = format;
    }

    /** Reads the sector that starts at {@code start}. */
    void read(AlignedBuffer memory, int start, Visitor visitor) throws BlockException {
        int end = start + RecordFormat.SECTOR;
        for (int at = start; at + RecordFormat.WORD <= end; ) {
            int type = memory.getInt(at);
            if (type == RecordFormat.EMPTY) {
                return;
            }
            int length = length(memory, type, at, end);
            if (length == 0) {
                visitor.unknown(at);
                return;
            }
            if (type == RecordFormat.BITMAP) {
                visitor.bits(memory.getLong(at + 8), Integer.toUnsignedLong(memory.getInt(at + 4)));
            } else {
                int entries = at + format.tableHeader();
                int count = (int) format.count(memory, at);
                visitor.entries(format.epoch(memory, at), format.firstEntry(memory, at), count, entries);
            }
            at += length;
        }
    }

    /** Length of the record at {@code at}; 0 for one that is unknown or does not end in the sector. */
    private int length(AlignedBuffer memory, int type, int at, int end) {
        int room = end - at;
        if (type == RecordFormat.BITMAP) {
            return room >= RecordFormat.BITMAP_BYTES ? RecordFormat.BITMAP_BYTES : 0;
        }
        if (type != RecordFormat.TABLE || room < format.tableHeader()) {
            return 0;
        }
        long length = format.tableHeader() + format.count(memory, at) * FvdLayout.ENTRY_BYTES;
        return length <= room ? (int) length : 0;
    }
}
