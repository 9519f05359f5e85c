// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.PageCache;
import io.loomblock.driver.SectorBatch;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The bitmap of an open image: bits are looked up without a lock, set in memory, and written to the file in order.
 *
 * <p>A bit is set only once its cluster is complete in the data file, so what is in memory may be written at any time after the data file
 * was flushed. Every write-back, be it for a flush or for room in the cache, copies the dirty sectors first, then flushes the data file,
 * then writes the copies: no bit is written that was set after that flush began. What cannot be written stays dirty. Thread-safe. spec:
 * addcow.md section 10, C1 to C7.
 */
final class BitmapCache {
    private static final int PAGE = 4096;
    private static final int PAGE_CLUSTERS = PAGE * Byte.SIZE;
    /** Dirty sectors are copied into, and written from, so much memory; each time costs a flush of the data file. */
    private static final int MAX_SNAPSHOT = 1 << 20;
    /** Of the budget the eighth part is for what is being written. */
    private static final int SNAPSHOT_SHARE = 8;
    /** How many pages {@link #endOfRun} looks at, unless the file has holes there: a caller that wants more asks again. */
    private static final int MAX_PAGES_OF_RUN = 256;

    private final AddCowFiles files;
    private final Node file;
    private final AddCowLayout layout;
    private final PageCache pages;
    /** Held over a whole write-back: one writer per sector. */
    private final ReentrantLock writeBackLock = new ReentrantLock();

    private final int snapshotSize;
    /** Guarded by it; made when first needed. */
    private @Nullable AlignedBuffer snapshot;

    /**
     * The bitmap of a disk.
     *
     * @param files of which the data file is flushed before bits are written
     * @param size of the disk in bytes
     * @param budget bytes of memory
     */
    BitmapCache(AddCowFiles files, AddCowLayout layout, long size, long budget) {
        this.files = files;
        this.file = files.file();
        this.layout = layout;
        // Twice what the bitmap has, so that pages of a small one do not drive each other out.
        long useful = 2 * (layout.fileLength(size) - layout.headerSize());
        this.snapshotSize = (int)
                Math.clamp(budget / SNAPSHOT_SHARE & -PAGE, PageCache.MIN_PAGES * (long) PAGE, (long) MAX_SNAPSHOT);
        this.pages = new PageCache(PAGE, Math.min(budget - snapshotSize, useful), this::load);
    }

    private boolean load(long offset, AlignedBuffer memory, int base) throws BlockException {
        file.debugEvent(DebugEvent.BITMAP_LOAD);
        file.coReadv(offset, IoVector.of(memory, base, PAGE));
        return true;
    }

    /** Whether the data file has this cluster. */
    boolean isSet(long cluster) throws BlockException {
        return (word(cluster) >>> cluster & 1) != 0;
    }

    /** The 32 bits around a cluster's, that of the cluster being number {@code cluster % 32}. */
    private int word(long cluster) throws BlockException {
        long at = layout.byteOffset(cluster) & -Integer.BYTES;
        long word = pages.lookup(at, Integer.BYTES);
        return (int) (word != PageCache.ABSENT ? word : loadWord(at));
    }

    private long loadWord(long at) throws BlockException {
        while (true) {
            if (!pages.load(at) && !tryMakeRoom(at)) {
                return readUncached(at);
            }
            long word = pages.lookup(at, Integer.BYTES);
            if (word != PageCache.ABSENT) {
                return word;
            }
        }
    }

    /** Reads go on where bits cannot be written: false if the write-back failed, which a flush will tell. */
    private boolean tryMakeRoom(long offset) {
        try {
            makeRoom(offset);
            return true;
        } catch (BlockException e) {
            return false;
        }
    }

    /** Has a place for the page that holds {@code offset}: where no write-back that is under way makes one, by another. */
    private void makeRoom(long offset) throws BlockException {
        writeBackLock.lock();
        try {
            if (!pages.load(offset)) {
                writeBack();
            }
        } finally {
            writeBackLock.unlock();
        }
    }

    private long readUncached(long at) throws BlockException {
        try (AlignedBuffer buffer = AlignedBuffer.allocate(Integer.BYTES)) {
            file.debugEvent(DebugEvent.BITMAP_LOAD);
            file.coReadv(at, IoVector.of(buffer));
            return buffer.getInt(0) & 0xffffffffL;
        }
    }

    /** The first cluster from {@code from} on, at most {@code limit}, whose bit is not {@code set}. Looks at all between. */
    long endOfRun(long from, long limit, boolean set) throws BlockException {
        long at = from;
        while (at < limit) {
            int bit = (int) at & Integer.SIZE - 1;
            int others = (set ? ~word(at) : word(at)) >>> bit;
            if (others != 0) {
                return Math.min(limit, at + Integer.numberOfTrailingZeros(others));
            }
            at += Integer.SIZE - bit;
        }
        return limit;
    }

    /**
     * Like {@link #endOfRun}, for runs as long as the disk: holes of the file are skipped unread, and after many pages it stops. Always
     * above {@code from}, whose bit the caller has seen: it may have been set since.
     */
    long endOfLongRun(long from, long limit, boolean set) throws BlockException {
        long at = from;
        for (int looked = 0; at < limit && looked < MAX_PAGES_OF_RUN; looked++) {
            long hole = set ? at : endOfHole(at, limit);
            long end = hole > at ? hole : Math.min(limit, (at | PAGE_CLUSTERS - 1) + 1);
            long uniform = hole > at ? hole : endOfRun(at, end, set);
            at = uniform;
            if (uniform < end) {
                break;
            }
        }
        return Math.max(from + 1, at);
    }

    /** Where the clusters end, from {@code cluster} on, whose bits lie in a hole of the file, none being set in memory alone. */
    private long endOfHole(long cluster, long limit) throws BlockException {
        if ((cluster & PAGE_CLUSTERS - 1) != 0 || !pages.isClean()) {
            return cluster;
        }
        long at = layout.byteOffset(cluster);
        BlockStatus status = file.blockStatus(at, layout.byteOffset(limit - 1) + 1 - at);
        return status.isZero() ? Math.min(limit, cluster + (status.length() & -PAGE) * Byte.SIZE) : cluster;
    }

    /** Sets the bits of {@code [first, end)}; seen by lookups from now on, in the file after the next write-back. */
    void set(long first, long end) throws BlockException {
        for (long at = first; at < end; ) {
            long next = Math.min(end, (at | PAGE_CLUSTERS - 1) + 1);
            setInPage(at, next);
            at = next;
        }
    }

    private void setInPage(long first, long end) throws BlockException {
        long offset = layout.byteOffset(first);
        int length = (int) (layout.byteOffset(end - 1) - offset) + 1;
        int from = (int) first & PAGE_CLUSTERS - 1;
        int to = from + (int) (end - first);
        while (!pages.change(offset, length, (memory, base, trusted) -> setBits(memory, base, from, to))) {
            while (!pages.load(offset)) {
                makeRoom(offset);
            }
        }
    }

    private static void setBits(AlignedBuffer memory, int base, int from, int to) {
        for (int bit = from; bit < to; ) {
            int next = Math.min(to, (bit | Long.SIZE - 1) + 1);
            long mask = -1L >>> Long.SIZE - (next - bit) << bit;
            int at = base + bit / Long.SIZE * Long.BYTES;
            memory.putLongRelease(at, memory.getLong(at) | mask);
            bit = next;
        }
    }

    /** Before a write sets bits: writes back where too much waits for that already. */
    void relieve() throws BlockException {
        if (!pages.isCrowded()) {
            return;
        }
        writeBackLock.lock();
        try {
            // Many may have waited for the one that has made room.
            if (pages.isCrowded()) {
                writeBack();
            }
        } finally {
            writeBackLock.unlock();
        }
    }

    /** Whether the file has all bits that are set. */
    boolean isClean() {
        return pages.isClean();
    }

    /**
     * Writes all bits that were set before this call to the file, after a flush of the data file; durable after the next flush of the
     * add-cow file.
     *
     * @throws BlockException of the flush or of a write: what was not written stays in memory, and is written by a later call
     */
    void writeBack() throws BlockException {
        writeBackLock.lock();
        try {
            if (pages.isClean()) {
                return;
            }
            AlignedBuffer copies = snapshot;
            if (copies == null) {
                copies = AlignedBuffer.allocate((int) Math.min(snapshotSize, (long) pages.places() * PAGE));
                snapshot = copies;
            }
            for (int place = 0; place < pages.places(); ) {
                SectorBatch batch = pages.takeDirty(place, copies);
                place = batch.nextPlace();
                if (!batch.isEmpty()) {
                    writeBatch(batch);
                }
            }
        } finally {
            writeBackLock.unlock();
        }
    }

    private void writeBatch(SectorBatch batch) throws BlockException {
        boolean done = false;
        try {
            files.announce(DebugEvent.DATA_BARRIER);
            files.data().flush();
            batch.write(file, DebugEvent.BITMAP_UPDATE);
            done = true;
        } finally {
            if (done) {
                pages.written(batch);
            } else {
                pages.notWritten(batch);
            }
        }
    }
}
