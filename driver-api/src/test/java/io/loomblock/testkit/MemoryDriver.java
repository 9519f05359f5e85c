// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.BlockStatus;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.memory.IoVector;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A protocol whose file is in memory and may be looked at, copied and replaced by the test. Each request is atomic. */
public final class MemoryDriver implements BlockDriver {
    private final ReentrantLock lock = new ReentrantLock();
    private final Object identity = new Object();
    private SparseBytes bytes;
    private volatile boolean tellsHoles;

    /** A driver on these bytes, which belong to it from now on. */
    public MemoryDriver(SparseBytes bytes) {
        this.bytes = bytes;
    }

    /** A driver on an empty file. */
    public MemoryDriver() {
        this(new SparseBytes());
    }

    /** From now on its status says where nothing was ever written; else that all is data. */
    public void tellHoles() {
        tellsHoles = true;
    }

    /** What the file holds now, as a copy. */
    public SparseBytes snapshot() {
        lock.lock();
        try {
            return bytes.copy();
        } finally {
            lock.unlock();
        }
    }

    /** Puts other content in the place of all there is, as if another process had written the file. */
    public void replace(SparseBytes content) {
        lock.lock();
        try {
            bytes = content;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String formatName() {
        return "test-memory";
    }

    @Override
    public boolean growable() {
        return true;
    }

    @Override
    public @Nullable Object identity() {
        return identity;
    }

    @Override
    public boolean hasZeroInit() {
        return true;
    }

    @Override
    public long length() {
        lock.lock();
        try {
            return bytes.length();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void coReadv(long offset, int count, IoVector qiov, int qiovOffset, int flags) {
        byte[] data = new byte[count];
        lock.lock();
        try {
            bytes.read(offset, data, 0, count);
        } finally {
            lock.unlock();
        }
        qiov.copyFrom(qiovOffset, ByteBuffer.wrap(data));
    }

    @Override
    public void coWritev(long offset, int count, IoVector qiov, int qiovOffset, int flags) {
        byte[] data = bytesOf(qiov, qiovOffset, count);
        lock.lock();
        try {
            bytes.write(offset, data, 0, count);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void coWriteZeroes(long offset, long count, int flags) {
        lock.lock();
        try {
            bytes.zero(offset, count);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public BlockStatus blockStatus(long offset, long count) {
        if (!tellsHoles) {
            return BlockStatus.at(BlockStatus.DATA | BlockStatus.ALLOCATED, count, offset);
        }
        lock.lock();
        try {
            int content = bytes.isHole(offset) ? BlockStatus.ZERO : BlockStatus.DATA;
            return BlockStatus.at(content | BlockStatus.ALLOCATED, bytes.run(offset, count), offset);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long allocatedFileSize() {
        lock.lock();
        try {
            return bytes.allocated();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) {
        lock.lock();
        try {
            bytes.truncate(length);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {}

    /** The bytes of a part of a vector. */
    static byte[] bytesOf(IoVector qiov, int qiovOffset, int count) {
        byte[] data = new byte[count];
        qiov.copyTo(qiovOffset, ByteBuffer.wrap(data));
        return data;
    }
}
