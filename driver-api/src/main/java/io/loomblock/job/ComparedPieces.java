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

    /** An image, its flags looked up last, and up to where they hold. */
    private static final class Side {
        final ComparedImage image;
        int flags;
        long end;

        Side(ComparedImage image) {
            this.image = image;
        }

        void lookUp(long at, long limit) throws ComparisonException {
            if (end <= at) {
                BlockStatus found = image.status(at, limit - at);
                flags = found.flags();
                end = at + found.length();
            }
        }

        boolean isData() {
            return (flags & (BlockStatus.ALLOCATED | BlockStatus.ZERO)) == BlockStatus.ALLOCATED;
        }
    }

    private final Side left;
    private final Side right;
    private final boolean strict;
    private final long common;
    private final long total;
    private final ReentrantLock lock = new ReentrantLock();

    private long position;

    ComparedPieces(ComparedImage left, ComparedImage right, boolean strict) {
        this.left = new Side(left);
        this.right = new Side(right);
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
        left.lookUp(at, common);
        right.lookUp(at, common);
        if (strict && ((left.flags ^ right.flags) & STRICT) != 0) {
            return new Piece(at, 0, false, false, Verdict.of(Outcome.STATUS_DIFFERS, at));
        }
        boolean zero = (left.flags & right.flags & BlockStatus.ZERO) != 0;
        return piece(
                at,
                Math.min(left.end, right.end),
                !zero && (left.flags & BlockStatus.ALLOCATED) != 0,
                !zero && (right.flags & BlockStatus.ALLOCATED) != 0);
    }

    private Piece inOne(long at) throws ComparisonException {
        boolean inLeft = left.image.length() == total;
        Side longer = inLeft ? left : right;
        longer.lookUp(at, total);
        return piece(at, longer.end, inLeft && longer.isData(), !inLeft && longer.isData());
    }

    private static Piece piece(long start, long end, boolean inLeft, boolean inRight) {
        long length = inLeft || inRight ? Math.min(end - start, LONGEST) : end - start;
        return new Piece(start, length, inLeft, inRight, null);
    }
}
