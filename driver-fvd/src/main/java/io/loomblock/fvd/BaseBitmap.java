// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.PageCache;
import io.loomblock.memory.AlignedBuffer;

/**
 * Which blocks of the base image the FVD image has by itself: a bit for each block, the lowest bit of a byte first. spec: fvd.md section 5.
 *
 * <p>A set bit tells where to read. Unless the block is one of those that a copy has left in memory only, it also tells that the journal or
 * the bitmap in the file knows, so that a write need not log it: the bits here are the fresh ones of the specification, and the stale ones
 * those without a mark. Bits are never cleared. Thread-safe.
 */
final class BaseBitmap {
    private final FvdLayout layout;
    private final MetadataPages pages;
    private final UnloggedBlocks unlogged;

    /** The bitmap of an image that has one, within {@code budget} bytes of memory. */
    BaseBitmap(Node file, FvdLayout layout, long budget) {
        this.layout = layout;
        this.pages = new MetadataPages(
                file,
                FvdLayout.bitmapBytes(layout.blocks()),
                budget,
                DebugEvent.BITMAP_LOAD,
                DebugEvent.BITMAP_UPDATE,
                MetadataPages.Form.PLAIN);
        this.unlogged = new UnloggedBlocks(layout.blocks(), budget);
    }

    MetadataPages pages() {
        return pages;
    }

    private int word(long block) throws BlockException {
        return pages.word(layout.bitmapByte(block) & -Integer.BYTES);
    }

    /** Number of a block's bit in its word: areas start at whole sectors. */
    private static int bit(long block) {
        return (int) block & Integer.SIZE - 1;
    }

    boolean isSet(long block) throws BlockException {
        return (word(block) >>> bit(block) & 1) != 0;
    }

    /** The first block from {@code from} on, at most {@code limit}, whose bit is not {@code set}. */
    long endOfRun(long from, long limit, boolean set) throws BlockException {
        long at = from;
        while (at < limit) {
            int bit = bit(at);
            int others = (set ? ~word(at) : word(at)) >>> bit;
            if (others != 0) {
                return Math.min(limit, at + Integer.numberOfTrailingZeros(others));
            }
            at += Integer.SIZE - bit;
        }
        return limit;
    }

    /** Whether the image has all of {@code [start, end)} by itself; what lies behind the base image it has anyway. */
    boolean hasAll(long start, long end) throws BlockException {
        long limit = Math.min(end, layout.baseSize());
        if (start >= limit) {
            return true;
        }
        long last = layout.block(limit - 1);
        return endOfRun(layout.block(start), last + 1, true) > last;
    }

    /** Whether that is so, and nothing has to be logged about it. */
    boolean isSettled(long start, long end) throws BlockException {
        if (!hasAll(start, end)) {
            return false;
        }
        long limit = Math.min(end, layout.baseSize());
        return start >= limit || !unlogged.any(layout.block(start), layout.block(limit - 1) + 1);
    }

    /** How many bytes of the base image the image has by itself; looks at all bits. */
    long bytesInImage() throws BlockException {
        long bytes = 0;
        for (long at = endOfRun(0, layout.blocks(), false); at < layout.blocks(); ) {
            long end = endOfRun(at, layout.blocks(), true);
            bytes += layout.blockEnd(end - 1) - layout.blockStart(at);
            at = endOfRun(end, layout.blocks(), false);
        }
        return bytes;
    }

    /**
     * How many of the bytes from {@code pos} on the image has, or has not, by itself, as with the first: above 0, all of its block at least.
     *
     * @param max above 0
     * @param set whether it has the first, as the caller has seen: it may have got it since
     */
    long run(long pos, long max, boolean set) throws BlockException {
        long limit = Math.min(pos + max, layout.baseSize());
        long first = layout.block(pos);
        long last = layout.block(limit - 1);
        long end = first == last ? last + 1 : endOfRun(first + 1, last + 1, set);
        if (end <= last) {
            return layout.blockStart(end) - pos;
        }
        return set ? max : limit - pos;
    }

    /** Keeps the bits of {@code [first, end)} in memory until they are written. False if there is no room. */
    boolean pin(long first, long end) throws BlockException {
        for (long at = first; at < end; at = endOfPage(at)) {
            if (!pages.pin(layout.bitmapByte(at))) {
                return false;
            }
        }
        return true;
    }

    /** The first block whose bit is in the next page. */
    long endOfPage(long block) {
        return (pages.endOfPage(layout.bitmapByte(block)) - layout.bitmapOffset()) * Byte.SIZE;
    }

    /** Sets the bits of {@code [first, end)}, which are logged. False if there is no room: nothing is set then. */
    boolean setLogged(long first, long end) throws BlockException {
        // What is in one page is set, or not, as a whole.
        if (end > endOfPage(first) && !pin(first, end) || !set(first, end)) {
            return false;
        }
        unlogged.logged(first, end);
        return true;
    }

    /**
     * Sets the bits of {@code [first, end)} in memory, where a crash forgets them; one at a time.
     *
     * @return false if there is no room: nothing is set then
     */
    boolean setUnlogged(long first, long end) throws BlockException {
        // The mark comes first: who sees the bit without it would not log what the block needs.
        return pin(first, end) && unlogged.mark(first, end) && set(first, end);
    }

    /** All bits are in the file; none is set meanwhile. */
    void allLogged() {
        unlogged.forgetAll();
    }

    private boolean set(long first, long end) throws BlockException {
        for (long at = first; at < end; ) {
            long next = Math.min(end, endOfPage(at));
            if (!setInPage(at, next)) {
                return false;
            }
            at = next;
        }
        return true;
    }

    private boolean setInPage(long first, long end) throws BlockException {
        long offset = layout.bitmapByte(first);
        int length = (int) (layout.bitmapByte(end - 1) - offset) + 1;
        int inPage = (int) (offset & -Long.BYTES) & 4095;
        int from = (int) first & Long.SIZE - 1;
        int count = (int) (end - first);
        return pages.change(offset, length, new SetBits(inPage, from, from + count));
    }

    /**
     * Sets bits. No lambda: to make one that knows something is a call of the JVM, as long as only the first compiler has seen the caller.
     *
     * @param inPage where the long with bit 0 starts in the page
     */
    private record SetBits(int inPage, int from, int to) implements PageCache.PageAccess {
        @Override
        public void with(AlignedBuffer memory, int base, boolean trusted) {
            for (int bit = from; bit < to; ) {
                int next = Math.min(to, (bit | Long.SIZE - 1) + 1);
                long mask = -1L >>> Long.SIZE - (next - bit) << bit;
                int at = base + inPage + bit / Long.SIZE * Long.BYTES;
                memory.putLongRelease(at, memory.getLong(at) | mask);
                bit = next;
            }
        }
    }
}
