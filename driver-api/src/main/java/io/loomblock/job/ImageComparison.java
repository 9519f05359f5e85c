// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.LayeredStatus;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.io.Serial;

/**
 * Compares what two images read as, and in strict mode also their sizes and allocation. spec: block-layer.md section 9, "compare".
 *
 * <p>Where both say that a range is zero, or neither has it allocated, nothing is read. Differences are found to the sector of 512
 * bytes. For one thread.
 */
public final class ImageComparison {
    /** What a failure to read names the beginning of, as QEMU does. */
    private static final int CHUNK = BufferPool.MAX_BUFFER;
    /** What is read of each image at once: both have their half of one buffer, so that nobody waits for the second one. */
    private static final int HALF = CHUNK / 2;

    private static final int SECTOR = 512;
    /** What strict mode compares of a status. */
    private static final int STRICT = BlockStatus.DATA | BlockStatus.ZERO | BlockStatus.ALLOCATED | BlockStatus.EOF;

    /** How two images relate. */
    public enum Outcome {
        IDENTICAL,
        CONTENT_DIFFERS,
        /** Strict mode only. */
        STATUS_DIFFERS,
        /** Strict mode only. */
        SIZE_DIFFERS
    }

    /**
     * What came out.
     *
     * @param offset where the first difference is, or -1
     */
    public record Result(Outcome outcome, long offset) {}

    /** What hears of the comparison while it runs. */
    public interface Listener extends JobProgress {
        /** The sizes differ, and the common part does not; comes before the rest of the longer image is read. */
        void sizesDiffer();
    }

    /** Which step failed. */
    public enum Step {
        STATUS,
        READ
    }

    /** A step that failed, on one of the two images. */
    public static final class ComparisonException extends Exception {
        @Serial
        private static final long serialVersionUID = 1L;

        private final Step step;
        private final boolean first;
        private final long offset;
        private final BlockException failure;

        ComparisonException(Step step, boolean first, long offset, BlockException failure) {
            super(failure.getMessage(), failure);
            this.step = step;
            this.first = first;
            this.offset = offset;
            this.failure = failure;
        }

        public Step step() {
            return step;
        }

        /** Whether it was the first image. */
        public boolean first() {
            return first;
        }

        public long offset() {
            return offset;
        }

        public BlockException failure() {
            return failure;
        }
    }

    private final Side left;
    private final Side right;
    private final boolean strict;
    private final Listener listener;

    private ImageComparison(Side left, Side right, boolean strict, Listener listener) {
        this.left = left;
        this.right = right;
        this.strict = strict;
        this.listener = listener;
    }

    /**
     * Compares two images; where their sizes differ, the rest of the longer one has to be zero.
     *
     * @throws ComparisonException where the status of a range, or its content, cannot be had
     * @throws BlockException if there is no memory, or a length cannot be had
     */
    public static Result compare(
            BlockDevice left, BlockDevice right, boolean strict, BufferPool pool, Listener listener)
            throws ComparisonException, BlockException {
        try (AlignedBuffer memory = pool.acquire(2 * HALF)) {
            Side first = new Side(left, left.length(), true, memory, 0);
            Side second = new Side(right, right.length(), false, memory, HALF);
            return new ImageComparison(first, second, strict, listener).run();
        }
    }

    private Result run() throws ComparisonException {
        if (strict && left.length != right.length) {
            return new Result(Outcome.SIZE_DIFFERS, -1);
        }
        long common = Math.min(left.length, right.length);
        long total = Math.max(left.length, right.length);
        for (long at = 0; at < common; ) {
            BlockStatus l = left.status(at, common - at);
            BlockStatus r = right.status(at, common - at);
            if (strict && ((l.flags() ^ r.flags()) & STRICT) != 0) {
                return new Result(Outcome.STATUS_DIFFERS, at);
            }
            long length = Math.min(l.length(), r.length());
            if (!(l.isZero() && r.isZero()) && (l.isAllocated() || r.isAllocated())) {
                length = Math.min(length, CHUNK);
                long difference = difference(at, (int) length, l.isAllocated(), r.isAllocated());
                if (difference >= 0) {
                    return new Result(Outcome.CONTENT_DIFFERS, difference);
                }
            }
            at += length;
            listener.advanced(at, total);
        }
        if (left.length == right.length) {
            return new Result(Outcome.IDENTICAL, -1);
        }
        listener.sizesDiffer();
        return restIsZero(left.length > right.length ? left : right, common);
    }

    /** The sector in which the two differ first, or -1; an image that has nothing there reads as zeros. */
    private long difference(long at, int length, boolean inLeft, boolean inRight) throws ComparisonException {
        if (!inLeft || !inRight) {
            return (inLeft ? left : right).firstNonZero(at, length);
        }
        for (int done = 0; done < length; done += HALF) {
            int n = Math.min(HALF, length - done);
            left.read(at, done, n);
            right.read(at, done, n);
            int mismatch = left.memory.mismatch(left.base, right.memory, right.base, n);
            if (mismatch >= 0) {
                return at + done + (mismatch & -SECTOR);
            }
        }
        return -1;
    }

    private Result restIsZero(Side longer, long from) throws ComparisonException {
        for (long at = from; at < longer.length; ) {
            BlockStatus status = longer.status(at, longer.length - at);
            long length = status.length();
            if (status.isAllocated() && !status.isZero()) {
                length = Math.min(length, CHUNK);
                long nonZero = longer.firstNonZero(at, (int) length);
                if (nonZero >= 0) {
                    return new Result(Outcome.CONTENT_DIFFERS, nonZero);
                }
            }
            at += length;
            listener.advanced(at, longer.length);
        }
        return new Result(Outcome.IDENTICAL, -1);
    }

    /** One of the two images, and its half of the memory, which begins at {@code base}. */
    private record Side(BlockDevice device, long length, boolean first, AlignedBuffer memory, int base) {
        BlockStatus status(long at, long bytes) throws ComparisonException {
            try {
                LayeredStatus found = device.layeredStatus(at, bytes);
                BlockStatus status = found.status();
                // Past the end of a shorter backing file the zeros come from that file.
                boolean allocated = status.isAllocated() || found.layer().backing() != null;
                int flags = status.flags() | (allocated ? BlockStatus.ALLOCATED : 0);
                boolean atEnd = at + status.length() == length;
                return status.withFlags(atEnd ? flags | BlockStatus.EOF : flags & ~BlockStatus.EOF);
            } catch (BlockException e) {
                throw new ComparisonException(Step.STATUS, first, at, e);
            }
        }

        /** Reads what lies {@code from} bytes behind the beginning of a chunk; at most {@link #HALF}. */
        void read(long chunk, int from, int bytes) throws ComparisonException {
            try {
                device.read(chunk + from, IoVector.of(memory, base, bytes));
            } catch (BlockException e) {
                throw new ComparisonException(Step.READ, first, chunk, e);
            }
        }

        /** The first sector of a chunk with a byte that is not zero, or -1. */
        long firstNonZero(long chunk, int bytes) throws ComparisonException {
            for (int done = 0; done < bytes; done += HALF) {
                int n = Math.min(HALF, bytes - done);
                read(chunk, done, n);
                for (int i = 0; i < n; i += SECTOR) {
                    if (!memory.isZero(base + i, Math.min(SECTOR, n - i))) {
                        return chunk + done + i;
                    }
                }
            }
            return -1;
        }
    }
}
