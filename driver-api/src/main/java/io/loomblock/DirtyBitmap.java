// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Where a disk was written since the bitmap was made or cleared: a bit for each granule of the disk.
 *
 * <p>A granule is dirty before the write, zero write or discard that touched it returns, and not before the driver is done with it,
 * whether it failed or not. So who clears a range and then reads it misses no write: one that the read did not see makes the range dirty
 * again. Offsets and lengths are bytes of the disk. Made by {@link BlockDevice#createDirtyBitmap}; any number of threads may use it at
 * once, and writes never wait for them. spec: block-layer.md section 5, "Dirty bitmap".
 */
public final class DirtyBitmap {
    /** The finest granularity: a sector of 512 bytes. */
    public static final long MIN_GRANULARITY = 512;
    /** The coarsest granularity: 2 GiB. */
    public static final long MAX_GRANULARITY = 1L << 31;
    /** The longest name, in characters. */
    public static final int MAX_NAME = 1023;

    /**
     * A stretch of dirty bytes.
     *
     * @param length above 0
     */
    public record Area(long offset, long length) {
        /** One past the last byte. */
        public long end() {
            return offset + length;
        }
    }

    private final @Nullable String name;
    private final int shift;
    /** Held by all but those who set bits. */
    private final ReentrantLock lock = new ReentrantLock();

    private volatile AtomicBits bits;
    private volatile long length;
    private volatile boolean enabled = true;
    /** Why bits are missing for good, or null. */
    private volatile @Nullable OutOfMemoryError lost;

    DirtyBitmap(@Nullable String name, long granularity, long length) throws BlockException {
        this.name = name;
        this.shift = Long.numberOfTrailingZeros(granularity);
        this.length = length;
        try {
            this.bits = new AtomicBits(granules(length));
        } catch (OutOfMemoryError e) {
            throw new BlockException(Errno.ENOMEM, "Cannot allocate a bitmap for " + length + " bytes", e);
        }
    }

    /** Its name, or null for an anonymous one. */
    public @Nullable String name() {
        return name;
    }

    /** Bytes that a bit stands for: a power of two. */
    public long granularity() {
        return 1L << shift;
    }

    /** Bytes of disk that it covers. */
    public long length() {
        return length;
    }

    /** Whether writes are recorded. */
    public boolean enabled() {
        return enabled;
    }

    /** Records every write that ends from now on. */
    public void enable() {
        enabled = true;
    }

    /** Records no more writes; what is dirty stays dirty. */
    public void disable() {
        enabled = false;
    }

    /** Dirty bytes, in whole granules also where the disk ends within the last one. */
    public long count() throws BlockException {
        return intact().count() << shift;
    }

    /** Whether the granule of this byte is dirty; false past the end. */
    public boolean isDirty(long offset) throws BlockException {
        requireRange(offset, 0);
        return offset < length && intact().get(offset >>> shift);
    }

    /** Makes all granules dirty that this range touches, also while recording is disabled; what lies past the end is left out. */
    public void set(long offset, long bytes) throws BlockException {
        requireRange(offset, bytes);
        intact();
        mark(offset, Math.min(bytes, length - offset));
    }

    /** Makes everything clean. */
    public void clear() throws BlockException {
        clear(0, Long.MAX_VALUE);
    }

    /** Makes those granules clean that lie in this range as a whole; the last one of the disk does if its part of the disk does. */
    public void clear(long offset, long bytes) throws BlockException {
        requireRange(offset, bytes);
        lock.lock();
        try {
            long from = granules(offset);
            long end = end(offset, bytes);
            intact().clear(from, Math.max(from, end >= length ? granules(length) : end >>> shift));
        } finally {
            lock.unlock();
        }
    }

    /** The first dirty byte of a range, or -1. */
    public long nextDirty(long offset, long bytes) throws BlockException {
        Area area = nextArea(offset, bytes, 1);
        return area == null ? -1 : area.offset();
    }

    /** The first clean byte of a range, or -1; there is none past the end of the disk. */
    public long nextClean(long offset, long bytes) throws BlockException {
        requireRange(offset, bytes);
        long end = Math.min(end(offset, bytes), length);
        if (offset >= end) {
            return -1;
        }
        lock.lock();
        try {
            long found = intact().nextClear(offset >>> shift, granules(end));
            return found < 0 ? -1 : Math.max(offset, found << shift);
        } finally {
            lock.unlock();
        }
    }

    /**
     * The first dirty stretch of a range, clipped to it.
     *
     * @param most the stretch is not longer than this, above 0
     * @return null if the range is clean
     */
    public @Nullable Area nextArea(long offset, long bytes, long most) throws BlockException {
        requireRange(offset, bytes);
        if (most <= 0) {
            throw new IllegalArgumentException("dirty area of at most " + most + " bytes");
        }
        long end = Math.min(end(offset, bytes), length);
        if (offset >= end) {
            return null;
        }
        lock.lock();
        try {
            AtomicBits now = intact();
            long first = now.nextSet(offset >>> shift, granules(end));
            if (first < 0) {
                return null;
            }
            long start = Math.max(offset, first << shift);
            long limit = Math.min(end, end(start, most));
            long clean = now.nextClear(first, granules(limit));
            return new Area(start, (clean < 0 ? limit : Math.min(limit, clean << shift)) - start);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Makes dirty here what is dirty in {@code other}, whatever its granularity.
     *
     * @throws BlockException EINVAL if the other one covers a disk of another length
     */
    public void merge(DirtyBitmap other) throws BlockException {
        if (other.length != length) {
            throw new BlockException(
                    Errno.EINVAL, "Bitmaps are of different sizes (" + length + " and " + other.length + ")");
        }
        intact();
        for (Area area = other.nextArea(0, Long.MAX_VALUE, Long.MAX_VALUE);
                area != null;
                area = other.nextArea(area.end(), Long.MAX_VALUE, Long.MAX_VALUE)) {
            mark(area.offset(), area.length());
        }
    }

    /** A request has changed this range, or may have. */
    void written(long offset, long bytes) {
        if (enabled) {
            if (offset + bytes > length) {
                resize(offset + bytes, true);
            }
            mark(offset, bytes);
        }
    }

    /** The disk has another length now: what was added is clean, what was cut off is forgotten. */
    void resized(long newLength) {
        resize(newLength, false);
    }

    private void mark(long offset, long bytes) {
        if (bytes <= 0 || lost != null) {
            return;
        }
        AtomicBits seen;
        do {
            seen = bits;
            seen.set(offset >>> shift, granules(offset + bytes));
            // Whoever makes the bitmap longer copies after he has put the new bits in place; if he has, he may have
            // missed these.
        } while (seen != bits);
    }

    private void resize(long newLength, boolean growOnly) {
        lock.lock();
        try {
            if (newLength <= length && growOnly) {
                return;
            }
            long granules = granules(newLength);
            if (granules > bits.capacity()) {
                copy(new AtomicBits(growOnly ? granules + granules / 2 : granules));
            }
            if (newLength < length) {
                bits.clear(granules, granules(length));
            }
            length = newLength;
        } catch (OutOfMemoryError e) {
            lost = e;
        } finally {
            lock.unlock();
        }
    }

    private void copy(AtomicBits longer) {
        AtomicBits old = bits;
        bits = longer;
        long capacity = old.capacity();
        for (long from = old.nextSet(0, capacity); from >= 0; ) {
            long clear = old.nextClear(from, capacity);
            long to = clear < 0 ? capacity : clear;
            longer.set(from, to);
            from = old.nextSet(to, capacity);
        }
    }

    private AtomicBits intact() throws BlockException {
        OutOfMemoryError failure = lost;
        if (failure != null) {
            throw new BlockException(
                    Errno.ENOMEM, "The bitmap has lost writes: no memory to follow a longer disk", failure);
        }
        return bits;
    }

    /** Granules up to this byte, the last one rounded up. */
    private long granules(long bytes) {
        return (bytes >>> shift) + ((bytes & granularity() - 1) == 0 ? 0 : 1);
    }

    /** Where the range ends; ranges may be as long as a long, to mean all the rest. */
    private static long end(long offset, long bytes) {
        return offset > Long.MAX_VALUE - bytes ? Long.MAX_VALUE : offset + bytes;
    }

    private static void requireRange(long offset, long bytes) {
        if ((offset | bytes) < 0) {
            throw new IllegalArgumentException("range of " + bytes + " bytes at " + offset);
        }
    }

    @Override
    public String toString() {
        return "dirty bitmap " + (name == null ? "(anonymous)" : name);
    }
}
