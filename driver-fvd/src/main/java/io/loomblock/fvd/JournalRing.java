// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.SectorWriter;
import io.loomblock.driver.WriteGuard;
import io.loomblock.memory.IoVector;

/**
 * The sectors of the journal in the file: which is next, which epoch, and how it starts anew. spec: fvd.md sections 6 and 14.
 *
 * <p>The journal that owns it sees to it that {@link #take} and {@link #recycle} are called by one thread at a time.
 */
final class JournalRing {
    private final Node file;
    private final HeaderStore header;
    private final Metadata metadata;
    private final WriteGuard guard;
    private final RecordFormat format;
    private final long offset;
    private final int sectors;

    private int next;
    private long epoch;

    /** {@code epoch} is above that of all table records in the journal. */
    JournalRing(Node file, HeaderStore header, Metadata metadata, WriteGuard guard, long epoch) {
        this.file = file;
        this.header = header;
        this.metadata = metadata;
        this.guard = guard;
        this.format = RecordFormat.of(header.get().format());
        this.offset = header.get().journal().offset();
        this.sectors = (int) (header.get().journal().size() / RecordFormat.SECTOR);
        this.epoch = epoch;
    }

    RecordFormat format() {
        return format;
    }

    /** How many there are. */
    int sectors() {
        return sectors;
    }

    boolean hasRoom(int count) {
        return next + count <= sectors;
    }

    /** Takes so many in a row, for which there is room; the number of the first. */
    int take(int count) {
        int first = next;
        next += count;
        return first;
    }

    /** The epoch of a new table record. */
    long nextEpoch() {
        return epoch++;
    }

    /**
     * Writes sectors.
     *
     * @throws BlockException of the second attempt; nothing is written any more then, unless there was no room
     */
    void write(int first, IoVector content) throws BlockException {
        file.debugEvent(DebugEvent.JOURNAL_WRITE);
        try {
            SectorWriter.write(file, offset + (long) first * RecordFormat.SECTOR, content);
        } catch (BlockException e) {
            if (!SectorWriter.isIntact(e)) {
                guard.trip(e);
            }
            throw e;
        }
    }

    /** Writes table and bitmap, after which no record is needed any more. No bit may be set meanwhile, no record be on its way. */
    void recycle() throws BlockException {
        guard.check();
        file.debugEvent(DebugEvent.JOURNAL_RECYCLE);
        metadata.writeBack();
        if (format == RecordFormat.V2) {
            header.update(h -> h.stableEpoch = epoch);
            metadata.flushFile();
        }
        next = 0;
    }
}
