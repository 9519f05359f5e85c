// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.WriteGuard;
import io.loomblock.memory.AlignedBuffer;
import java.util.Arrays;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Which entries of an L2 table may be followed: those that point at whole clusters of the file that hold no table.
 *
 * <p>An entry read from the file must lie before the end that the file had at open, because space allocated since cannot be what it
 * meant; only pages that this opening has changed may point further. spec: qed.md section 4, E5, E15.
 */
final class EntryRules {
    /** An L2 entry: nothing here, the backing file shows through. */
    static final long UNALLOCATED = 0;
    /** An L2 entry: zeros, whatever the backing file holds. */
    static final long ZERO_CLUSTER = 1;

    private final QedLayout layout;
    private final long fileEndAtOpen;
    private final LongSupplier fileEnd;
    private final Supplier<long[]> findTables;
    private final WriteGuard guard;
    private volatile long @Nullable [] tables;

    /**
     * Rules for one opening.
     *
     * @param fileEnd where the clusters end that have been allocated by now
     * @param findTables sorted offsets of the L2 tables, asked for when first needed
     * @param guard is told of entries that must not be followed
     */
    EntryRules(
            QedLayout layout, long fileEndAtOpen, LongSupplier fileEnd, Supplier<long[]> findTables, WriteGuard guard) {
        this.layout = layout;
        this.fileEndAtOpen = fileEndAtOpen;
        this.fileEnd = fileEnd;
        this.findTables = findTables;
        this.guard = guard;
    }

    /** There are tables that were there before but not in use: those of a disk that has grown. */
    void tablesChanged() {
        tables = null;
    }

    static boolean isData(long entry) {
        // As unsigned numbers: everything but 0 and 1.
        return (entry & ~1L) != 0;
    }

    /** Whether {@code count} entries from {@code offset} on are all valid. */
    boolean allValid(AlignedBuffer page, int offset, int count, boolean changed) {
        long limit = limit(changed);
        // Data mostly lies in one stretch between two tables: as long as entries stay inside it, no search is needed.
        long[] sorted = tables();
        long gapStart = 0;
        long gapEnd = 0;
        for (int i = 0; i < count; i++) {
            long entry = page.getLong(offset + i * Long.BYTES);
            if (!isData(entry)) {
                continue;
            }
            if (!layout.isCluster(entry, limit) || layout.isInL1(entry)) {
                return false;
            }
            if (entry < gapStart || entry >= gapEnd) {
                int above = indexAbove(sorted, entry);
                gapStart = above == 0 ? 0 : sorted[above - 1] + layout.tableBytes();
                gapEnd = above == sorted.length ? Long.MAX_VALUE : sorted[above];
                if (entry < gapStart) {
                    return false;
                }
            }
        }
        return true;
    }

    /**
     * Checks one entry.
     *
     * @throws BlockException EIO if it must not be followed
     */
    void check(long entry, boolean changed) throws BlockException {
        if (isData(entry) && (!layout.isCluster(entry, limit(changed)) || layout.isInL1(entry) || isInTable(entry))) {
            guard.corruptionMet();
            throw new BlockException(
                    Errno.EIO, "L2 table entry 0x" + Long.toHexString(entry) + " is invalid: the image is corrupt");
        }
    }

    private long limit(boolean changed) {
        return changed ? fileEnd.getAsLong() : fileEndAtOpen;
    }

    private boolean isInTable(long offset) {
        long[] sorted = tables();
        int above = indexAbove(sorted, offset);
        return above > 0 && offset - sorted[above - 1] < layout.tableBytes();
    }

    /** Index of the first table that starts after {@code offset}. */
    private static int indexAbove(long[] sorted, long offset) {
        int found = Arrays.binarySearch(sorted, offset);
        return found >= 0 ? found + 1 : -found - 1;
    }

    private long[] tables() {
        long[] known = tables;
        if (known == null) {
            known = findTables.get();
            tables = known;
        }
        return known;
    }
}
