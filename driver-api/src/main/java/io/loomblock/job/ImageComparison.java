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
    private static final int BUFFER = BufferPool.MAX_BUFFER;
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
        try (AlignedBuffer a = pool.acquire(BUFFER);
                AlignedBuffer b = pool.acquire(BUFFER)) {
            Side first = new Side(left, left.length(), true, a);
            Side second = new Side(right, right.length(), false, b);
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
                length = Math.min(length, BUFFER);
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
        if (inLeft && inRight) {
            left.read(at, length);
            right.read(at, length);
            int mismatch = left.buffer.mismatch(0, right.buffer, 0, length);
            return mismatch < 0 ? -1 : at + (mismatch & -SECTOR);
        }
        return (inLeft ? left : right).firstNonZero(at, length);
    }

    private Result restIsZero(Side longer, long from) throws ComparisonException {
        for (long at = from; at < longer.length; ) {
            BlockStatus status = longer.status(at, longer.length - at);
            long length = status.length();
            if (status.isAllocated() && !status.isZero()) {
                length = Math.min(length, BUFFER);
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

    /** One of the two images. */
    private record Side(BlockDevice device, long length, boolean first, AlignedBuffer buffer) {
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

        void read(long at, int bytes) throws ComparisonException {
            try {
                device.read(at, bytes, IoVector.of(buffer), 0);
            } catch (BlockException e) {
                throw new ComparisonException(Step.READ, first, at, e);
            }
        }

        /** The first sector, counted from {@code at}, with a byte that is not zero, or -1. */
        long firstNonZero(long at, int bytes) throws ComparisonException {
            read(at, bytes);
            for (int i = 0; i < bytes; i += SECTOR) {
                if (!buffer.isZero(i, Math.min(SECTOR, bytes - i))) {
                    return at + i;
                }
            }
            return -1;
        }
    }
}
