// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

/**
 * Which requests {@code img bench} makes, and when it flushes, as QEMU 8.1 does: requests follow one another in steps, wrap around at
 * the end of the disk, and fall into parts, between which the disk is flushed.
 *
 * @param count how many requests
 * @param depth how many are in flight at most, at least 1
 * @param offset where the first begins, wherever that is
 * @param step bytes from the beginning of one to that of the next
 * @param flushInterval how many requests a part has; 0 for all in one part
 * @param diskSize in bytes
 */
record BenchPlan(int count, int depth, long offset, int step, int flushInterval, long diskSize) {
    /** Where request {@code index}, counted from 0, begins. */
    long offsetOf(long index) {
        if (index == 0) {
            return offset;
        }
        // The sum may be above 2^63, never above 2^64.
        return diskSize == 0 ? 0 : Long.remainderUnsigned(offset + index * step, diskSize);
    }

    /** Whether the disk is flushed before request {@code index}: what is left is whole parts then, and something has been completed. */
    boolean isFlushBefore(long index) {
        return flushInterval > 0 && index >= depth && index < count && (count - index) % flushInterval == 0;
    }

    /** The first request behind {@code index} that is flushed before, or the end. */
    long endOfPart(long index) {
        if (flushInterval == 0) {
            return count;
        }
        long from = Math.max(index + 1, depth);
        long first = count % flushInterval;
        long parts = Math.max(0, Math.ceilDiv(from - first, (long) flushInterval));
        return Math.min(first + parts * flushInterval, count);
    }
}
