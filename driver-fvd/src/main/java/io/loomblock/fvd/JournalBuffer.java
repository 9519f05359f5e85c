// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;

/**
 * Journal records in memory that are written together: packed into sectors that each stand alone. spec: fvd.md section 15.2.
 *
 * <p>What one sector takes of a write never crosses into another. Sectors end in zeros, which say so themselves. For one thread.
 */
final class JournalBuffer {
    private final AlignedBuffer memory;
    private int used;
    private boolean dataFirst;
    private boolean afterBarrier;

    /** An empty buffer of this many bytes, whole sectors. */
    JournalBuffer(int bytes) throws BlockException {
        this.memory = AlignedBuffer.allocate(bytes);
    }

    /**
     * Empties it.
     *
     * @param behindBarrier whether what was written before must be durable first
     */
    void reset(boolean behindBarrier) {
        memory.fill(0, used, (byte) 0);
        used = 0;
        dataFirst = false;
        afterBarrier = behindBarrier;
    }

    /** Where records of so many bytes start: the program of 2011 reads one write in a sector only. */
    private int start(int bytes, RecordFormat format) {
        int left = (RecordFormat.SECTOR - used % RecordFormat.SECTOR) % RecordFormat.SECTOR;
        return bytes <= left && format != RecordFormat.V1 ? used : used + left;
    }

    /**
     * Adds records.
     *
     * @param needsData whether the data must be durable before they are
     * @return false if there is no room
     */
    boolean append(JournalSector sector, RecordFormat format, long epoch, boolean needsData) {
        int bytes = sector.bytes(format);
        int at = start(bytes, format);
        if (at + bytes > memory.capacity()) {
            return false;
        }
        sector.encode(format, epoch, memory, at);
        used = at + bytes;
        dataFirst |= needsData;
        return true;
    }

    /** Whether data has to be durable first. */
    boolean wantsBarrier() {
        return dataFirst;
    }

    boolean isAfterBarrier() {
        return afterBarrier;
    }

    int sectors() {
        return (int) FvdLayout.ceilDiv(used, RecordFormat.SECTOR);
    }

    /** The sectors, to be written. */
    IoVector content() {
        return IoVector.of(memory, 0, sectors() * RecordFormat.SECTOR);
    }
}
