// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;

/** Dirty sectors of some pages, copied out of a {@link PageCache} to be written. For one thread. */
public final class SectorBatch {
    static final int SECTOR = 512;

    private final AlignedBuffer content;
    private final int[] places;
    private final long[] fileOffsets;
    private final int[] sectors;
    private int pages;
    private int used;
    private int nextPlace;

    /** Looks at a sector, or changes it. */
    @FunctionalInterface
    public interface SectorAccess {
        /**
         * Called with a sector.
         *
         * @param fileOffset where it goes in the file
         * @param at where it starts in {@code memory}
         */
        void with(long fileOffset, AlignedBuffer memory, int at) throws BlockException;
    }

    /** An empty batch, whose sectors go into {@code content}. */
    SectorBatch(AlignedBuffer content) {
        this.content = content;
        int most = content.capacity() / SECTOR;
        this.places = new int[most];
        this.fileOffsets = new long[most];
        this.sectors = new int[most];
    }

    /** Whether so many bytes still fit. */
    boolean hasRoom(int bytes) {
        return used + bytes <= content.capacity();
    }

    /** Copies the dirty sectors of a page. */
    void add(int place, long fileOffset, int dirtySectors, AlignedBuffer slab, int base) {
        places[pages] = place;
        fileOffsets[pages] = fileOffset;
        sectors[pages] = dirtySectors;
        pages++;
        for (int rest = dirtySectors; rest != 0; rest &= rest - 1) {
            int sector = Integer.numberOfTrailingZeros(rest);
            slab.copyTo(base + sector * SECTOR, content, used, SECTOR);
            used += SECTOR;
        }
    }

    public boolean isEmpty() {
        return pages == 0;
    }

    int pages() {
        return pages;
    }

    /** The place of a page in the cache. */
    int place(int page) {
        return places[page];
    }

    /** The place to go on from. */
    public int nextPlace() {
        return nextPlace;
    }

    void endAt(int place) {
        nextPlace = place;
    }

    /**
     * Passes all sectors by, for metadata that stands otherwise in memory than in the file; only the copies change.
     *
     * @throws BlockException of the access
     */
    public void forEach(SectorAccess access) throws BlockException {
        int at = 0;
        for (int page = 0; page < pages; page++) {
            for (int rest = sectors[page]; rest != 0; rest &= rest - 1) {
                access.with(fileOffsets[page] + (long) Integer.numberOfTrailingZeros(rest) * SECTOR, content, at);
                at += SECTOR;
            }
        }
    }

    /**
     * Writes the sectors, neighbours together.
     *
     * @param step what the file is told before each write
     * @throws BlockException of a write that failed twice
     */
    public void write(Node file, DebugEvent step) throws BlockException {
        int at = 0;
        for (int page = 0; page < pages; page++) {
            int rest = sectors[page];
            while (rest != 0) {
                int first = Integer.numberOfTrailingZeros(rest);
                int count = Integer.numberOfTrailingZeros(~(rest >>> first));
                int bytes = count * SECTOR;
                file.debugEvent(step);
                SectorWriter.write(file, fileOffsets[page] + (long) first * SECTOR, IoVector.of(content, at, bytes));
                at += bytes;
                rest &= ~mask(first, count);
            }
        }
    }

    /** Bits for {@code count} sectors of a page from {@code first} on. */
    static int mask(int first, int count) {
        return (count == Integer.SIZE ? -1 : (1 << count) - 1) << first;
    }
}
