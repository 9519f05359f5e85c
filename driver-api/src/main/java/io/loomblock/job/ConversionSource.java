// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The images that a conversion reads, as one row of bytes that workers claim piece by piece: as many at once as their buffer holds,
 * for where the pieces are small, to take turns costs as much as to copy.
 *
 * <p>The lock is held while the status of the next pieces is looked up, never while data is read.
 */
final class ConversionSource {
    /** Pieces without data are at most this long, so that a stop is noticed between them. */
    private static final long MAX_STEP = 1L << 30;

    private static final int PAGE = 4096;

    /** As many pieces are claimed at once at most. */
    private static final int MOST_PIECES = 64;

    /** What is to be done with a piece. */
    enum Kind {
        /** Read and write it. */
        DATA,
        /** It reads as zeros. */
        ZERO,
        /** The target's backing file has it. */
        BACKING
    }

    /**
     * A piece that one worker has claimed.
     *
     * @param fillWithZeros for data: it is known to be zeros, which are to be written as data
     * @param place where in the worker's buffer its data belongs, a multiple of a page
     */
    record Chunk(long start, long length, Kind kind, boolean fillWithZeros, int place) {
        long end() {
            return start + length;
        }
    }

    private final List<BlockDevice> images;
    /** Where each image starts, and after the last one the end. */
    private final long[] starts;

    private final ImageConversion.Options options;
    private final ReentrantLock lock = new ReentrantLock();

    private long position;
    /** The status looked up last holds up to here. */
    private long statusEnd;

    private Kind status = Kind.DATA;
    private long work;
    private long workClaimed;

    ConversionSource(List<BlockDevice> images, ImageConversion.Options options) throws BlockException {
        this.images = List.copyOf(images);
        this.options = options;
        this.starts = new long[images.size() + 1];
        for (int i = 0; i < images.size(); i++) {
            starts[i + 1] = Math.addExact(starts[i], images.get(i).length());
        }
    }

    private long length() {
        return starts[images.size()];
    }

    /** Finds how many bytes are to be written, which progress is measured by; from the start, before anything is claimed. */
    void countWork() throws BlockException {
        for (long at = 0; at < length(); at = statusEnd) {
            lookUp(at);
            if (isWork(status)) {
                work += statusEnd - at;
            }
        }
        statusEnd = 0;
    }

    /** The next pieces, one behind the other, whose data fits into one buffer; none if there are none left. */
    List<Chunk> claim(JobProgress progress) throws BlockException {
        List<Chunk> claimed = new ArrayList<>();
        lock.lock();
        try {
            int used = 0;
            while (position < length() && claimed.size() < MOST_PIECES && used % PAGE == 0) {
                Chunk next = next(used);
                if (next.kind() == Kind.DATA) {
                    if (used + next.length() > BufferPool.MAX_BUFFER) {
                        break;
                    }
                    used += (int) next.length();
                }
                claimed.add(next);
                position = next.end();
                count(next, progress);
                if (next.length() > BufferPool.MAX_BUFFER) {
                    // Zeros that are worth a turn of their own: others may write what follows.
                    break;
                }
            }
        } finally {
            lock.unlock();
        }
        return claimed;
    }

    private Chunk next(int place) throws BlockException {
        if (statusEnd <= position) {
            lookUp(position);
        }
        boolean fill = status == Kind.ZERO && options.minSparse() == 0;
        Kind kind = fill ? Kind.DATA : status;
        long bytes = Math.min(statusEnd - position, kind == Kind.DATA ? BufferPool.MAX_BUFFER : MAX_STEP);
        return new Chunk(position, bytes, kind, fill, place);
    }

    private void count(Chunk claimed, JobProgress progress) {
        if (work > 0 && claimed.kind() == Kind.DATA) {
            workClaimed += claimed.length();
            progress.advanced(workClaimed, work);
        }
    }

    private boolean isWork(Kind kind) {
        return kind == Kind.DATA || (kind == Kind.ZERO && options.minSparse() == 0);
    }

    private void lookUp(long at) throws BlockException {
        int image = imageAt(at);
        long inside = at - starts[image];
        long bytes = Math.min(starts[image + 1] - at, MAX_STEP);
        BlockDevice device = images.get(image);
        boolean pastBacking = false;
        if (options.targetHasBacking()) {
            pastBacking = at >= options.targetBacking();
            if (!pastBacking) {
                bytes = Math.min(bytes, options.targetBacking() - at);
            }
        }
        try {
            BlockStatus found = options.targetHasBacking()
                    ? device.blockStatus(inside, bytes)
                    : device.layeredStatus(inside, bytes).status();
            status = kind(found, pastBacking);
            statusEnd = at + found.length();
        } catch (BlockException e) {
            if (!options.salvage()) {
                throw new BlockException(
                        e.errno(),
                        "error while reading block status at offset " + at + ": "
                                + e.errno().text(),
                        e);
            }
            // What cannot be told is read; that finds out sector by sector.
            status = Kind.DATA;
            statusEnd = at + Math.min(bytes, BufferPool.MAX_BUFFER);
        }
    }

    private Kind kind(BlockStatus found, boolean pastBacking) {
        if (found.isZero()) {
            // The target reads as zeros past the end of its backing file.
            return pastBacking ? Kind.BACKING : Kind.ZERO;
        }
        return found.isData() || !options.targetHasBacking() ? Kind.DATA : Kind.BACKING;
    }

    /** Reads into {@code buffer} at {@code offset}; a piece never crosses from one image to the next. */
    void read(long at, int bytes, AlignedBuffer buffer, int offset) throws BlockException {
        int image = imageAt(at);
        images.get(image).read(at - starts[image], bytes, IoVector.of(buffer), offset);
    }

    private int imageAt(long at) {
        int image = 0;
        while (starts[image + 1] <= at) {
            image++;
        }
        return image;
    }
}
