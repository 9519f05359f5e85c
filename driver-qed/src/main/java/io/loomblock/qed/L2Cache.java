// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Pages of L2 tables in memory, read without a lock, changed under one, within a budget of bytes.
 *
 * <p>A page is a piece of a table, 4 to 16 KiB but no larger than a cluster, known by its place in the file, so that all who use a table
 * share its pages. Pages stand in sets of eight. A reader finds its page, reads the page's generation, the entry, and the generation
 * again; an odd generation, or two different ones, mean that the page was being replaced, and it tries again. Memory of pages is
 * reused, never freed. A page with changes that are not yet in the file is never replaced. spec: qed.md section 10.7, E14, E16.
 */
final class L2Cache {
    /** What {@link #lookup} returns where the page is not there, or holds entries that need a closer look. */
    static final long ABSENT = -1;

    private static final int MAX_PAGE = 16 << 10;
    private static final int MIN_PAGE = 4 << 10;
    private static final int WAYS = 8;
    private static final int MIN_PAGES = 2 * WAYS;
    private static final int SLAB = 1 << 20;
    private static final VarHandle KEYS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle GENERATIONS = MethodHandles.arrayElementVarHandle(int[].class);

    private final Node file;
    private final EntryRules rules;
    private final int pageSize;
    private final int pageShift;
    private final int setMask;

    // One element for each place; a place is a set and a way in it.
    private final long[] keys;
    private final int[] generations;
    private final @Nullable AlignedBuffer[] slabs;
    private final int[] bases;
    private final boolean[] suspect;
    private final boolean[] referenced;
    /** Sectors of the page that differ from the file, a bit each. */
    private final int[] dirty;
    /** Sectors of the page that are being written. */
    private final int[] writing;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition settled = lock.newCondition();
    /**
     * Pages that this opening has changed: all their entries were valid, and new ones may lie past the old end of the file. A bit for
     * each page, by key, 64 keys a word.
     */
    private final Map<Long, Long> changed = new HashMap<>();

    private @Nullable AlignedBuffer currentSlab;
    private int currentSlabUsed;
    private int dirtyPages;

    /**
     * A cache of at most {@code budget} bytes, but of {@value #MIN_PAGES} pages at least, which are smaller where the budget is.
     *
     * @param rules which entries are valid
     */
    L2Cache(Node file, QedLayout layout, EntryRules rules, long budget) {
        this.file = file;
        this.rules = rules;
        long most = Math.clamp(budget, MIN_PAGE * MIN_PAGES, 1L << 32);
        this.pageSize = (int) Math.min(Math.min(layout.clusterSize(), MAX_PAGE), Long.highestOneBit(most / MIN_PAGES));
        this.pageShift = Integer.numberOfTrailingZeros(pageSize);
        long wanted = most / pageSize;
        int sets = Integer.highestOneBit((int) (wanted / WAYS));
        this.setMask = sets - 1;
        int places = sets * WAYS;
        keys = new long[places];
        generations = new int[places];
        slabs = new AlignedBuffer[places];
        bases = new int[places];
        suspect = new boolean[places];
        referenced = new boolean[places];
        dirty = new int[places];
        writing = new int[places];
    }

    int pageSize() {
        return pageSize;
    }

    /** Index of a page's first place in the arrays, by its key. */
    private int firstPlace(long key) {
        long hash = key * 0x9e3779b97f4a7c15L;
        return ((int) (hash >>> 40) & setMask) * WAYS;
    }

    /** The key of the page that holds the byte at {@code fileOffset}; never 0. */
    private long key(long fileOffset) {
        return fileOffset >>> pageShift;
    }

    /**
     * The entry at {@code fileOffset} as it is in memory, without a lock; {@link #ABSENT} if its page has to be loaded, or is not
     * beyond suspicion.
     */
    long lookup(long fileOffset) {
        long key = key(fileOffset);
        int first = firstPlace(key);
        for (int place = first; place < first + WAYS; place++) {
            if ((long) KEYS.getAcquire(keys, place) != key) {
                continue;
            }
            int generation = (int) GENERATIONS.getAcquire(generations, place);
            AlignedBuffer slab = slabs[place];
            if ((generation & 1) != 0 || slab == null || (long) KEYS.getAcquire(keys, place) != key) {
                return ABSENT;
            }
            boolean trusted = !suspect[place];
            long entry = slab.getLongAcquire(bases[place] + (int) (fileOffset & (pageSize - 1)));
            VarHandle.acquireFence();
            if ((int) GENERATIONS.getAcquire(generations, place) != generation || !trusted) {
                return ABSENT;
            }
            if (!referenced[place]) {
                referenced[place] = true;
            }
            return entry;
        }
        return ABSENT;
    }

    /**
     * Loads the page that holds the byte at {@code fileOffset}, unless it is there.
     *
     * @return false if no page of its set can be replaced: all have changes that must be written first
     * @throws BlockException of the read
     */
    boolean load(long fileOffset) throws BlockException {
        lock.lock();
        int place;
        try {
            place = awaitOrClaim(key(fileOffset));
        } finally {
            lock.unlock();
        }
        if (place == LOADED) {
            return true;
        }
        if (place == FULL) {
            return false;
        }
        boolean done = false;
        try {
            read(place, key(fileOffset));
            done = true;
        } finally {
            finishLoad(place, done);
        }
        return true;
    }

    private static final int LOADED = -1;
    private static final int FULL = -2;

    /** The place that this thread shall load the page into, marked as being replaced. */
    private int awaitOrClaim(long key) throws BlockException {
        while (true) {
            int place = find(key);
            if (place >= 0 && (generations[place] & 1) == 0) {
                return LOADED;
            }
            if (place < 0) {
                int victim = victim(firstPlace(key));
                if (victim >= 0) {
                    claim(victim, key);
                    return victim;
                }
                if (victim == FULL) {
                    return FULL;
                }
            }
            settled.awaitUninterruptibly();
        }
    }

    private int find(long key) {
        int first = firstPlace(key);
        for (int place = first; place < first + WAYS; place++) {
            if (keys[place] == key) {
                return place;
            }
        }
        return -1;
    }

    /** A place whose page may go: an empty one, else one not used of late; FULL if all are dirty, LOADED if some are in motion. */
    private int victim(int first) {
        int fallback = FULL;
        int clean = -1;
        for (int place = first; place < first + WAYS; place++) {
            if ((generations[place] & 1) != 0 || writing[place] != 0) {
                fallback = LOADED;
            } else if (dirty[place] == 0) {
                if (keys[place] == 0) {
                    return place;
                }
                if (clean < 0 || referenced[clean] && !referenced[place]) {
                    clean = place;
                }
            }
        }
        if (clean < 0) {
            return fallback;
        }
        if (referenced[clean]) {
            for (int place = first; place < first + WAYS; place++) {
                referenced[place] = false;
            }
        }
        return clean;
    }

    private void claim(int place, long key) throws BlockException {
        if (slabs[place] == null) {
            assignMemory(place);
        }
        GENERATIONS.setRelease(generations, place, generations[place] + 1);
        VarHandle.fullFence();
        KEYS.setRelease(keys, place, key);
    }

    private void assignMemory(int place) throws BlockException {
        if (currentSlab == null || currentSlabUsed + pageSize > currentSlab.capacity()) {
            long all = (long) keys.length * pageSize;
            currentSlab = AlignedBuffer.allocate((int) Math.min(SLAB, all));
            currentSlabUsed = 0;
        }
        bases[place] = currentSlabUsed;
        slabs[place] = currentSlab;
        currentSlabUsed += pageSize;
    }

    private void read(int place, long key) throws BlockException {
        long offset = key << pageShift;
        AlignedBuffer slab = memory(place);
        file.debugEvent(DebugEvent.L2_LOAD);
        file.coReadv(offset, IoVector.of(slab, bases[place], pageSize));
        suspect[place] = !rules.allValid(slab, bases[place], pageSize / Long.BYTES, isChanged(offset));
        referenced[place] = true;
    }

    /** Whether this opening has changed the page that holds {@code fileOffset}. */
    boolean isChanged(long fileOffset) {
        lock.lock();
        try {
            return isKeyChanged(key(fileOffset));
        } finally {
            lock.unlock();
        }
    }

    private boolean isKeyChanged(long key) {
        return (changed.getOrDefault(key / Long.SIZE, 0L) >>> key & 1) != 0;
    }

    private void finishLoad(int place, boolean success) {
        lock.lock();
        try {
            if (!success) {
                KEYS.setRelease(keys, place, 0L);
            }
            GENERATIONS.setRelease(generations, place, generations[place] + 1);
            settled.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The place of the page that holds {@code fileOffset}, if it is there and settled, else -1. Under the lock. */
    private int settledPlace(long fileOffset) {
        int place = find(key(fileOffset));
        return place >= 0 && (generations[place] & 1) == 0 ? place : -1;
    }

    /**
     * The entry at {@code fileOffset} of a page that {@link #load} has loaded, or {@link #ABSENT} if it is gone again.
     *
     * @throws BlockException EIO if the entry is invalid
     */
    long lookupSuspect(long fileOffset) throws BlockException {
        lock.lock();
        try {
            int place = settledPlace(fileOffset);
            if (place < 0) {
                return ABSENT;
            }
            long entry = memory(place).getLong(bases[place] + (int) (fileOffset & (pageSize - 1)));
            if (suspect[place]) {
                rules.check(entry, isKeyChanged(keys[place]));
            }
            return entry;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Whether entries of a page that {@link #load} has loaded may be set: none of them is invalid. Pages with invalid entries are left
     * to a repair, because after a change nobody could tell new entries from stale ones that point past the old end of the file.
     *
     * @return null if the page is gone again
     */
    @Nullable
    Boolean isChangeable(long fileOffset) {
        lock.lock();
        try {
            int place = settledPlace(fileOffset);
            return place < 0 ? null : !suspect[place];
        } finally {
            lock.unlock();
        }
    }

    /**
     * Sets {@code count} entries of one page from {@code fileOffset} on: the first to {@code value}, each further one {@code step} more.
     *
     * @return false if the page is not there, nothing being changed
     */
    boolean set(long fileOffset, int count, long value, long step) {
        lock.lock();
        try {
            int place = settledPlace(fileOffset);
            if (place < 0) {
                return false;
            }
            AlignedBuffer slab = memory(place);
            int inPage = (int) (fileOffset & (pageSize - 1));
            for (int i = 0; i < count; i++) {
                slab.putLongRelease(bases[place] + inPage + i * Long.BYTES, value + i * step);
            }
            int firstSector = inPage / QedLayout.SECTOR;
            int lastSector = (inPage + count * Long.BYTES - 1) / QedLayout.SECTOR;
            if ((dirty[place] | writing[place]) == 0) {
                dirtyPages++;
            }
            dirty[place] |= SectorBatch.mask(firstSector, lastSector - firstSector + 1);
            changed.merge(keys[place] / Long.SIZE, 1L << keys[place], (a, b) -> a | b);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Whether so many pages are dirty that they should be written before more become so. */
    boolean isCrowded() {
        lock.lock();
        try {
            return dirtyPages > keys.length / 2;
        } finally {
            lock.unlock();
        }
    }

    /** Whether all pages are as in the file. */
    boolean isClean() {
        lock.lock();
        try {
            return dirtyPages == 0;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Copies dirty sectors into {@code target}, page after page from {@code fromPlace} on, until it is full; they count as being
     * written until {@link #written} or {@link #notWritten}.
     *
     * @return the batch; its {@code nextPlace} is where to go on, the number of places at the end
     */
    SectorBatch takeDirty(int fromPlace, AlignedBuffer target) {
        SectorBatch batch = new SectorBatch(target);
        lock.lock();
        try {
            int place = fromPlace;
            for (; place < keys.length && batch.hasRoom(pageSize); place++) {
                if (dirty[place] != 0) {
                    batch.add(place, keys[place] << pageShift, dirty[place], memory(place), bases[place]);
                    writing[place] |= dirty[place];
                    dirty[place] = 0;
                }
            }
            batch.endAt(place);
            return batch;
        } finally {
            lock.unlock();
        }
    }

    /** What {@link #takeDirty} gave is in the file. */
    void written(SectorBatch batch) {
        settle(batch, false);
    }

    /** It is not, or nobody knows: it will be written again. */
    void notWritten(SectorBatch batch) {
        settle(batch, true);
    }

    private void settle(SectorBatch batch, boolean stillDirty) {
        lock.lock();
        try {
            for (int i = 0; i < batch.pages(); i++) {
                int place = batch.place(i);
                if (stillDirty) {
                    dirty[place] |= writing[place];
                }
                writing[place] = 0;
                if (dirty[place] == 0) {
                    dirtyPages--;
                }
            }
            settled.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Places in all. */
    int places() {
        return keys.length;
    }

    private AlignedBuffer memory(int place) {
        AlignedBuffer slab = slabs[place];
        assert slab != null : "a page in use has memory";
        return slab;
    }
}
