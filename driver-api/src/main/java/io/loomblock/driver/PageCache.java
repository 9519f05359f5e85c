// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
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

    // One element for each place, which is a set and a way in it.
    /** Of the pages, 0 where there is none: what lookups search, who may see an old one, as the place itself says what it holds. */
    private final long[] keys;
    /** Null where there has never been a page. */
    private final @Nullable PagePlace[] places;

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
        keys = new long[sets * WAYS];
        places = new PagePlace[sets * WAYS];
        unassigned = (long) keys.length * pageSize;
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
        for (int i = first; i < first + WAYS; i++) {
            if (keys[i] == key) {
                PagePlace place = places[i];
                return place == null ? ABSENT : place.read(key, (int) offset & (pageSize - 1), bytes);
            }
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
        int index;
        lock.lock();
        try {
            index = awaitOrClaim(key);
        } finally {
            lock.unlock();
        }
        if (index < 0) {
            return index == LOADED;
        }
        PagePlace place = place(index);
        boolean done = false;
        try {
            place.trusted = loader.load(key << pageShift, place.memory, place.base);
            place.referenced = true;
            done = true;
        } finally {
            finishLoad(index, done);
        }
        return true;
    }

    /** The index of the place that this thread shall load the page into, marked as being replaced. */
    private int awaitOrClaim(long key) throws BlockException {
        while (true) {
            int index = find(key);
            if (index >= 0 && !place(index).isInMotion()) {
                return LOADED;
            }
            if (index < 0) {
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
        for (int i = first; i < first + WAYS; i++) {
            if (keys[i] == key) {
                return i;
            }
        }
        return -1;
    }

    /** A place whose page may go: an empty one, else one not used of late; FULL if all are dirty, LOADED if some are in motion. */
    private int victim(int first) {
        int fallback = FULL;
        int clean = -1;
        for (int i = first; i < first + WAYS; i++) {
            PagePlace place = places[i];
            if (place == null) {
                return i;
            }
            if (place.isInMotion() || place.writing != 0) {
                fallback = LOADED;
            } else if (place.dirty == 0) {
                if (keys[i] == 0) {
                    return i;
                }
                if (clean < 0 || place(clean).referenced && !place.referenced) {
                    clean = i;
                }
            }
        }
        if (clean < 0) {
            return fallback;
        }
        if (place(clean).referenced) {
            for (int i = first; i < first + WAYS; i++) {
                place(i).referenced = false;
            }
        }
        return clean;
    }

    private void claim(int index, long key) throws BlockException {
        PagePlace place = places[index];
        if (place == null) {
            place = newPlace();
            places[index] = place;
        }
        place.beginReplacing(key);
        keys[index] = key;
    }

    private PagePlace newPlace() throws BlockException {
        AlignedBuffer slab = currentSlab;
        if (slab == null || currentSlabUsed + pageSize > slab.capacity()) {
            slab = AlignedBuffer.allocate((int) Math.min(SLAB, unassigned));
            currentSlab = slab;
            unassigned -= slab.capacity();
            currentSlabUsed = 0;
        }
        int base = currentSlabUsed;
        currentSlabUsed += pageSize;
        return new PagePlace(slab, base);
    }

    private void finishLoad(int index, boolean success) {
        lock.lock();
        try {
            PagePlace place = place(index);
            if (!success) {
                keys[index] = 0;
                place.forget();
            }
            place.endReplacing();
            settled.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The place of the page that holds {@code offset}, if it is there and settled. Under the lock. */
    private @Nullable PagePlace settledPlace(long offset) {
        int index = find(key(offset));
        return index >= 0 && !place(index).isInMotion() ? place(index) : null;
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
            PagePlace place = settledPlace(offset);
            if (place == null) {
                return false;
            }
            access.with(place.memory, place.base, place.trusted);
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
            PagePlace place = settledPlace(offset);
            if (place == null) {
                return false;
            }
            access.with(place.memory, place.base, place.trusted);
            int inPage = (int) offset & (pageSize - 1);
            int firstSector = inPage / SectorBatch.SECTOR;
            int lastSector = (inPage + length - 1) / SectorBatch.SECTOR;
            if ((place.dirty | place.writing) == 0) {
                dirtyPages++;
            }
            place.dirty |= SectorBatch.mask(firstSector, lastSector - firstSector + 1);
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
            int index = fromPlace;
            for (; index < keys.length && batch.hasRoom(pageSize); index++) {
                PagePlace place = places[index];
                if (place != null && place.dirty != 0) {
                    batch.add(index, keys[index] << pageShift, place.dirty, place.memory, place.base);
                    place.writing |= place.dirty;
                    place.dirty = 0;
                }
            }
            batch.endAt(index);
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
                PagePlace place = place(batch.place(i));
                if (stillDirty) {
                    place.dirty |= place.writing;
                }
                place.writing = 0;
                if (place.dirty == 0) {
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

    private PagePlace place(int index) {
        PagePlace place = places[index];
        assert place != null : "a page in use has a place";
        return place;
    }
}
