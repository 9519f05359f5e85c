// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

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
import java.util.function.UnaryOperator;

/**
 * The header of an open image, in memory and in the file, and its need-check bit.
 *
 * <p>The file's first sector is always read, changed and written back as a whole, so that what else stands in it survives (E25).
 * Memory changes after the file has. Where the write fails the old sector is put back; where that fails too the guard trips.
 */
final class HeaderStore {
    private static final byte[] NO_NAME = new byte[0];

    private final Node file;
    private final BufferPool pool;
    private final WriteGuard guard;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile QedHeader header;

    HeaderStore(Node file, BufferPool pool, WriteGuard guard, QedHeader header) {
        this.file = file;
        this.pool = pool;
        this.guard = guard;
        this.header = header;
    }

    /**
     * Reads the header of a file.
     *
     * @throws BlockException EINVAL if it is too short or no QED image, else of the read
     */
    static QedHeader read(Node file, BufferPool pool) throws BlockException {
        if (file.length() < QedHeader.BYTES) {
            throw new BlockException(Errno.EINVAL, "Failed to read QED header: the file is too short");
        }
        try (AlignedBuffer buffer = pool.acquireReserved(QedHeader.BYTES)) {
            file.coReadv(0, IoVector.of(buffer));
            return QedHeader.decode(buffer);
        }
    }

    QedHeader get() {
        return header;
    }

    boolean needsCheck() {
        return header.has(QedHeader.NEED_CHECK);
    }

    /** Sets the need-check bit, durable when this returns; nothing to do if it is set. */
    void setNeedCheck() throws BlockException {
        lock.lock();
        try {
            if (!needsCheck()) {
                QedHeader before = header;
                write(before.withFeature(QedHeader.NEED_CHECK, true), NO_NAME);
                flushOrTakeBack(before);
            }
        } finally {
            lock.unlock();
        }
    }

    /** What is not known to be durable is set again before anything relies on it. */
    private void flushOrTakeBack(QedHeader before) throws BlockException {
        try {
            file.flush();
        } catch (BlockException e) {
            header = before;
            throw e;
        }
    }

    /** Clears the need-check bit; what it warned of must be durable. */
    void clearNeedCheck() throws BlockException {
        update(current -> current.withFeature(QedHeader.NEED_CHECK, false));
    }

    /** Writes another header, made from the current one; nothing to do if {@code change} gives that back. */
    @SuppressWarnings("ReferenceEquality") // that of a record is put together when it is first called, for milliseconds
    void update(UnaryOperator<QedHeader> change) throws BlockException {
        lock.lock();
        try {
            QedHeader next = change.apply(header);
            if (next != header) {
                write(next, NO_NAME);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Writes a header that says where the backing name stands, and the name, durable when this returns; a crash leaves the old or the new
     * one. A name that does not fit into the first sector goes next to the old one if there is room, and first.
     */
    void updateBacking(QedHeader next, byte[] name) throws BlockException {
        lock.lock();
        try {
            if (next.backingFilenameOffset() + name.length <= QedLayout.SECTOR) {
                write(next, name);
            } else {
                writeName(next.backingFilenameOffset(), name);
                write(next, NO_NAME);
            }
            file.flush();
        } finally {
            lock.unlock();
        }
    }

    private void writeName(long offset, byte[] name) throws BlockException {
        try (AlignedBuffer buffer = pool.acquireReserved(name.length)) {
            buffer.put(0, name, 0, name.length);
            file.debugEvent(DebugEvent.BACKING_UPDATE);
            SectorWriter.write(file, offset, IoVector.of(buffer));
            file.flush();
        }
    }

    private void write(QedHeader next, byte[] nameInSector) throws BlockException {
        try (AlignedBuffer buffer = pool.acquireReserved(2 * QedLayout.SECTOR)) {
            IoVector oldSector = IoVector.of(buffer, QedLayout.SECTOR, QedLayout.SECTOR);
            IoVector newSector = IoVector.of(buffer, 0, QedLayout.SECTOR);
            file.coReadv(0, oldSector);
            buffer.copyTo(QedLayout.SECTOR, buffer, 0, QedLayout.SECTOR);
            next.encode(buffer);
            buffer.put(
                    (int) Math.min(next.backingFilenameOffset(), QedLayout.SECTOR),
                    nameInSector,
                    0,
                    nameInSector.length);
            file.debugEvent(DebugEvent.HEADER_UPDATE);
            try {
                SectorWriter.writeOnce(file, 0, newSector);
            } catch (BlockException e) {
                putBack(oldSector, e);
                throw e;
            }
            header = next;
        }
    }

    private void putBack(IoVector oldSector, BlockException failure) {
        try {
            SectorWriter.writeOnce(file, 0, oldSector);
        } catch (BlockException e) {
            failure.addSuppressed(e);
            if (!SectorWriter.isIntact(failure)) {
                guard.trip(failure);
            }
        }
    }
}
