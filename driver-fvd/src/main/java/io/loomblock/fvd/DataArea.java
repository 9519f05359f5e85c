// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.IoVector;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The guest's data: as the disk has it, or in chunks that the table places; in the FVD file, or in a file of its own. spec: fvd.md sections
 * 3, 8 and 9.
 *
 * <p>Takes no lock for what is there already, and hands the caller's memory on. What was never stored, or lies past the end of a file,
 * reads as zeros. Thread-safe.
 */
final class DataArea {
    private final Node data;
    private final FvdLayout layout;
    private final @Nullable ChunkTable table;
    private final ReentrantLock extendLock = new ReentrantLock();
    private volatile boolean extended;

    /**
     * The data area.
     *
     * @param data where the bytes are, which is told of each step
     * @param table null where the data area is as the disk
     */
    DataArea(Node data, FvdLayout layout, @Nullable ChunkTable table) {
        this.data = data;
        this.layout = layout;
        this.table = table;
    }

    void read(long pos, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        ChunkTable chunks = table;
        if (chunks == null) {
            readPlaced(layout.dataStart() + pos, bytes, qiov, qiovOffset);
            return;
        }
        for (int done = 0; done < bytes; ) {
            long at = pos + done;
            long chunk = layout.chunk(at);
            int entry = chunks.entry(chunk);
            int n = (int) run(chunks, chunk, at, bytes - done, entry);
            if (entry == ChunkTable.EMPTY) {
                qiov.fill(qiovOffset + done, n, (byte) 0);
            } else {
                readPlaced(place(chunks, chunk, at, entry), n, qiov, qiovOffset + done);
            }
            done += n;
        }
    }

    private void readPlaced(long offset, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        data.debugEvent(DebugEvent.READ_AIO);
        int inside = data.growable() ? bytes : (int) Math.max(0, Math.min(bytes, data.length() - offset));
        if (inside > 0) {
            data.coReadv(offset, inside, qiov, qiovOffset, 0);
        }
        if (inside < bytes) {
            qiov.fill(qiovOffset + inside, bytes - inside, (byte) 0);
        }
    }

    /**
     * Writes where every chunk has storage.
     *
     * @throws BlockException EIO if one has not, else of the file
     */
    void write(long pos, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        ChunkTable chunks = table;
        if (chunks == null) {
            extend();
            data.debugEvent(DebugEvent.WRITE_AIO);
            data.coWritev(layout.dataStart() + pos, bytes, qiov, qiovOffset, 0);
            return;
        }
        for (int done = 0; done < bytes; ) {
            long at = pos + done;
            long chunk = layout.chunk(at);
            int entry = chunks.entry(chunk);
            if (entry == ChunkTable.EMPTY) {
                throw new BlockException(Errno.EIO, "FVD chunk without storage");
            }
            int n = (int) run(chunks, chunk, at, bytes - done, entry);
            long offset = place(chunks, chunk, at, entry);
            data.debugEvent(DebugEvent.WRITE_AIO);
            data.coWritev(offset, n, qiov, qiovOffset + done, 0);
            done += n;
        }
    }

    /** Makes bytes zero; chunks without storage are that already. */
    void writeZeroes(long pos, long bytes, int flags) throws BlockException {
        if (table == null) {
            extend();
        }
        clear(pos, bytes, flags);
    }

    /** The same, all of it within what there is of the file. */
    void clear(long pos, long bytes, int flags) throws BlockException {
        ChunkTable chunks = table;
        if (chunks == null) {
            data.debugEvent(DebugEvent.WRITE_AIO);
            data.coWriteZeroes(layout.dataStart() + pos, bytes, flags);
            return;
        }
        for (long done = 0; done < bytes; ) {
            long at = pos + done;
            long chunk = layout.chunk(at);
            int entry = chunks.entry(chunk);
            long n = run(chunks, chunk, at, bytes - done, entry);
            if (entry != ChunkTable.EMPTY) {
                long offset = place(chunks, chunk, at, entry);
                data.debugEvent(DebugEvent.WRITE_AIO);
                data.coWriteZeroes(offset, n, flags);
            }
            done += n;
        }
    }

    /** The status of the bytes from {@code pos} on, all in the data area: what has no storage is zero here, whatever the base has. */
    BlockStatus status(long pos, long bytes) throws BlockException {
        ChunkTable chunks = table;
        if (chunks == null) {
            return placedStatus(layout.dataStart() + pos, bytes);
        }
        long chunk = layout.chunk(pos);
        int entry = chunks.entry(chunk);
        long n = run(chunks, chunk, pos, bytes, entry);
        return entry == ChunkTable.EMPTY
                ? BlockStatus.of(BlockStatus.ZERO | BlockStatus.ALLOCATED, n)
                : placedStatus(place(chunks, chunk, pos, entry), n);
    }

    /** Holes of the file are zeros, and so is what lies past its end. */
    private BlockStatus placedStatus(long offset, long bytes) throws BlockException {
        long inside = Math.min(bytes, data.length() - offset);
        if (inside <= 0) {
            return BlockStatus.at(BlockStatus.ZERO | BlockStatus.ALLOCATED, bytes, offset);
        }
        BlockStatus below = data.blockStatus(offset, inside);
        int content = below.isZero() ? below.flags() & (BlockStatus.ZERO | BlockStatus.DATA) : BlockStatus.DATA;
        int place = below.flags() & BlockStatus.OFFSET_VALID;
        return below.withFlags(content | place | BlockStatus.ALLOCATED);
    }

    private long place(ChunkTable chunks, long chunk, long pos, int entry) throws BlockException {
        return chunks.place(entry) + (pos - layout.chunkStart(chunk));
    }

    /** Whether a file is known to be zero from {@code from} on, without a look at what it holds. */
    static boolean isZero(Node file, long from) throws BlockException {
        long length = file.length();
        for (long at = from; at < length; ) {
            BlockStatus status = file.blockStatus(at, length - at);
            if (!status.isZero()) {
                return false;
            }
            at += status.length();
        }
        return true;
    }

    /** How many of the {@code max} bytes from {@code pos} on, in this chunk, lie in a row, or have no storage, like the first. */
    private long run(ChunkTable chunks, long chunk, long pos, long max, int entry) throws BlockException {
        long n = layout.chunkEnd(chunk) - pos;
        int first = ChunkTable.clean(entry);
        for (long other = chunk + 1; n < max; other++) {
            int next = ChunkTable.clean(chunks.entry(other));
            boolean goesOn = first == ChunkTable.EMPTY
                    ? next == ChunkTable.EMPTY
                    : next != ChunkTable.EMPTY && next - first == other - chunk;
            if (!goesOn) {
                break;
            }
            n += layout.chunkEnd(other) - layout.chunkStart(other);
        }
        return Math.min(n, max);
    }

    /** Before the first write to a data area that is as the disk: makes its file as long, with a hole. */
    private void extend() throws BlockException {
        if (extended) {
            return;
        }
        extendLock.lock();
        try {
            long wanted = layout.dataStart() + layout.virtualSize();
            if (!extended && data.length() < wanted) {
                data.alone(() -> DataLength.grow(data, wanted));
            }
            extended = true;
        } finally {
            extendLock.unlock();
        }
    }
}
