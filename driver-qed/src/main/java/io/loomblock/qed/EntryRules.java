// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.Errno;
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
    private final Supplier<long[]> tablesAtOpen;
    private volatile long @Nullable [] tables;

    /**
     * Rules for one opening.
     *
     * @param fileEnd where the clusters end that have been allocated by now
     * @param tablesAtOpen sorted offsets of the L2 tables, asked for once, when first needed
     */
    EntryRules(QedLayout layout, long fileEndAtOpen, LongSupplier fileEnd, Supplier<long[]> tablesAtOpen) {
        this.layout = layout;
        this.fileEndAtOpen = fileEndAtOpen;
        this.fileEnd = fileEnd;
        this.tablesAtOpen = tablesAtOpen;
    }

    static boolean isData(long entry) {
        // As unsigned numbers: everything but 0 and 1.
        return (entry & ~1L) != 0;
    }

    /** Whether {@code count} entries from {@code offset} on are all valid. */
    boolean allValid(AlignedBuffer page, int offset, int count, boolean changed) {
        long limit = limit(changed);
        // Data mostly lies in one stretch between two tables: as long as entries stay inside it, no search is needed.
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
                int above = indexAbove(entry);
                gapStart = above == 0 ? 0 : tables()[above - 1] + layout.tableBytes();
                gapEnd = above == tables().length ? Long.MAX_VALUE : tables()[above];
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
            throw new BlockException(
                    Errno.EIO, "L2 table entry 0x" + Long.toHexString(entry) + " is invalid: the image is corrupt");
        }
    }

    private long limit(boolean changed) {
        return changed ? fileEnd.getAsLong() : fileEndAtOpen;
    }

    private boolean isInTable(long offset) {
        int above = indexAbove(offset);
        return above > 0 && offset - tables()[above - 1] < layout.tableBytes();
    }

    /** Index of the first table that starts after {@code offset}. */
    private int indexAbove(long offset) {
        int found = Arrays.binarySearch(tables(), offset);
        return found >= 0 ? found + 1 : -found - 1;
    }

    private long[] tables() {
        long[] known = tables;
        if (known == null) {
            known = tablesAtOpen.get();
            tables = known;
        }
        return known;
    }
}
