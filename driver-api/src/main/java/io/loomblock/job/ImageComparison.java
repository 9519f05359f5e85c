// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.job.ComparedPieces.Piece;
import io.loomblock.job.ComparedPieces.Verdict;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import java.io.Serial;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Compares what two images read as, and in strict mode also their sizes and allocation. spec: block-layer.md section 9, "compare".
 *
 * <p>Where both say that a range is zero, or neither has it allocated, nothing is read. Differences are found to the sector of 512
 * bytes. Workers, which are virtual threads, claim piece by piece, read and compare it, and tell what came out in turn: so it is the
 * first difference, or the first failure, that counts.
 */
public final class ImageComparison {
    /** One reads and one compares on a small machine; what has to be fetched from a disk takes more. */
    private static final int WORKERS = 4;
    /** What is read of each image at once: both have their half of one buffer, so that nobody waits for the second one. */
    private static final int HALF = BufferPool.MAX_BUFFER / 2;

    private static final int SECTOR = 512;

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

    /** What hears of the comparison while it runs, from one thread at a time. */
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

    private final ComparedImage left;
    private final ComparedImage right;
    private final ComparedPieces pieces;
    private final Listener listener;
    private final Turns turns = new Turns(true);
    /** Set by the worker whose turn it is, before it stops the others. */
    private @Nullable Verdict verdict;

    private ImageComparison(BlockDevice left, BlockDevice right, boolean strict, Listener listener)
            throws BlockException {
        this.left = new ComparedImage(left, left.length(), true);
        this.right = new ComparedImage(right, right.length(), false);
        this.pieces = new ComparedPieces(this.left, this.right, strict);
        this.listener = listener;
    }

    /**
     * Compares two images; where their sizes differ, the rest of the longer one has to be zero.
     *
     * @throws ComparisonException where the status of a range, or its content, cannot be had
     * @throws BlockException if there is no memory, or a length cannot be had; EINTR if the caller was interrupted
     */
    public static Result compare(
            BlockDevice left, BlockDevice right, boolean strict, BufferPool pool, Listener listener)
            throws ComparisonException, BlockException {
        ImageComparison comparison = new ImageComparison(left, right, strict, listener);
        if (strict && comparison.sizesDiffer()) {
            return new Result(Outcome.SIZE_DIFFERS, -1);
        }
        return comparison.run(pool);
    }

    private boolean sizesDiffer() {
        return left.length() != right.length();
    }

    private Result run(BufferPool pool) throws ComparisonException, BlockException {
        Workers.run("compare", WORKERS, pool, turns, this::work);
        Verdict end = verdict;
        if (end == null) {
            return new Result(Outcome.IDENTICAL, -1);
        }
        if (end.failure() != null) {
            throw end.failure();
        }
        return Objects.requireNonNull(end.result());
    }

    private void work(AlignedBuffer memory) {
        for (Piece piece = claim(); piece != null; piece = claim()) {
            Verdict found = verdict(piece, memory);
            if (!turns.await(piece.start())) {
                return;
            }
            report(piece, found);
        }
    }

    private @Nullable Piece claim() {
        return turns.stopped() ? null : pieces.claim();
    }

    private void report(Piece piece, @Nullable Verdict found) {
        if (sizesDiffer() && piece.start() == Math.min(left.length(), right.length())) {
            listener.sizesDiffer();
        }
        if (found != null) {
            verdict = found;
            turns.stop();
            return;
        }
        listener.advanced(piece.end(), Math.max(left.length(), right.length()));
        turns.done(piece.end());
    }

    /** What a piece says of the images, or null if it is the same in both. */
    private @Nullable Verdict verdict(Piece piece, AlignedBuffer memory) {
        if (piece.verdict() != null || !(piece.inLeft() || piece.inRight())) {
            return piece.verdict();
        }
        try {
            for (int done = 0; done < piece.length(); done += HALF) {
                long difference = difference(piece, done, memory);
                if (difference >= 0) {
                    return Verdict.of(Outcome.CONTENT_DIFFERS, difference);
                }
            }
            return null;
        } catch (ComparisonException e) {
            return Verdict.of(e);
        }
    }

    /** The first sector of a part of a piece in which the two differ, or -1; an image that has nothing there reads as zeros. */
    private long difference(Piece piece, int from, AlignedBuffer memory) throws ComparisonException {
        int bytes = (int) Math.min(HALF, piece.length() - from);
        if (piece.inLeft()) {
            left.read(piece.start(), from, bytes, memory, 0);
        }
        if (piece.inRight()) {
            right.read(piece.start(), from, bytes, memory, HALF);
        }
        int sector = piece.inLeft() && piece.inRight()
                ? memory.mismatch(0, memory, HALF, bytes) & -SECTOR
                : firstNonZero(memory, piece.inLeft() ? 0 : HALF, bytes);
        return sector < 0 ? -1 : piece.start() + from + sector;
    }

    /** The first sector with a byte that is not zero, counted from {@code base}, or -1. */
    private static int firstNonZero(AlignedBuffer memory, int base, int bytes) {
        for (int i = 0; i < bytes; i += SECTOR) {
            if (!memory.isZero(base + i, Math.min(SECTOR, bytes - i))) {
                return i;
            }
        }
        return -1;
    }
}
