// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Bits that many threads set at once without a lock, with a summary that makes finding them quick where there are few.
 *
 * <p>Setting is for everybody at any time. Clearing and searching exclude one another, which is the caller's to see to; both run along
 * with setting: a bit whose {@link #set} has returned is found unless it was cleared later. The summary has a bit for each 4096 bits,
 * which is set wherever one of these is, once their {@link #set} returns.
 */
final class AtomicBits {
    private static final int WORD_SHIFT = 6;
    private static final int BLOCK_SHIFT = 12;
    private static final int WORDS_OF_BLOCK = 1 << (BLOCK_SHIFT - WORD_SHIFT);

    private final long capacity;
    private final AtomicLongArray words;
    private final AtomicLongArray summary;
    private final AtomicLong count = new AtomicLong();

    /**
     * So many bits, all clear.
     *
     * @throws OutOfMemoryError if they cannot be had
     */
    AtomicBits(long atLeast) {
        long blocks = (atLeast >>> BLOCK_SHIFT) + 1;
        if (blocks > Integer.MAX_VALUE / WORDS_OF_BLOCK) {
            throw new OutOfMemoryError(atLeast + " bits in one array");
        }
        this.capacity = blocks << BLOCK_SHIFT;
        this.words = new AtomicLongArray((int) (capacity >>> WORD_SHIFT));
        this.summary = new AtomicLongArray((int) ((blocks >>> WORD_SHIFT) + 1));
    }

    long capacity() {
        return capacity;
    }

    /** How many bits are set. */
    long count() {
        return count.get();
    }

    boolean get(long bit) {
        return (words.get((int) (bit >>> WORD_SHIFT)) & 1L << bit) != 0;
    }

    /** Sets the bits from {@code from} to before {@code to}. */
    void set(long from, long to) {
        for (long at = from; at < to; ) {
            int word = (int) (at >>> WORD_SHIFT);
            long end = Math.min(to, (at | Long.SIZE - 1) + 1);
            long mask = mask(at, end);
            if ((words.get(word) & mask) != mask) {
                long old = words.getAndAccumulate(word, mask, (bits, more) -> bits | more);
                count.addAndGet(Long.bitCount(mask & ~old));
            }
            // Also where another thread set the bits: it may not have come to the summary yet.
            mark(at >>> BLOCK_SHIFT);
            at = end;
        }
    }

    /** Clears the bits from {@code from} to before {@code to}. */
    void clear(long from, long to) {
        for (long at = from; at < to; ) {
            long end = Math.min(to, ((at >>> BLOCK_SHIFT) + 1) << BLOCK_SHIFT);
            if (isMarked(at >>> BLOCK_SHIFT)) {
                clearInBlock(at, end);
            }
            at = end;
        }
    }

    private void clearInBlock(long from, long to) {
        for (long at = from; at < to; ) {
            int word = (int) (at >>> WORD_SHIFT);
            long end = Math.min(to, (at | Long.SIZE - 1) + 1);
            long mask = mask(at, end);
            if ((words.get(word) & mask) != 0) {
                long old = words.getAndAccumulate(word, ~mask, (bits, kept) -> bits & kept);
                count.addAndGet(-Long.bitCount(old & mask));
            }
            at = end;
        }
        long block = from >>> BLOCK_SHIFT;
        unmark(block);
        // In this order, so that whoever sets a bit meanwhile is seen here or sees that the summary lacks it.
        if (!isEmpty(block)) {
            mark(block);
        }
    }

    private boolean isEmpty(long block) {
        int first = (int) (block * WORDS_OF_BLOCK);
        for (int word = first; word < first + WORDS_OF_BLOCK; word++) {
            if (words.get(word) != 0) {
                return false;
            }
        }
        return true;
    }

    /** The first set bit from {@code from} to before {@code to}, or -1. */
    long nextSet(long from, long to) {
        for (long at = from; at < to; ) {
            long block = nextMarked(at >>> BLOCK_SHIFT, to - 1 >>> BLOCK_SHIFT);
            if (block < 0) {
                return -1;
            }
            at = Math.max(at, block << BLOCK_SHIFT);
            long end = Math.min(to, (block + 1) << BLOCK_SHIFT);
            for (; at < end; at = (at | Long.SIZE - 1) + 1) {
                long rest = words.get((int) (at >>> WORD_SHIFT)) >>> at;
                if (rest != 0) {
                    long found = at + Long.numberOfTrailingZeros(rest);
                    return found < to ? found : -1;
                }
            }
        }
        return -1;
    }

    /** The first clear bit from {@code from} to before {@code to}, or -1. */
    long nextClear(long from, long to) {
        for (long at = from; at < to; at = (at | Long.SIZE - 1) + 1) {
            long rest = ~words.get((int) (at >>> WORD_SHIFT)) >>> at;
            if (rest != 0) {
                long found = at + Long.numberOfTrailingZeros(rest);
                return found < to ? found : -1;
            }
        }
        return -1;
    }

    private long nextMarked(long from, long last) {
        for (long at = from; at <= last; at = (at | Long.SIZE - 1) + 1) {
            long rest = summary.get((int) (at >>> WORD_SHIFT)) >>> at;
            if (rest != 0) {
                long found = at + Long.numberOfTrailingZeros(rest);
                return found <= last ? found : -1;
            }
        }
        return -1;
    }

    private boolean isMarked(long block) {
        return (summary.get((int) (block >>> WORD_SHIFT)) & 1L << block) != 0;
    }

    private void mark(long block) {
        if (!isMarked(block)) {
            summary.getAndAccumulate((int) (block >>> WORD_SHIFT), 1L << block, (bits, more) -> bits | more);
        }
    }

    private void unmark(long block) {
        summary.getAndAccumulate((int) (block >>> WORD_SHIFT), ~(1L << block), (bits, kept) -> bits & kept);
    }

    /** Ones for the bits from {@code from} to before {@code to}, which lie in one word. */
    private static long mask(long from, long to) {
        return -1L << from & -1L >>> -to;
    }
}
