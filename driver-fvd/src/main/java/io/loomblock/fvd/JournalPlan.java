// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Divides what a write has to log among sectors that each stand alone.
 *
 * <p>A sector that sets the bit of a block carries the entries of all chunks that the block touches, so blocks are divided, not chunks: a
 * chunk at the border of two sectors is in both. A block of more chunks than a sector takes is the exception: its bit goes into a sector of
 * its own, once the entries are durable. spec: fvd.md sections 6 and 9.2, E1, E27.
 */
final class JournalPlan {
    /** A BITMAP record counts sectors in 32 bits. */
    private static final long MAX_BIT_RANGE = 0x7fffffffL * FvdHeader.SECTOR;

    /** The bits of so many blocks lie in eight pages, wherever they begin: memory has room for them whatever else it is asked to keep. */
    private static final long MAX_BLOCKS = 7 * 4096 * Byte.SIZE;

    private final FvdLayout layout;
    private final RecordFormat format;
    private final @Nullable ChunkTable table;
    private final boolean hidesData;
    private final List<JournalSector> sectors = new ArrayList<>();

    private JournalPlan(FvdLayout layout, RecordFormat format, @Nullable ChunkTable table, boolean hidesData) {
        this.layout = layout;
        this.format = format;
        this.table = table;
        this.hidesData = hidesData;
    }

    /**
     * What has to be logged when {@code [start, end)} is stored.
     *
     * @param table null without one
     * @param hasBits whether bits are set: every block that the range touches is then wholly stored
     * @param hidesData what {@link JournalSector#hidesData} is to be where there are bits
     * @return the sectors, none if there is nothing to log
     */
    static List<JournalSector> of(
            FvdLayout layout,
            RecordFormat format,
            @Nullable ChunkTable table,
            boolean hasBits,
            long start,
            long end,
            boolean hidesData)
            throws BlockException {
        if (table != null && layout.chunk(start) == layout.chunk(end - 1)) {
            long chunk = layout.chunk(start);
            if (!hasBits) {
                return ofChunk(table, chunk);
            }
            if (isWithin(layout, chunk, start, end)) {
                int[] entries = {ChunkTable.clean(table.entry(chunk))};
                return List.of(new JournalSector(chunk, entries, start, end, hidesData, false));
            }
        }
        JournalPlan plan = new JournalPlan(layout, format, table, hidesData);
        long rest = start;
        if (hasBits) {
            long bitEnd = Math.min(end, layout.baseSize());
            plan.addBits(start, bitEnd);
            rest = layout.blockEnd(layout.block(bitEnd - 1));
        }
        if (table != null && rest < end) {
            plan.addDirty(layout.chunk(rest), layout.chunk(end - 1) + 1);
        }
        return plan.sectors;
    }

    /** What most writes have to log. */
    private static List<JournalSector> ofChunk(ChunkTable table, long chunk) throws BlockException {
        int entry = table.entry(chunk);
        return ChunkTable.isDirty(entry) ? List.of(JournalSector.ofEntries(chunk, ChunkTable.clean(entry))) : List.of();
    }

    /** Whether one sector says it all: the chunk has all of the blocks, and they are not too many. */
    private static boolean isWithin(FvdLayout layout, long chunk, long start, long end) {
        return end <= layout.baseSize()
                && layout.chunk(layout.blockStart(layout.block(start))) == chunk
                && layout.chunk(layout.blockEnd(layout.block(end - 1)) - 1) == chunk
                && end - start <= maxBits(layout);
    }

    /** How long a part of the disk may be whose bits are set at once, in bytes. */
    static long maxBits(FvdLayout layout) {
        return layout.blockSize() > MAX_BIT_RANGE / MAX_BLOCKS ? MAX_BIT_RANGE : layout.blockSize() * MAX_BLOCKS;
    }

    private void addBits(long start, long end) throws BlockException {
        for (long at = start; at < end; ) {
            long next = endOfBits(at, end);
            if (next > at) {
                sectors.add(withBits(at, next));
            } else {
                next = Math.min(end, layout.blockEnd(layout.block(at)));
                addLargeBlock(at, next);
            }
            at = next;
        }
    }

    /** The chunks that the blocks of {@code [start, end)} touch: the first of them. */
    private long firstChunk(long start) {
        return layout.chunk(layout.blockStart(layout.block(start)));
    }

    /** One past the last of them. */
    private long endChunk(long end) {
        return layout.chunk(layout.blockEnd(layout.block(end - 1)) - 1) + 1;
    }

    private JournalSector withBits(long start, long end) throws BlockException {
        if (table == null) {
            return JournalSector.ofBits(start, end, hidesData, false);
        }
        long first = firstChunk(start);
        return new JournalSector(first, entries(first, endChunk(end)), start, end, hidesData, false);
    }

    /** How far the bits of one sector reach that begins at {@code start}: not at all if its first block has too many chunks. */
    private long endOfBits(long start, long end) throws BlockException {
        long limit = end - start <= maxBits(layout) ? end : start + maxBits(layout);
        if (table == null) {
            // Of a block that is longer than a record can say, any part will do: its data is stored.
            long whole = limit == end ? end : layout.blockStart(layout.block(limit));
            return whole > start ? whole : limit;
        }
        long first = firstChunk(start);
        int[] entries = entriesAtMost(first, endChunk(limit));
        long endOfEntries = first + fitting(entries, RecordFormat.SECTOR - RecordFormat.BITMAP_BYTES);
        if (endOfEntries == endChunk(limit) && limit == end) {
            return end;
        }
        // Whole blocks only, all of whose chunks are there.
        long covered = layout.chunkEnd(endOfEntries - 1);
        long block = layout.block(Math.min(covered, limit));
        return Math.max(start, layout.blockStart(block));
    }

    /** How many of the entries, from the first on, take at most {@code room} bytes. */
    private int fitting(int[] entries, int room) {
        int count = entries.length;
        while (JournalSector.tableBytes(format, entries, count) > room) {
            count--;
        }
        return count;
    }

    /** The entries of {@code [first, end)}, or the first of them: more than a sector has room for. */
    private int[] entriesAtMost(long first, long end) throws BlockException {
        return entries(first, Math.min(end, first + RecordFormat.SECTOR));
    }

    private void addLargeBlock(long start, long end) throws BlockException {
        addEntries(firstChunk(start), endChunk(end));
        sectors.add(JournalSector.ofBits(start, Math.min(end, start + MAX_BIT_RANGE), hidesData, true));
    }

    /** The dirty ones among the entries of {@code [first, end)}, and what lies between them. */
    private void addDirty(long first, long end) throws BlockException {
        long firstDirty = end;
        long lastDirty = first;
        for (long chunk = first; chunk < end; chunk++) {
            if (ChunkTable.isDirty(entry(chunk))) {
                firstDirty = Math.min(firstDirty, chunk);
                lastDirty = chunk;
            }
        }
        if (firstDirty < end) {
            addEntries(firstDirty, lastDirty + 1);
        }
    }

    private void addEntries(long first, long end) throws BlockException {
        for (long at = first; at < end; ) {
            int[] found = entriesAtMost(at, end);
            int count = fitting(found, RecordFormat.SECTOR);
            int[] entries = count == found.length ? found : Arrays.copyOf(found, count);
            if (hasStorage(entries)) {
                sectors.add(JournalSector.ofEntries(at, entries));
            }
            at += count;
        }
    }

    private static boolean hasStorage(int[] entries) {
        for (int entry : entries) {
            if (entry != ChunkTable.EMPTY) {
                return true;
            }
        }
        return false;
    }

    private int[] entries(long first, long end) throws BlockException {
        int[] entries = new int[(int) (end - first)];
        for (int i = 0; i < entries.length; i++) {
            entries[i] = ChunkTable.clean(entry(first + i));
        }
        return entries;
    }

    private int entry(long chunk) throws BlockException {
        return table == null ? ChunkTable.EMPTY : table.entry(chunk);
    }
}
