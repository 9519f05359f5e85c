// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Which blocks the image has in memory only: their bits are set, but neither the journal nor the bitmap in the file knows. spec: fvd.md
 * section 5 (fresh without stale).
 *
 * <p>Costs next to nothing while there are none. Marks are looked up without a lock; who marks, and who forgets all, sees to it that there
 * is one of them at a time.
 */
final class UnloggedBlocks {
    /** Blocks of a segment. */
    private static final int SEGMENT = 1 << 15;

    private static final int SEGMENT_BYTES = SEGMENT / Byte.SIZE;

    private final AtomicReferenceArray<AtomicLongArray> segments;
    private final long maxSegments;
    private long usedSegments;
    private final AtomicLong count = new AtomicLong();

    /** For so many blocks, within {@code budget} bytes of memory, but with room for some in any case. */
    UnloggedBlocks(long blocks, long budget) {
        this.segments = new AtomicReferenceArray<>((int) FvdLayout.ceilDiv(blocks, SEGMENT));
        this.maxSegments = Math.max(2, budget / SEGMENT_BYTES);
    }

    /** Whether there is any. */
    boolean isEmpty() {
        return count.get() == 0;
    }

    /** Whether one of {@code [first, end)} is. */
    boolean any(long first, long end) {
        if (isEmpty()) {
            return false;
        }
        for (long at = first; at < end; ) {
            long next = Math.min(end, (at | Long.SIZE - 1) + 1);
            AtomicLongArray segment = segments.get((int) (at / SEGMENT));
            if (segment != null && (segment.get(word(at)) & mask(at, next)) != 0) {
                return true;
            }
            at = next;
        }
        return false;
    }

    /** Marks {@code [first, end)}. False if there is no room: all must be written, and forgotten here, first. */
    boolean mark(long first, long end) {
        long last = (end - 1) / SEGMENT;
        for (long at = first / SEGMENT; at <= last; at++) {
            if (!makeSegment((int) at)) {
                return false;
            }
        }
        change(first, end, true);
        return true;
    }

    private boolean makeSegment(int number) {
        if (segments.get(number) == null) {
            if (usedSegments == maxSegments) {
                return false;
            }
            segments.set(number, new AtomicLongArray(SEGMENT / Long.SIZE));
            usedSegments++;
        }
        return true;
    }

    /** {@code [first, end)} is in the journal; by any thread at any time. */
    void logged(long first, long end) {
        if (!isEmpty()) {
            change(first, end, false);
        }
    }

    private void change(long first, long end, boolean marks) {
        for (long at = first; at < end; ) {
            long next = Math.min(end, (at | Long.SIZE - 1) + 1);
            AtomicLongArray segment = segments.get((int) (at / SEGMENT));
            if (segment != null) {
                long mask = mask(at, next);
                long old = marks
                        ? segment.getAndUpdate(word(at), bits -> bits | mask)
                        : segment.getAndUpdate(word(at), bits -> bits & ~mask);
                count.addAndGet(marks ? Long.bitCount(mask & ~old) : -Long.bitCount(mask & old));
            }
            at = next;
        }
    }

    /** All are in the file; nothing is logged meanwhile. */
    void forgetAll() {
        if (usedSegments == 0) {
            return;
        }
        count.set(0);
        for (int i = 0; i < segments.length(); i++) {
            segments.set(i, null);
        }
        usedSegments = 0;
    }

    private static int word(long block) {
        return (int) (block % SEGMENT) / Long.SIZE;
    }

    /** The bits of {@code [from, to)}, all in one word. */
    private static long mask(long from, long to) {
        return -1L >>> Long.SIZE - (int) (to - from) << from;
    }
}
