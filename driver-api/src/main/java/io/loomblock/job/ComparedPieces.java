// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import io.loomblock.BlockStatus;
import io.loomblock.job.ImageComparison.ComparisonException;
import io.loomblock.job.ImageComparison.Outcome;
import io.loomblock.job.ImageComparison.Result;
import io.loomblock.memory.BufferPool;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Two images side by side as one row of pieces, which workers claim in order.
 *
 * <p>The lock is held while the status of the next piece is looked up, never while data is read.
 */
final class ComparedPieces {
    /** What a failure to read names the beginning of, as QEMU does. */
    private static final int LONGEST = BufferPool.MAX_BUFFER;
    /** What strict mode compares of a status. */
    private static final int STRICT = BlockStatus.DATA | BlockStatus.ZERO | BlockStatus.ALLOCATED | BlockStatus.EOF;

    /**
     * How the comparison ends: one of the two.
     *
     * @param result what came out
     * @param failure what stopped it
     */
    record Verdict(@Nullable Result result, @Nullable ComparisonException failure) {
        static Verdict of(Outcome outcome, long offset) {
            return new Verdict(new Result(outcome, offset), null);
        }

        static Verdict of(ComparisonException failure) {
            return new Verdict(null, failure);
        }
    }

    /**
     * A piece that one worker has claimed; at most {@link #LONGEST} long if anything of it is to be read.
     *
     * @param inLeft whether the first image has it, and it is to be read; what is not to be read is zeros, or the same
     * @param inRight the same of the second one
     * @param verdict known already from the status, or null
     */
    record Piece(
            long start,
            long length,
            boolean inLeft,
            boolean inRight,
            @Nullable Verdict verdict) {
        long end() {
            return start + length;
        }
    }

    private final ComparedImage left;
    private final ComparedImage right;
    private final boolean strict;
    private final long common;
    private final long total;
    private final ReentrantLock lock = new ReentrantLock();

    private long position;
    /** Of each image the flags looked up last, and up to where they hold. */
    private int leftFlags;

    private long leftEnd;
    private int rightFlags;
    private long rightEnd;

    ComparedPieces(ComparedImage left, ComparedImage right, boolean strict) {
        this.left = left;
        this.right = right;
        this.strict = strict;
        this.common = Math.min(left.length(), right.length());
        this.total = Math.max(left.length(), right.length());
    }

    /** The next piece, or null if there is none left. */
    @Nullable
    Piece claim() {
        lock.lock();
        try {
            if (position == total) {
                return null;
            }
            Piece piece = next(position);
            position = piece.verdict() == null ? piece.end() : total;
            return piece;
        } finally {
            lock.unlock();
        }
    }

    private Piece next(long at) {
        try {
            return at < common ? inBoth(at) : inOne(at);
        } catch (ComparisonException e) {
            return new Piece(at, 0, false, false, Verdict.of(e));
        }
    }

    private Piece inBoth(long at) throws ComparisonException {
        lookUpLeft(at, common);
        lookUpRight(at, common);
        if (strict && ((leftFlags ^ rightFlags) & STRICT) != 0) {
            return new Piece(at, 0, false, false, Verdict.of(Outcome.STATUS_DIFFERS, at));
        }
        boolean zero = (leftFlags & rightFlags & BlockStatus.ZERO) != 0;
        return piece(
                at,
                Math.min(leftEnd, rightEnd),
                !zero && (leftFlags & BlockStatus.ALLOCATED) != 0,
                !zero && (rightFlags & BlockStatus.ALLOCATED) != 0);
    }

    private Piece inOne(long at) throws ComparisonException {
        if (left.length() == total) {
            lookUpLeft(at, total);
            return piece(at, leftEnd, isData(leftFlags), false);
        }
        lookUpRight(at, total);
        return piece(at, rightEnd, false, isData(rightFlags));
    }

    private static boolean isData(int flags) {
        return (flags & (BlockStatus.ALLOCATED | BlockStatus.ZERO)) == BlockStatus.ALLOCATED;
    }

    private static Piece piece(long start, long end, boolean inLeft, boolean inRight) {
        long length = inLeft || inRight ? Math.min(end - start, LONGEST) : end - start;
        return new Piece(start, length, inLeft, inRight, null);
    }

    private void lookUpLeft(long at, long end) throws ComparisonException {
        if (leftEnd <= at) {
            BlockStatus found = left.status(at, end - at);
            leftFlags = found.flags();
            leftEnd = at + found.length();
        }
    }

    private void lookUpRight(long at, long end) throws ComparisonException {
        if (rightEnd <= at) {
            BlockStatus found = right.status(at, end - at);
            rightFlags = found.flags();
            rightEnd = at + found.length();
        }
    }
}
