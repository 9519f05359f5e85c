// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.memory.AlignedBuffer;

/**
 * Looks through the table of an image: entries that name no storage, storage that two chunks share, storage that nobody names. spec: fvd.md
 * section 16.7.
 *
 * <p>Looks at the table as it is in memory, so an image that was not closed in order is checked as its journal makes it. Storage is marked a
 * part at a time, within the memory that the image may use. Other requests must not be in flight.
 */
final class FvdChecker {
    private static final long MIN_MARKS = 64 << 10;
    private static final long MAX_MARKS = 64 << 20;

    private final FvdLayout layout;
    private final ChunkTable table;
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
    FvdChecker(FvdLayout layout, ChunkTable table, long fileLength, long growUnit, long budget) {
        this.layout = layout;
        this.table = table;
        this.storage = FvdLayout.ceilDiv(Math.max(0, fileLength - layout.dataStart()), layout.chunkSize());
        this.growUnit = growUnit;
        this.marks = Math.clamp(budget, MIN_MARKS, MAX_MARKS) * Byte.SIZE;
    }

    CheckResult run() throws BlockException {
        countEntries();
        for (long first = 0; first < next; first += marks) {
            countSharing(first, Math.min(next, first + marks));
        }
        return new CheckResult(
                corruptions,
                next - named + tailLeak(),
                errors,
                0,
                0,
                layout.physicalOffset(next),
                layout.chunks(),
                allocated,
                0,
                fragmented);
    }

    private void countEntries() {
        long previous = -1;
        for (long chunk = 0; chunk < layout.chunks(); chunk++) {
            int entry = readOrCount(chunk);
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
    private int readOrCount(long chunk) {
        try {
            return ChunkTable.clean(table.entry(chunk));
        } catch (BlockException e) {
            errors++;
            return ChunkTable.EMPTY;
        }
    }

    private int readOrSkip(long chunk) {
        long before = errors;
        int entry = readOrCount(chunk);
        errors = before;
        return entry;
    }

    /** Finds out which physical chunks of {@code [first, end)} are named, and how often. */
    private void countSharing(long first, long end) throws BlockException {
        int longs = (int) FvdLayout.ceilDiv(end - first, Long.SIZE);
        try (AlignedBuffer seen = AlignedBuffer.allocate(longs * Long.BYTES)) {
            for (long chunk = 0; chunk < layout.chunks(); chunk++) {
                int entry = readOrSkip(chunk);
                if (entry != ChunkTable.EMPTY && entry >= first && entry < end) {
                    mark(seen, entry - first);
                }
            }
        }
    }

    private void mark(AlignedBuffer seen, long number) {
        int at = (int) (number / Long.SIZE) * Long.BYTES;
        long bit = 1L << number;
        long word = seen.getLong(at);
        if ((word & bit) != 0) {
            corruptions++;
        } else {
            named++;
            seen.putLong(at, word | bit);
        }
    }

    /** Chunks of storage behind the last that is used, beyond what growing takes at once. */
    private long tailLeak() {
        long spare = FvdLayout.ceilDiv(growUnit, layout.chunkSize());
        return Math.max(0, storage - next - spare);
    }
}
