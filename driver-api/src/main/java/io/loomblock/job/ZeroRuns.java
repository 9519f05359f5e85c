// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import io.loomblock.memory.AlignedBuffer;

/**
 * Splits a buffer into runs of zeros and runs of data.
 *
 * <p>It looks at blocks that are aligned on the guest's disk, the largest power of two that is at most the least length of a run of
 * zeros; shorter ones count as data. A cursor without allocation: {@link #next} moves on.
 */
final class ZeroRuns {
    private final AlignedBuffer buffer;
    private final int place;
    private final long diskOffset;
    private final int end;
    private final long minZeros;
    private final long block;

    private int start;
    private int length;
    private boolean zero;

    /**
     * @param place where in the buffer the bytes begin
     * @param diskOffset where the first of them is on the guest's disk
     * @param minZeros the least length of a run of zeros; 0 for one run of data
     */
    ZeroRuns(AlignedBuffer buffer, int place, long diskOffset, int bytes, long minZeros) {
        this.buffer = buffer;
        this.place = place;
        this.diskOffset = diskOffset;
        this.end = bytes;
        this.minZeros = minZeros;
        this.block = Long.highestOneBit(minZeros);
    }

    /** Moves to the next run; false after the last one. */
    boolean next() {
        start += length;
        if (start >= end) {
            return false;
        }
        if (minZeros == 0) {
            zero = false;
            length = end - start;
            return true;
        }
        int zeros = zerosFrom(start);
        zero = isLongEnough(start, zeros);
        length = zero ? zeros : dataFrom(start, zeros);
        return true;
    }

    int start() {
        return start;
    }

    int length() {
        return length;
    }

    boolean isZero() {
        return zero;
    }

    private int dataFrom(int from, int shortZeros) {
        int at = from + shortZeros;
        while (at < end) {
            at = blockEnd(at);
            int zeros = zerosFrom(at);
            if (isLongEnough(at, zeros)) {
                break;
            }
            at += zeros;
        }
        return at - from;
    }

    /** A run that reaches the end of the buffer may go on behind it, so it counts whatever its length. */
    private boolean isLongEnough(int from, int zeros) {
        return zeros >= minZeros || (zeros > 0 && from + zeros == end);
    }

    private int zerosFrom(int from) {
        int at = from;
        while (at < end) {
            int next = blockEnd(at);
            if (!buffer.isZero(place + at, next - at)) {
                break;
            }
            at = next;
        }
        return at - from;
    }

    private int blockEnd(int at) {
        long next = (diskOffset + at & -block) + block - diskOffset;
        return (int) Math.min(next, end);
    }
}
