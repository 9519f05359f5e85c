// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;

/** Dirty sectors of some pages of L2 tables, copied out of the {@link L2Cache} to be written. */
final class SectorBatch {
    private final AlignedBuffer content;
    private final int[] places;
    private final long[] fileOffsets;
    private final int[] sectors;
    private int pages;
    private int used;
    private int nextPlace;

    /** An empty batch, whose sectors go into {@code content}. */
    SectorBatch(AlignedBuffer content) {
        this.content = content;
        int most = content.capacity() / QedLayout.SECTOR;
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
            slab.copyTo(base + sector * QedLayout.SECTOR, content, used, QedLayout.SECTOR);
            used += QedLayout.SECTOR;
        }
    }

    boolean isEmpty() {
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
    int nextPlace() {
        return nextPlace;
    }

    void endAt(int place) {
        nextPlace = place;
    }

    /** Writes the sectors, neighbours together. */
    void write(Node file) throws BlockException {
        int at = 0;
        for (int page = 0; page < pages; page++) {
            int rest = sectors[page];
            while (rest != 0) {
                int first = Integer.numberOfTrailingZeros(rest);
                int count = Integer.numberOfTrailingZeros(~(rest >>> first));
                int bytes = count * QedLayout.SECTOR;
                file.debugEvent(DebugEvent.L2_UPDATE);
                SectorWriter.write(
                        file, fileOffsets[page] + (long) first * QedLayout.SECTOR, IoVector.of(content, at, bytes));
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
