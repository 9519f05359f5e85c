// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.CheckResult;

/**
 * Looks through bitmap and table of an image: parts that cannot be read, entries that name no storage, storage that two chunks share, storage
 * that nobody names. spec: fvd.md section 16.7.
 *
 * <p>Looks at them as they are in memory, so an image that was not closed in order is checked as its journal makes it. Storage is marked a
 * part at a time, within the memory that the image may use. Other requests must not be in flight.
 */
final class FvdChecker {
    private final FvdLayout layout;
    private final Metadata metadata;
    private final long storage;
    private final long growUnit;
    private final long marks;

    private long next;
    private long allocated;
    private long fragmented;
    private long corruptions;
    private long errors;
    private long named;

    /**
     * A check.
     *
     * @param fileLength of the data area's file, in bytes
     * @param budget bytes of memory for marks
     */
    FvdChecker(Metadata metadata, long fileLength, long growUnit, long budget) {
        this.layout = metadata.layout();
        this.metadata = metadata;
        this.storage = layout.isCompact() ? layout.storage(fileLength) : 0;
        this.growUnit = growUnit;
        this.marks = ChunkMarks.most(budget);
    }

    CheckResult run() throws BlockException {
        readBitmap();
        ChunkTable table = metadata.table();
        if (table == null) {
            return new CheckResult(0, 0, errors, 0, 0, 0, 0, 0, 0, 0);
        }
        countEntries(table);
        for (long first = 0; first < next; first += marks) {
            countSharing(table, first, Math.min(next, first + marks));
        }
        return new CheckResult(
                corruptions,
                next - named + tailLeak(layout, growUnit, storage, next),
                errors,
                0,
                0,
                layout.physicalOffset(next),
                layout.chunks(),
                allocated,
                0,
                fragmented);
    }

    /** Any bit may be set, if it can be read. */
    private void readBitmap() {
        BaseBitmap bitmap = metadata.bitmap();
        if (bitmap == null) {
            return;
        }
        for (long block = 0; block < layout.blocks(); block = bitmap.endOfPage(block)) {
            try {
                bitmap.isSet(block);
            } catch (BlockException e) {
                errors++;
            }
        }
    }

    private void countEntries(ChunkTable table) {
        long previous = -1;
        for (long chunk = 0; chunk < layout.chunks(); chunk++) {
            int entry = readOrCount(table, chunk);
            if (entry == ChunkTable.EMPTY) {
                continue;
            }
            allocated++;
            if (previous >= 0 && entry != previous + 1) {
                fragmented++;
            }
            previous = entry;
            if (entry >= storage || !layout.isPhysical(entry)) {
                corruptions++;
            } else {
                next = Math.max(next, entry + 1L);
            }
        }
    }

    /** The entry; one that cannot be read counts as an error, and as none. */
    private int readOrCount(ChunkTable table, long chunk) {
        try {
            return ChunkTable.clean(table.entry(chunk));
        } catch (BlockException e) {
            errors++;
            return ChunkTable.EMPTY;
        }
    }

    private int readOrSkip(ChunkTable table, long chunk) {
        long before = errors;
        int entry = readOrCount(table, chunk);
        errors = before;
        return entry;
    }

    /** Finds out which physical chunks of {@code [first, end)} are named, and how often. */
    private void countSharing(ChunkTable table, long first, long end) throws BlockException {
        try (ChunkMarks seen = new ChunkMarks(first, end)) {
            for (long chunk = 0; chunk < layout.chunks(); chunk++) {
                int entry = readOrSkip(table, chunk);
                if (entry == ChunkTable.EMPTY || !seen.covers(entry)) {
                    continue;
                }
                if (seen.mark(entry)) {
                    named++;
                } else {
                    corruptions++;
                }
            }
        }
    }

    /**
     * Chunks of storage behind the last that is used, beyond what growing takes at once.
     *
     * @param storage how many chunks there are
     * @param next the one behind the last that is used
     */
    static long tailLeak(FvdLayout layout, long growUnit, long storage, long next) {
        long spare = FvdLayout.ceilDiv(growUnit, layout.chunkSize());
        return Math.max(0, storage - next - spare);
    }
}
