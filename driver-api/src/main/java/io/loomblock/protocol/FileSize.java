// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.PreallocationMode;
import io.loomblock.memory.IoVector;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.StampedLock;

/**
 * The length of an open file, known without asking the system for it, and the only place that changes it.
 *
 * <p>Writes past the end go on side by side; setting the length excludes them, so that it never cuts off what another thread has just
 * written. What other processes do to the file is seen by {@link #refresh} only, as in QEMU. Thread-safe.
 */
final class FileSize {
    private final AtomicLong known = new AtomicLong();
    /** Shared by writes that make the file longer, exclusive for setting the length. */
    private final StampedLock changing = new StampedLock();

    long get() {
        return known.get();
    }

    /** Asks the system. */
    void refresh(FileIo io) throws BlockException {
        long stamp = changing.writeLock();
        try {
            known.set(io.length());
        } finally {
            changing.unlockWrite(stamp);
        }
    }

    /** Writes, past the end too. */
    void write(FileIo io, long offset, int bytes, IoVector source, int sourceOffset) throws BlockException {
        long end = offset + bytes;
        if (end <= known.get()) {
            io.writev(offset, bytes, source, sourceOffset);
            return;
        }
        long stamp = changing.readLock();
        try {
            io.writev(offset, bytes, source, sourceOffset);
            known.accumulateAndGet(end, Math::max);
        } catch (BlockException e) {
            // A part may have been written.
            adopt(io, e);
            throw e;
        } finally {
            changing.unlockRead(stamp);
        }
    }

    private void adopt(FileIo io, BlockException failure) {
        try {
            known.accumulateAndGet(io.length(), Math::max);
        } catch (BlockException e) {
            failure.addSuppressed(e);
        }
    }

    /** Makes the file at least {@code length} bytes long; what is gained reads as zeros. */
    void growTo(FileIo io, long length) throws BlockException {
        long stamp = changing.writeLock();
        try {
            long actual = io.length();
            if (actual < length) {
                // On the caller's thread, as long as that is quick: who cuts a file off waits for pages to go.
                io.extend(length);
                actual = length;
            }
            known.set(actual);
        } finally {
            changing.unlockWrite(stamp);
        }
    }

    /** Sets the length, and takes space for what is gained as {@code mode} says. */
    void set(FileIo io, long length, PreallocationMode mode, IoVector zeros) throws BlockException {
        long stamp = changing.writeLock();
        try {
            new Preallocation(io, zeros).resize(io.length(), length, mode);
        } finally {
            try {
                known.set(io.length());
            } finally {
                changing.unlockWrite(stamp);
            }
        }
    }
}
