// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A sparse file in off-heap memory, which outlives the drivers that are opened on it.
 *
 * <p>Offsets and lengths are bytes. Memory is taken in extents of {@link #EXTENT} bytes as they are first written. Thread-safe; reads
 * and writes take no lock, and have no order where they overlap in time and place.
 */
public final class MemoryFile {
    /** Granularity of what is allocated: 64 KiB. */
    public static final int EXTENT = 64 << 10;

    private final ConcurrentSkipListMap<Long, AlignedBuffer> extents = new ConcurrentSkipListMap<>();
    private final AtomicLong length = new AtomicLong();

    /** An empty file. */
    public MemoryFile() {}

    /** A file of {@code length} zeros, none of them allocated. */
    public MemoryFile(long length) {
        if (length < 0) {
            throw new IllegalArgumentException("length " + length);
        }
        this.length.set(length);
    }

    public long length() {
        return length.get();
    }

    /** Bytes of memory taken. */
    public long allocatedSize() {
        return (long) extents.size() * EXTENT;
    }

    /** Reads into {@code target}; zeros where nothing was written, also past the end. */
    void read(long offset, int bytes, IoVector target, int targetOffset) {
        for (int done = 0; done < bytes; ) {
            int inside = inside(offset + done);
            int n = Math.min(bytes - done, EXTENT - inside);
            AlignedBuffer extent = extents.get(index(offset + done));
            if (extent == null) {
                target.fill(targetOffset + done, n, (byte) 0);
            } else {
                target.copyFrom(targetOffset + done, extent, inside, n);
            }
            done += n;
        }
    }

    /** Writes, which makes the file longer where it ends before; ENOMEM. */
    void write(long offset, int bytes, IoVector source, int sourceOffset) throws BlockException {
        for (int done = 0; done < bytes; ) {
            int inside = inside(offset + done);
            int n = Math.min(bytes - done, EXTENT - inside);
            source.copyTo(sourceOffset + done, extent(index(offset + done)), inside, n);
            done += n;
        }
        growTo(offset + bytes);
    }

    /** Makes a range read as zeros and gives whole extents back; the file gets longer where it ends before. */
    void zero(long offset, long bytes) {
        clear(offset, offset + bytes);
        growTo(offset + bytes);
    }

    /** Sets the length; what is cut off is gone. */
    void truncate(long newLength) throws BlockException {
        if (newLength < 0) {
            throw new BlockException(Errno.EINVAL);
        }
        long old = length.getAndSet(newLength);
        if (newLength < old) {
            clear(newLength, (index(old) + 1) * EXTENT);
        }
    }

    /** Whether memory is taken at {@code offset}, and how far from there on, at most {@code bytes}, it is the same. */
    BlockStatus status(long offset, long bytes) {
        long end = offset + bytes;
        long first = index(offset);
        boolean allocated = extents.containsKey(first);
        long next = first + 1;
        if (allocated) {
            while (next * EXTENT < end && extents.containsKey(next)) {
                next++;
            }
        } else {
            Long found = extents.ceilingKey(next);
            next = found == null ? index(end - 1) + 1 : found;
        }
        int flags = (allocated ? BlockStatus.DATA : BlockStatus.ZERO) | BlockStatus.ALLOCATED;
        return BlockStatus.at(flags, Math.min(next * EXTENT, end) - offset, offset);
    }

    private void growTo(long end) {
        if (length.get() < end) {
            length.accumulateAndGet(end, Math::max);
        }
    }

    private void clear(long start, long end) {
        for (var entry : extents.subMap(index(start), index(end) + 1).entrySet()) {
            long first = entry.getKey() * EXTENT;
            if (start <= first && first + EXTENT <= end) {
                extents.remove(entry.getKey());
            } else {
                int from = (int) (Math.max(start, first) - first);
                int to = (int) (Math.min(end, first + EXTENT) - first);
                entry.getValue().fill(from, to - from, (byte) 0);
            }
        }
    }

    private AlignedBuffer extent(long index) throws BlockException {
        AlignedBuffer extent = extents.get(index);
        if (extent == null) {
            AlignedBuffer fresh = AlignedBuffer.allocate(EXTENT);
            extent = extents.putIfAbsent(index, fresh);
            return extent == null ? fresh : extent;
        }
        return extent;
    }

    private static long index(long offset) {
        return offset / EXTENT;
    }

    private static int inside(long offset) {
        return (int) (offset % EXTENT);
    }
}
