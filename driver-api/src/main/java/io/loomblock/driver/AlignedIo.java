// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;

/**
 * Fits requests to a driver's alignment: passes on what fits, reads and writes the rest by way of aligned buffers.
 *
 * <p>A write that covers blocks only in part reads them, changes them and writes them back; it waits for, and holds up, every write
 * that overlaps the widened range, so that no neighbour's bytes are lost. spec: block-layer.md section 5, "Alignment", "Zero writes".
 */
final class AlignedIo {
    /** Longest piece that goes through a bounce buffer. */
    private static final int PIECE = 1 << 20;

    private final BlockDriver driver;
    private final BufferPool pool;
    /** Writes in flight, by byte range of the node; used only where the alignment is above 1. */
    private final RangeLocks writes = new RangeLocks();

    AlignedIo(BlockDriver driver, BufferPool pool) {
        this.driver = driver;
        this.pool = pool;
    }

    void read(Limits limits, long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        if (fits(limits, offset, bytes, qiov, qiovOffset)) {
            driver.coReadv(offset, bytes, qiov, qiovOffset, flags);
            return;
        }
        int alignment = limits.requestAlignment();
        for (int done = 0; done < bytes; ) {
            long from = down(offset + done, alignment);
            int skip = (int) (offset + done - from);
            int n = Math.min(bytes - done, PIECE - skip);
            int padded = (int) (up(offset + done + n, alignment) - from);
            try (AlignedBuffer bounce = pool.acquireReserved(padded)) {
                driver.coReadv(from, padded, IoVector.of(bounce, 0, padded), 0, flags);
                qiov.copyFrom(qiovOffset + done, bounce, skip, n);
            }
            done += n;
        }
    }

    void write(Limits limits, long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        int alignment = limits.requestAlignment();
        if (alignment == 1 && limits.memoryAlignment() == 1) {
            driver.coWritev(offset, bytes, qiov, qiovOffset, flags);
            return;
        }
        try (RangeLocks.Range locked = writes.acquire(down(offset, alignment), up(offset + bytes, alignment))) {
            if (fits(limits, offset, bytes, qiov, qiovOffset)) {
                driver.coWritev(offset, bytes, qiov, qiovOffset, flags);
                return;
            }
            for (int done = 0; done < bytes; ) {
                int skip = (int) ((offset + done) & (alignment - 1));
                int n = Math.min(bytes - done, PIECE - skip);
                writePiece(alignment, offset + done, n, qiov, qiovOffset + done, flags);
                done += n;
            }
        }
    }

    private void writePiece(int alignment, long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
            throws BlockException {
        long from = down(offset, alignment);
        long to = up(offset + bytes, alignment);
        int padded = (int) (to - from);
        int head = (int) (offset - from);
        try (AlignedBuffer bounce = pool.acquireReserved(padded)) {
            if (head > 0) {
                driver.debugEvent(DebugEvent.PWRITEV_RMW_HEAD);
                readBlock(from, alignment, bounce, 0);
                driver.debugEvent(DebugEvent.PWRITEV_RMW_AFTER_HEAD);
            }
            if (offset + bytes < to && !(head > 0 && padded == alignment)) {
                driver.debugEvent(DebugEvent.PWRITEV_RMW_TAIL);
                readBlock(to - alignment, alignment, bounce, padded - alignment);
                driver.debugEvent(DebugEvent.PWRITEV_RMW_AFTER_TAIL);
            }
            qiov.copyTo(qiovOffset, bounce, head, bytes);
            driver.debugEvent(DebugEvent.PWRITEV);
            driver.coWritev(from, padded, IoVector.of(bounce, 0, padded), 0, flags);
            driver.debugEvent(DebugEvent.PWRITEV_DONE);
        }
    }

    private void readBlock(long offset, int alignment, AlignedBuffer bounce, int at) throws BlockException {
        driver.coReadv(offset, alignment, IoVector.of(bounce, at, alignment), 0, 0);
    }

    void writeZeroes(Limits limits, long offset, long bytes, int flags) throws BlockException {
        int granularity = Math.max(limits.zeroAlignment(), limits.requestAlignment());
        long start = up(offset, granularity);
        long end = down(offset + bytes, granularity);
        if (start >= end) {
            writeZeroBytes(limits, offset, bytes, flags);
            return;
        }
        writeZeroBytes(limits, offset, start - offset, flags);
        driver.debugEvent(DebugEvent.PWRITEV_ZERO);
        if (!tryDriver(limits, start, end - start, flags)) {
            writeZeroBytes(limits, start, end - start, flags);
        }
        writeZeroBytes(limits, end, offset + bytes - end, flags);
    }

    private boolean tryDriver(Limits limits, long offset, long bytes, int flags) throws BlockException {
        try {
            if (limits.requestAlignment() == 1) {
                driver.coWriteZeroes(offset, bytes, flags);
            } else {
                try (RangeLocks.Range locked = writes.acquire(offset, offset + bytes)) {
                    driver.coWriteZeroes(offset, bytes, flags);
                }
            }
            return true;
        } catch (BlockException e) {
            if (e.errno() != Errno.ENOTSUP || (flags & RequestFlags.NO_FALLBACK) != 0) {
                throw e;
            }
            return false;
        }
    }

    private void writeZeroBytes(Limits limits, long offset, long bytes, int flags) throws BlockException {
        if (bytes == 0) {
            return;
        }
        if ((flags & RequestFlags.NO_FALLBACK) != 0) {
            throw new BlockException(Errno.ENOTSUP);
        }
        IoVector zeros = pool.zeros();
        int size = zeros.size();
        for (long done = 0; done < bytes; ) {
            // Pieces end at multiples of their size, so that a later one is not unaligned because the first was.
            int n = (int) Math.min(bytes - done, size - (offset + done) % size);
            write(limits, offset + done, n, zeros, 0, flags & limits.writeFlags());
            done += n;
        }
    }

    private static boolean fits(Limits limits, long offset, int bytes, IoVector qiov, int qiovOffset) {
        int alignment = limits.requestAlignment();
        return ((offset | bytes) & (alignment - 1)) == 0
                && (limits.memoryAlignment() == 1 || qiov.isAligned(qiovOffset, bytes, limits.memoryAlignment()));
    }

    private static long down(long value, int alignment) {
        return value & -(long) alignment;
    }

    private static long up(long value, int alignment) {
        return down(value + alignment - 1, alignment);
    }
}
