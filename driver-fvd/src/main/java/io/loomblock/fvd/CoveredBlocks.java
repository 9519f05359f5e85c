// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import java.util.BitSet;

/**
 * Which blocks a recovery has set bits of, in regions: a journal full of records of the whole base image costs no more than one of them.
 *
 * <p>A region is a block, or of a large base image a few in a row, and known once all of it was set by one record. So records that somebody
 * made up cost two regions each, at their ends, and the whole base image once, whatever they say.
 */
final class CoveredBlocks {
    /** In so much memory, 32 KiB, that it takes about as long to look through it as to set the bits of a region of the largest bitmap. */
    private static final int MOST_REGIONS = 1 << 18;

    private final BitSet known = new BitSet();
    private final long blocks;
    /** Of the blocks in a region, as a power of two. */
    private final int shift;

    /** Sets bits of blocks {@code [first, end)}. */
    @FunctionalInterface
    interface Setter {
        void set(long first, long end) throws BlockException;
    }

    /** Nothing is covered yet of so many blocks. */
    CoveredBlocks(long blocks) {
        this.blocks = blocks;
        int bits = 0;
        while (blocks >> bits > MOST_REGIONS) {
            bits++;
        }
        this.shift = bits;
    }

    /** How many blocks are known as one. */
    long region() {
        return 1L << shift;
    }

    /** Hands on the parts of {@code [first, end)} that are not known to be covered. */
    void cover(long first, long end, Setter setter) throws BlockException {
        for (long at = start(known.nextClearBit(region(first)), first); at < end; ) {
            int next = known.nextSetBit(region(at));
            long limit = next < 0 ? end : Math.min(end, (long) next << shift);
            setter.set(at, limit);
            remember(at, limit);
            at = start(known.nextClearBit(region(limit)), limit);
        }
    }

    private int region(long block) {
        return (int) (block >> shift);
    }

    private long start(int region, long atLeast) {
        return Math.max(atLeast, (long) region << shift);
    }

    /** The regions that are whole; the last may be shorter. */
    private void remember(long first, long end) {
        int from = region(first + region() - 1);
        int to = end == blocks ? region(end + region() - 1) : region(end);
        if (from < to) {
            known.set(from, to);
        }
    }
}
