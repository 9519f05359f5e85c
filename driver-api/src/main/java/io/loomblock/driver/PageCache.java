// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Pages of a file's metadata in memory, read without a lock, changed under one, within a budget of bytes.
 *
 * <p>A page is known by its place in the file. Pages stand in sets of eight. A reader finds its page, reads the page's generation, the
 * value, and the generation again; an odd generation, or two different ones, mean that the page was being replaced, and it tries again.
 * Memory of pages is reused, never freed. A page with changes that are not yet in the file is never replaced. Offsets are bytes of the
 * file; those of the first page, where the header is, cannot be cached. Thread-safe.
 */
public final class PageCache {
    /** What {@link #lookup} returns where the page is not there, or is not trusted. */
    public static final long ABSENT = -1;

    private static final int WAYS = 8;
    /** No cache has room for fewer pages. */
    public static final int MIN_PAGES = 2 * WAYS;

    private static final int SLAB = 1 << 20;
    private static final int LOADED = -1;
    private static final int FULL = -2;
    private static final VarHandle KEYS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle GENERATIONS = MethodHandles.arrayElementVarHandle(int[].class);

    /** Fills a page from the file. */
    @FunctionalInterface
    public interface Loader {
        /**
         * Reads the page at {@code offset} of the file into {@code memory} from {@code base} on.
         *
         * @return whether all that is in the page may be believed; if not, {@link #lookup} does not look into it
         */
        boolean load(long offset, AlignedBuffer memory, int base) throws BlockException;
    }

    /** Looks at a page, or changes it, under the cache's lock; must be quick. */
    @FunctionalInterface
    public interface PageAccess {
        /**
         * Called with the page, which is settled.
         *
         * @param base where the page starts in {@code memory}
         * @param trusted what the {@link Loader} said of it
         */
        void with(AlignedBuffer memory, int base, boolean trusted) throws BlockException;
    }

    private final Loader loader;
    private final int pageSize;
    private final int pageShift;
    private final int sets;

    // One element for each place; a place is a set and a way in it.
    private final long[] keys;
    private final int[] generations;
    private final @Nullable AlignedBuffer[] slabs;
    private final int[] bases;
    private final boolean[] trusted;
    private final boolean[] referenced;
    /** Sectors of the page that differ from the file, a bit each. */
    private final int[] dirty;
    /** Sectors of the page that are being written. */
    private final int[] writing;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition settled = lock.newCondition();
    private @Nullable AlignedBuffer currentSlab;
    private int currentSlabUsed;
    /** Bytes of places that are in no slab yet. */
    private long unassigned;

    private int dirtyPages;

    /**
     * A cache of at most {@code budget} bytes, but of {@value #MIN_PAGES} pages at least.
     *
     * @param pageSize a power of two, 4 to 16 KiB
     */
    public PageCache(int pageSize, long budget, Loader loader) {
        this.loader = loader;
        this.pageSize = pageSize;
        this.pageShift = Integer.numberOfTrailingZeros(pageSize);
        long wanted = Math.clamp(budget, (long) pageSize * MIN_PAGES, 1L << 32) / pageSize;
        this.sets = (int) (wanted / WAYS);
        int places = sets * WAYS;
        keys = new long[places];
        generations = new int[places];
        slabs = new AlignedBuffer[places];
        bases = new int[places];
        trusted = new boolean[places];
        referenced = new boolean[places];
        dirty = new int[places];
        writing = new int[places];
        unassigned = (long) places * pageSize;
    }

    /** Bytes of a page. */
    public int pageSize() {
        return pageSize;
    }

    /** Where the page ends that holds the byte at {@code offset}. */
    public long endOfPage(long offset) {
        return (offset | pageSize - 1) + 1;
    }

    /** Index of a page's first place in the arrays, by its key. */
    private int firstPlace(long key) {
        long hash = key * 0x9e3779b97f4a7c15L;
        // The upper half of the hash, scaled to the number of sets: a budget is seldom a power of two.
        return (int) ((hash >>> 32) * sets >>> 32) * WAYS;
    }

    /** The key of the page that holds the byte at {@code offset}; never 0. */
    private long key(long offset) {
        return offset >>> pageShift;
    }

    /**
     * The little-endian number at {@code offset} as it is in memory, without a lock; {@link #ABSENT} if its page has to be loaded, or is
     * not trusted.
     *
     * @param bytes 8, or 4 for a number without a sign, which is never {@link #ABSENT}; {@code offset} is a multiple of it
     */
    public long lookup(long offset, int bytes) {
        long key = key(offset);
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
            boolean believed = trusted[place];
            int inPage = (int) offset & (pageSize - 1);
            long value = slab.getLongAcquire(bases[place] + (inPage & -Long.BYTES));
            VarHandle.acquireFence();
            if ((int) GENERATIONS.getAcquire(generations, place) != generation || !believed) {
                return ABSENT;
            }
            if (!referenced[place]) {
                referenced[place] = true;
            }
            return bytes == Long.BYTES ? value : value >>> (inPage & Integer.BYTES) * Byte.SIZE & 0xffffffffL;
        }
        return ABSENT;
    }

    /**
     * Loads the page that holds the byte at {@code offset}, unless it is there.
     *
     * @return false if no page of its set can be replaced: all have changes that must be written first
     * @throws BlockException of the loader
     */
    public boolean load(long offset) throws BlockException {
        long key = key(offset);
        int place;
        lock.lock();
        try {
            place = awaitOrClaim(key);
        } finally {
            lock.unlock();
        }
        if (place < 0) {
            return place == LOADED;
        }
        boolean done = false;
        try {
            trusted[place] = loader.load(key << pageShift, memory(place), bases[place]);
            referenced[place] = true;
            done = true;
        } finally {
            finishLoad(place, done);
        }
        return true;
    }

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
            currentSlab = AlignedBuffer.allocate((int) Math.min(SLAB, unassigned));
            unassigned -= currentSlab.capacity();
            currentSlabUsed = 0;
        }
        bases[place] = currentSlabUsed;
        slabs[place] = currentSlab;
        currentSlabUsed += pageSize;
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

    /** The place of the page that holds {@code offset}, if it is there and settled, else -1. Under the lock. */
    private int settledPlace(long offset) {
        int place = find(key(offset));
        return place >= 0 && (generations[place] & 1) == 0 ? place : -1;
    }

    /**
     * Looks at the page that holds {@code offset}.
     *
     * @return false if the page is not there: the access was not called
     * @throws BlockException of the access
     */
    public boolean look(long offset, PageAccess access) throws BlockException {
        lock.lock();
        try {
            int place = settledPlace(offset);
            if (place < 0) {
                return false;
            }
            access.with(memory(place), bases[place], trusted[place]);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Changes {@code length} bytes at {@code offset}, in one page, which are dirty from now on. Lookups see each 8 bytes as they were or as
     * they are, so the access changes them by {@link AlignedBuffer#putLongRelease}.
     *
     * @return false if the page is not there: nothing was changed
     * @throws BlockException of the access, which must not have changed anything then
     */
    public boolean change(long offset, int length, PageAccess access) throws BlockException {
        lock.lock();
        try {
            int place = settledPlace(offset);
            if (place < 0) {
                return false;
            }
            access.with(memory(place), bases[place], trusted[place]);
            int inPage = (int) offset & (pageSize - 1);
            int firstSector = inPage / SectorBatch.SECTOR;
            int lastSector = (inPage + length - 1) / SectorBatch.SECTOR;
            if ((dirty[place] | writing[place]) == 0) {
                dirtyPages++;
            }
            dirty[place] |= SectorBatch.mask(firstSector, lastSector - firstSector + 1);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Whether so many pages are dirty that they should be written before more become so. */
    public boolean isCrowded() {
        lock.lock();
        try {
            return dirtyPages > keys.length / 2;
        } finally {
            lock.unlock();
        }
    }

    /** Whether all pages are as in the file. */
    public boolean isClean() {
        lock.lock();
        try {
            return dirtyPages == 0;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Copies dirty sectors into {@code target}, page after page from {@code fromPlace} on, until it is full; they count as being
     * written until {@link #written} or {@link #notWritten}. One batch at a time.
     *
     * @param target has room for a page at least
     * @return the batch; its {@code nextPlace} is where to go on, {@link #places} at the end
     */
    public SectorBatch takeDirty(int fromPlace, AlignedBuffer target) {
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
    public void written(SectorBatch batch) {
        settle(batch, false);
    }

    /** It is not, or nobody knows: it will be written again. */
    public void notWritten(SectorBatch batch) {
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

    /** Places for pages, in all. */
    public int places() {
        return keys.length;
    }

    private AlignedBuffer memory(int place) {
        AlignedBuffer slab = slabs[place];
        assert slab != null : "a page in use has memory";
        return slab;
    }
}
