// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.PageCache;
import io.loomblock.driver.SectorBatch;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Pages of L2 tables in memory, of which it is known whether their entries are valid.
 *
 * <p>A page is a piece of a table, 4 to 16 KiB but no larger than a cluster, known by its place in the file, so that all who use a table
 * share its pages. The {@link PageCache} keeps them; a page with an invalid entry is not trusted there, and is looked at entry by entry.
 * spec: qed.md section 10.7, E14, E16.
 */
final class L2Cache {
    /** What {@link #lookup} returns where the page is not there, or holds entries that need a closer look. */
    static final long ABSENT = PageCache.ABSENT;

    private static final int MAX_PAGE = 16 << 10;
    private static final int MIN_PAGE = 4 << 10;

    private final Node file;
    private final EntryRules rules;
    private final PageCache pages;
    private final int pageShift;

    /**
     * Pages that this opening has changed: all their entries were valid, and new ones may lie past the old end of the file. A bit for
     * each page, by key, 64 keys a word.
     */
    private final Map<Long, Long> changed = new ConcurrentHashMap<>();

    /**
     * A cache of at most {@code budget} bytes, but of {@value PageCache#MIN_PAGES} pages at least, which are smaller where the budget is.
     *
     * @param rules which entries are valid
     */
    L2Cache(Node file, QedLayout layout, EntryRules rules, long budget) {
        this.file = file;
        this.rules = rules;
        long most = Math.clamp(budget, MIN_PAGE * PageCache.MIN_PAGES, 1L << 32);
        long largest = Long.highestOneBit(most / PageCache.MIN_PAGES);
        int pageSize = (int) Math.min(Math.min(layout.clusterSize(), MAX_PAGE), largest);
        this.pageShift = Integer.numberOfTrailingZeros(pageSize);
        this.pages = new PageCache(pageSize, most, this::read);
    }

    int pageSize() {
        return pages.pageSize();
    }

    /**
     * The entry at {@code fileOffset} as it is in memory, without a lock; {@link #ABSENT} if its page has to be loaded, or is not
     * beyond suspicion.
     */
    long lookup(long fileOffset) {
        return pages.lookup(fileOffset, Long.BYTES);
    }

    /**
     * Loads the page that holds the byte at {@code fileOffset}, unless it is there.
     *
     * @return false if no page of its set can be replaced: all have changes that must be written first
     * @throws BlockException of the read
     */
    boolean load(long fileOffset) throws BlockException {
        return pages.load(fileOffset);
    }

    private boolean read(long offset, AlignedBuffer memory, int base) throws BlockException {
        file.debugEvent(DebugEvent.L2_LOAD);
        file.coReadv(offset, IoVector.of(memory, base, pageSize()));
        return rules.allValid(memory, base, pageSize() / Long.BYTES, isChanged(offset));
    }

    /** Whether this opening has changed the page that holds {@code fileOffset}. */
    boolean isChanged(long fileOffset) {
        long key = fileOffset >>> pageShift;
        return (changed.getOrDefault(key / Long.SIZE, 0L) >>> key & 1) != 0;
    }

    private void markChanged(long fileOffset) {
        long key = fileOffset >>> pageShift;
        changed.merge(key / Long.SIZE, 1L << key, (a, b) -> a | b);
    }

    private int inPage(long fileOffset) {
        return (int) fileOffset & (pageSize() - 1);
    }

    /**
     * The entry at {@code fileOffset} of a page that {@link #load} has loaded, or {@link #ABSENT} if it is gone again.
     *
     * @throws BlockException EIO if the entry is invalid
     */
    long lookupSuspect(long fileOffset) throws BlockException {
        long[] found = {ABSENT};
        pages.look(fileOffset, (memory, base, trusted) -> {
            long entry = memory.getLong(base + inPage(fileOffset));
            if (!trusted) {
                rules.check(entry, isChanged(fileOffset));
            }
            found[0] = entry;
        });
        return found[0];
    }

    /**
     * Whether entries of a page that {@link #load} has loaded may be set: none of them is invalid. Pages with invalid entries are left
     * to a repair, because after a change nobody could tell new entries from stale ones that point past the old end of the file.
     *
     * @return null if the page is gone again
     */
    @Nullable
    Boolean isChangeable(long fileOffset) throws BlockException {
        boolean[] changeable = new boolean[1];
        boolean there = pages.look(fileOffset, (memory, base, trusted) -> changeable[0] = trusted);
        return there ? changeable[0] : null;
    }

    /**
     * Sets {@code count} entries of one page from {@code fileOffset} on: the first to {@code value}, each further one {@code step} more.
     *
     * @return false if the page is not there, nothing being changed
     */
    boolean set(long fileOffset, int count, long value, long step) throws BlockException {
        return pages.change(fileOffset, count * Long.BYTES, (memory, base, trusted) -> {
            int first = base + inPage(fileOffset);
            for (int i = 0; i < count; i++) {
                memory.putLongRelease(first + i * Long.BYTES, value + i * step);
            }
            markChanged(fileOffset);
        });
    }

    /** Whether so many pages are dirty that they should be written before more become so. */
    boolean isCrowded() {
        return pages.isCrowded();
    }

    /** Whether all pages are as in the file. */
    boolean isClean() {
        return pages.isClean();
    }

    /** Dirty sectors to write, as {@link PageCache#takeDirty} says. */
    SectorBatch takeDirty(int fromPlace, AlignedBuffer target) {
        return pages.takeDirty(fromPlace, target);
    }

    /** What {@link #takeDirty} gave is in the file. */
    void written(SectorBatch batch) {
        pages.written(batch);
    }

    /** It is not, or nobody knows: it will be written again. */
    void notWritten(SectorBatch batch) {
        pages.notWritten(batch);
    }

    /** Places in all. */
    int places() {
        return pages.places();
    }
}
