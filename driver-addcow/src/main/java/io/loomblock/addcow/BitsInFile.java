// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.SectorWriter;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;

/** The bitmap as it is in the file, for a check and for a change of its length; nothing of it may wait in memory. */
record BitsInFile(Node file, AddCowLayout layout, BufferPool pool) {
    private static final int PIECE = 64 << 10;

    /** One past the last cluster that the file has a bit for. */
    long end() throws BlockException {
        long bytes = Math.clamp(file.length() - layout.headerSize(), 0, Long.MAX_VALUE / Byte.SIZE);
        return bytes * Byte.SIZE;
    }

    /** How many tables there are, or begin, behind those that a disk of this size needs. */
    long spareTables(long size) throws BlockException {
        return layout.clusters(Math.max(0, file.length() - layout.fileLength(size)));
    }

    /** How many bits of {@code [from, to)} are set. Holes are not read. */
    long count(long from, long to) throws BlockException {
        long set = 0;
        try (AlignedBuffer piece = pool.acquireReserved(PIECE)) {
            for (long at = from; at < to; ) {
                long offset = layout.byteOffset(at);
                long length = layout.byteOffset(to - 1) + 1 - offset;
                BlockStatus status = file.blockStatus(offset, length);
                boolean hole = status.length() == 0 || status.isZero();
                long bytes = hole && status.length() > 0 ? status.length() : hole ? length : Math.min(length, PIECE);
                long next = Math.min(to, at - at % Byte.SIZE + bytes * Byte.SIZE);
                set += hole ? 0 : countIn(piece, offset, (int) bytes, at, next);
                at = next;
            }
        }
        return set;
    }

    private long countIn(AlignedBuffer piece, long offset, int bytes, long from, long to) throws BlockException {
        file.debugEvent(DebugEvent.CHECK_LOAD);
        file.coReadv(offset, IoVector.of(piece, 0, bytes));
        long set = 0;
        for (int i = 0; i < bytes; i++) {
            set += Integer.bitCount(piece.getByte(i) & 0xff);
        }
        int before = (1 << from % Byte.SIZE) - 1;
        int after = to % Byte.SIZE == 0 ? 0 : 0xff << to % Byte.SIZE & 0xff;
        set -= Integer.bitCount(piece.getByte(0) & before);
        set -= Integer.bitCount(piece.getByte(bytes - 1) & after);
        return set;
    }

    /** Clears the bits behind those of a disk of this size, and cuts off tables that it does not need; each is such a step. */
    void clearBehind(long size, DebugEvent step) throws BlockException {
        long clusters = layout.clusters(size);
        long end = layout.endOfBits(size);
        int used = (int) (clusters % Byte.SIZE);
        if (used != 0) {
            clearInByte(end - 1, (1 << used) - 1, step);
        }
        long tables = Math.min(file.length(), layout.fileLength(size));
        if (end < tables) {
            file.debugEvent(step);
            file.coWriteZeroes(end, tables - end, 0);
        }
        if (file.length() > tables) {
            file.debugEvent(step);
            file.truncate(tables, true, PreallocationMode.OFF);
        }
    }

    private void clearInByte(long offset, int kept, DebugEvent step) throws BlockException {
        try (AlignedBuffer one = pool.acquireReserved(1)) {
            IoVector vector = IoVector.of(one);
            file.debugEvent(DebugEvent.BITMAP_LOAD);
            file.coReadv(offset, vector);
            byte bits = one.getByte(0);
            if ((bits & ~kept) != 0) {
                one.putByte(0, (byte) (bits & kept));
                file.debugEvent(step);
                SectorWriter.write(file, offset, vector);
            }
        }
    }

    /** Makes the file as long as a disk of this size needs, the new bits clear. */
    void extendFor(long size) throws BlockException {
        if (file.length() < layout.fileLength(size)) {
            file.debugEvent(DebugEvent.BITMAP_GROW);
            file.truncate(layout.fileLength(size), true, PreallocationMode.OFF);
        }
    }
}
