// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.SectorWriter;
import io.loomblock.driver.WriteGuard;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The header in memory and in the file.
 *
 * <p>Changes are made to the bytes that are in the file, so that fields nobody knows survive, and only the sectors that differ are
 * written: all flags of a layout that change together lie in one sector. Thread-safe.
 */
final class HeaderStore {
    private final Node file;
    private final WriteGuard guard;
    private final ReentrantLock lock = new ReentrantLock();
    /** Room for the old bytes and the new ones: who updates may hold, or keep others from, memory of a pool. Made when first needed. */
    private @Nullable AlignedBuffer memory;

    private volatile FvdHeader header;

    HeaderStore(Node file, WriteGuard guard, FvdHeader header) {
        this.file = file;
        this.guard = guard;
        this.header = header;
    }

    /**
     * Reads and decodes a header.
     *
     * @throws BlockException EINVAL if the file is too short or no FVD image, ENOTSUP for an unknown version
     */
    static FvdHeader read(Node file, BufferPool pool) throws BlockException {
        try (AlignedBuffer bytes = pool.acquireReserved(HeaderFormat.AREA)) {
            long length = file.length();
            if (length < HeaderFormat.PROBE_BYTES) {
                throw new BlockException(Errno.EINVAL, "Image not in FVD format");
            }
            file.coReadv(0, IoVector.of(bytes));
            HeaderFormat format = HeaderFormat.of(bytes);
            if (length < format.bytes()) {
                throw new BlockException(Errno.EINVAL, "Failed to read FVD header: the file is too short");
            }
            return format.decode(bytes);
        }
    }

    FvdHeader get() {
        return header;
    }

    /**
     * Changes the header in the file and in memory; not flushed.
     *
     * @throws BlockException of {@code setter}, or of a write that failed; the old header stays, in memory and, if that could be, in the file
     */
    void update(HeaderChange.Setter setter) throws BlockException {
        lock.lock();
        try {
            AlignedBuffer bytes = memory();
            HeaderChange change = new HeaderChange(header);
            setter.set(change);
            FvdHeader next = change.header();
            file.coReadv(0, IoVector.of(bytes, 0, HeaderFormat.AREA));
            bytes.copyTo(0, bytes, HeaderFormat.AREA, HeaderFormat.AREA);
            next.encode(bytes);
            writeDifference(bytes);
            header = next;
        } finally {
            lock.unlock();
        }
    }

    private AlignedBuffer memory() throws BlockException {
        AlignedBuffer bytes = memory;
        if (bytes == null) {
            bytes = AlignedBuffer.allocate(2 * HeaderFormat.AREA);
            memory = bytes;
        }
        return bytes;
    }

    /** {@code bytes} holds the new area, and behind it the old one. */
    private void writeDifference(AlignedBuffer bytes) throws BlockException {
        int start = 0;
        int end = HeaderFormat.AREA;
        while (start < end && isSame(bytes, start)) {
            start += FvdHeader.SECTOR;
        }
        while (end > start && isSame(bytes, end - FvdHeader.SECTOR)) {
            end -= FvdHeader.SECTOR;
        }
        if (start == end) {
            return;
        }
        file.debugEvent(DebugEvent.HEADER_UPDATE);
        try {
            SectorWriter.writeOnce(file, start, IoVector.of(bytes, start, end - start));
        } catch (BlockException e) {
            putBack(start, IoVector.of(bytes, HeaderFormat.AREA + start, end - start), e);
            throw e;
        }
    }

    private static boolean isSame(AlignedBuffer bytes, int sector) {
        return bytes.mismatch(sector, bytes, HeaderFormat.AREA + sector, FvdHeader.SECTOR) < 0;
    }

    private void putBack(long start, IoVector content, BlockException failure) {
        try {
            SectorWriter.writeOnce(file, start, content);
        } catch (BlockException e) {
            failure.addSuppressed(e);
            if (!SectorWriter.isIntact(failure)) {
                guard.trip(failure);
            }
        }
    }
}
