// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/**
 * Fits requests to a driver's alignment: passes on what fits, reads and writes the rest by way of aligned buffers.
 *
 * <p>A write that covers blocks only in part reads them, changes them and writes them back; it waits for, and holds up, every write
 * that overlaps the widened range, so that no neighbour's bytes are lost. spec: block-layer.md section 5, "Alignment", "Zero writes".
 */
final class AlignedIo {
    /** Longest piece that goes through a bounce buffer; a block of the coarsest alignment fits. */
    private static final int PIECE = Limits.MAX_ALIGNMENT;

    private final BlockDriver driver;
    private final BufferPool pool;
    private final BufferPool bounces;
    private final boolean announces;
    /** Writes in flight, by byte range of the node; used only where the alignment is above 1. */
    private final RangeLocks writes = new RangeLocks();

    /**
     * Has zeros from {@code pool}.
     *
     * @param bounces where bounce buffers come from: no memory that the driver, or one below it, waits for
     * @param announces the driver's events, which somebody hears
     */
    AlignedIo(BlockDriver driver, BufferPool pool, BufferPool bounces, boolean announces) {
        this.announces = announces;
        this.driver = driver;
        this.pool = pool;
        this.bounces = bounces;
    }

    void read(Limits limits, long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        if (fits(limits, offset, bytes, qiov, qiovOffset)) {
            receive(limits, offset, bytes, qiov, qiovOffset, flags);
            return;
        }
        int alignment = limits.requestAlignment();
        try (AlignedBuffer bounce = bounces.acquireBounce(bounceSize(alignment, offset, bytes))) {
            for (int done = 0; done < bytes; ) {
                long from = down(offset + done, alignment);
                int skip = (int) (offset + done - from);
                int n = Math.min(bytes - done, PIECE - skip);
                int padded = (int) (up(offset + done + n, alignment) - from);
                receive(limits, from, padded, IoVector.of(bounce, 0, padded), 0, flags);
                qiov.copyFrom(qiovOffset + done, bounce, skip, n);
                done += n;
            }
        }
    }

    void write(Limits limits, long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        try (RangeLocks.Range locked = lock(limits, offset, bytes, flags)) {
            if (fits(limits, offset, bytes, qiov, qiovOffset)) {
                sendAnnounced(limits, offset, bytes, qiov, qiovOffset, flags);
                return;
            }
            int alignment = limits.requestAlignment();
            // One buffer for all pieces: waiting for memory after some were written would be a place to be interrupted.
            try (AlignedBuffer bounce = bounces.acquireBounce(bounceSize(alignment, offset, bytes))) {
                for (int done = 0; done < bytes; ) {
                    int skip = (int) ((offset + done) & (alignment - 1));
                    int n = Math.min(bytes - done, PIECE - skip);
                    writePiece(limits, offset + done, n, qiov, qiovOffset + done, flags, bounce);
                    done += n;
                }
            }
        }
    }

    /** Null where requests need no widening: then there is nothing to protect. */
    private RangeLocks.@Nullable Range lock(Limits limits, long offset, long bytes, int flags) throws BlockException {
        int alignment = limits.requestAlignment();
        if (alignment == 1) {
            return null;
        }
        return writes.acquire(
                down(offset, alignment), up(offset + bytes, alignment), (flags & RequestFlags.NO_WAIT) != 0);
    }

    private void writePiece(
            Limits limits, long offset, int bytes, IoVector qiov, int qiovOffset, int flags, AlignedBuffer bounce)
            throws BlockException {
        int alignment = limits.requestAlignment();
        long from = down(offset, alignment);
        long to = up(offset + bytes, alignment);
        int padded = (int) (to - from);
        int head = (int) (offset - from);
        readEnds(from, to, head, (int) (to - offset - bytes), alignment, bounce);
        qiov.copyTo(qiovOffset, bounce, head, bytes);
        sendAnnounced(limits, from, padded, IoVector.of(bounce, 0, padded), 0, flags);
    }

    /** Reads the blocks from {@code from} to {@code to} of which the first {@code head}, or the last {@code tail}, bytes stay. */
    private void readEnds(long from, long to, int head, int tail, int alignment, AlignedBuffer bounce)
            throws BlockException {
        int padded = (int) (to - from);
        // Ends that touch are read as one.
        boolean together = padded == alignment || (padded == 2 * alignment && head > 0 && tail > 0);
        if (head > 0 || (tail > 0 && together)) {
            announceIf(head > 0, DebugEvent.PWRITEV_RMW_HEAD);
            announceIf(tail > 0 && together, DebugEvent.PWRITEV_RMW_TAIL);
            readBlock(from, together ? padded : alignment, bounce, 0);
            announceIf(head > 0, DebugEvent.PWRITEV_RMW_AFTER_HEAD);
            announceIf(tail > 0 && together, DebugEvent.PWRITEV_RMW_AFTER_TAIL);
        }
        if (tail > 0 && !together) {
            driver.debugEvent(DebugEvent.PWRITEV_RMW_TAIL);
            readBlock(to - alignment, alignment, bounce, padded - alignment);
            driver.debugEvent(DebugEvent.PWRITEV_RMW_AFTER_TAIL);
        }
    }

    private void announceIf(boolean happens, DebugEvent event) throws BlockException {
        if (happens) {
            driver.debugEvent(event);
        }
    }

    private void sendAnnounced(Limits limits, long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
            throws BlockException {
        if (!announces) {
            send(limits, offset, bytes, qiov, qiovOffset, flags);
            return;
        }
        driver.debugEvent(DebugEvent.PWRITEV);
        try {
            send(limits, offset, bytes, qiov, qiovOffset, flags);
        } finally {
            driver.debugEvent(DebugEvent.PWRITEV_DONE);
        }
    }

    private void readBlock(long offset, int bytes, AlignedBuffer bounce, int at) throws BlockException {
        driver.coReadv(offset, bytes, IoVector.of(bounce, at, bytes), 0, 0);
    }

    void writeZeroes(Limits limits, long offset, long bytes, int flags) throws BlockException {
        int alignment = limits.requestAlignment();
        boolean widened = ((offset | bytes) & (alignment - 1)) != 0;
        try (RangeLocks.Range locked = lock(limits, offset, bytes, flags);
                AlignedBuffer block = widened ? bounces.acquireBounce(alignment) : null) {
            int granularity = Math.max(limits.zeroAlignment(), alignment);
            long start = upToMultiple(offset, granularity);
            long end = downToMultiple(offset + bytes, granularity);
            if (start >= end) {
                writeZeroBytes(limits, offset, bytes, flags, block);
                return;
            }
            writeZeroBytes(limits, offset, start - offset, flags, block);
            writeWholeZeroes(limits, start, end, granularity, flags, block);
            writeZeroBytes(limits, end, offset + bytes - end, flags, block);
        }
    }

    /** The part that the driver may do without writing zeros, in pieces of its longest zero write. */
    private void writeWholeZeroes(
            Limits limits, long start, long end, int granularity, int flags, @Nullable AlignedBuffer block)
            throws BlockException {
        long most = atOnce(limits.maxZeroes(), granularity, end - start);
        for (long at = start; at < end; at += most) {
            long n = Math.min(most, end - at);
            driver.debugEvent(DebugEvent.PWRITEV_ZERO);
            if (!tryDriver(limits, at, n, flags)) {
                writeZeroBytes(limits, at, n, flags, block);
            }
        }
    }

    private boolean tryDriver(Limits limits, long offset, long bytes, int flags) throws BlockException {
        int hints = RequestFlags.MAY_UNMAP | RequestFlags.NO_FALLBACK;
        try {
            driver.coWriteZeroes(offset, bytes, flags & (limits.zeroFlags() | hints));
            return true;
        } catch (BlockException e) {
            if (e.errno() != Errno.ENOTSUP || (flags & RequestFlags.NO_FALLBACK) != 0) {
                throw e;
            }
            return false;
        }
    }

    /** Writes zeros out; {@code block} is there if the range covers a block in part. */
    private void writeZeroBytes(Limits limits, long offset, long bytes, int flags, @Nullable AlignedBuffer block)
            throws BlockException {
        if (bytes == 0) {
            return;
        }
        if ((flags & RequestFlags.NO_FALLBACK) != 0) {
            throw new BlockException(Errno.ENOTSUP);
        }
        IoVector zeros = pool.zeros();
        int alignment = limits.requestAlignment();
        int known = flags & limits.writeFlags();
        for (long done = 0; done < bytes; ) {
            long at = offset + done;
            long left = bytes - done;
            int inside = (int) (at & (alignment - 1));
            int n;
            if (block != null && (inside != 0 || left < alignment)) {
                n = (int) Math.min(left, alignment - inside);
                writePiece(limits, at, n, zeros, 0, known, block);
            } else {
                // Pieces end at multiples of their size, so that a later one is not unaligned because the first was.
                n = (int) Math.min(down(left, alignment), zeros.size() - at % zeros.size());
                send(limits, at, n, zeros, 0, known);
            }
            done += n;
        }
    }

    private void receive(Limits limits, long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
            throws BlockException {
        int most = limits.maxTransfer();
        if (most == 0 || bytes <= most) {
            driver.coReadv(offset, bytes, qiov, qiovOffset, flags);
            return;
        }
        for (long done = 0; done < bytes; done += most) {
            int n = (int) Math.min(most, bytes - done);
            driver.coReadv(offset + done, n, qiov, (int) (qiovOffset + done), flags);
        }
    }

    private void send(Limits limits, long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
            throws BlockException {
        int most = limits.maxTransfer();
        if (most == 0 || bytes <= most) {
            driver.coWritev(offset, bytes, qiov, qiovOffset, flags);
            return;
        }
        for (long done = 0; done < bytes; done += most) {
            int n = (int) Math.min(most, bytes - done);
            driver.coWritev(offset + done, n, qiov, (int) (qiovOffset + done), flags);
        }
    }

    private static int bounceSize(int alignment, long offset, int bytes) {
        return (int) Math.min(PIECE, up(offset + bytes, alignment) - down(offset, alignment));
    }

    private static boolean fits(Limits limits, long offset, int bytes, IoVector qiov, int qiovOffset) {
        int alignment = limits.requestAlignment();
        return ((offset | bytes) & (alignment - 1)) == 0
                && (limits.memoryAlignment() == 1 || qiov.isAligned(qiovOffset, bytes, limits.memoryAlignment()));
    }

    /** How much of {@code bytes} to do at once: whole granules, the most that are not over {@code most}, which is 0 for no limit. */
    static long atOnce(long most, int granularity, long bytes) {
        return most == 0 ? bytes : Math.max(granularity, downToMultiple(most, granularity));
    }

    /** Like {@link #down}, for units that need not be powers of two. */
    static long downToMultiple(long value, long unit) {
        return value - value % unit;
    }

    /** Like {@link #up}, for units that need not be powers of two. */
    static long upToMultiple(long value, long unit) {
        return downToMultiple(value > Long.MAX_VALUE - unit ? Long.MAX_VALUE : value + unit - 1, unit);
    }

    static long down(long value, long alignment) {
        return value & -alignment;
    }

    /** Saturates at the last multiple below 2^63, which is less than {@code value} then. */
    static long up(long value, long alignment) {
        return down(value > Long.MAX_VALUE - alignment ? Long.MAX_VALUE : value + alignment - 1, alignment);
    }
}
