// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Timers;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what guests read from the base image: whole blocks are read, the guest gets its part, and the rest happens behind the scenes.
 *
 * <p>What waits to be stored is bounded; a read that would go beyond leaves no copy, nor does one for which there is no memory, or whose
 * copy cannot be stored. Copies are stored one after the other. Thread-safe. spec: fvd.md section 11.
 */
final class CopyOnRead {
    private static final Logger LOG = LoggerFactory.getLogger(CopyOnRead.class);

    /** Bytes that wait at most, whatever the header allows. */
    private static final long MOST = 8L * SoftStore.PIECE;

    private final BackingFile base;
    private final FvdLayout layout;
    private final BufferPool pool;
    private final Timers timers;
    private final SoftStore store;
    private final long limit;
    private final AtomicLong outstanding = new AtomicLong();

    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Copy> queue = new ArrayDeque<>();
    /** Held while a copy is stored. */
    private final ReentrantLock storing = new ReentrantLock();

    private boolean kicked;
    private boolean paused;

    /** Blocks to be stored; without a buffer if they are large. */
    private record Copy(SoftStore.Region region, @Nullable AlignedBuffer buffer) {
        @Nullable
        IoVector content() {
            return buffer == null ? null : IoVector.of(buffer, 0, region.bytes());
        }
    }

    /** {@code limit} as the header says it: bytes. */
    CopyOnRead(BackingFile base, FvdLayout layout, BufferPool pool, Timers timers, SoftStore store, long limit) {
        this.base = base;
        this.layout = layout;
        this.pool = pool;
        this.timers = timers;
        this.store = store;
        boolean tooLittle = limit / 2 < layout.blockSize();
        this.limit = Math.min(tooLittle ? layout.blockSize() : limit, MOST);
    }

    /** Reads bytes, none of which the image has. */
    void read(long pos, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        for (int done = 0; done < bytes; ) {
            long at = pos + done;
            SoftStore.Region blocks = blocks(at, bytes - done);
            int n = (int) Math.min(bytes - done, blocks.end() - at);
            if (!readBlocks(blocks, at, n, qiov, qiovOffset + done)) {
                base.read(at, n, qiov, qiovOffset + done);
            }
            done += n;
        }
    }

    /** The blocks that are touched, as many as are kept in memory at once, but one at least. */
    private SoftStore.Region blocks(long pos, int bytes) {
        long first = layout.block(pos);
        long most = Math.max(1, SoftStore.PIECE / layout.blockSize());
        long last = Math.min(layout.block(pos + bytes - 1), first + most - 1);
        return new SoftStore.Region(layout.blockStart(first), layout.blockEnd(last));
    }

    /** False if the guest's part has to be read in the common way. */
    private boolean readBlocks(SoftStore.Region blocks, long pos, int bytes, IoVector qiov, int qiovOffset)
            throws BlockException {
        if (!admit(blocks)) {
            return false;
        }
        if (blocks.isLarge()) {
            submit(new Copy(blocks, null));
            return false;
        }
        AlignedBuffer buffer = readWhole(blocks);
        if (buffer == null) {
            leave(blocks);
            return false;
        }
        qiov.copyFrom(qiovOffset, buffer, (int) (pos - blocks.start()), bytes);
        submit(new Copy(blocks, buffer));
        return true;
    }

    private boolean admit(SoftStore.Region blocks) {
        long bytes = blocks.end() - blocks.start();
        return outstanding.getAndUpdate(now -> now < limit ? now + bytes : now) < limit;
    }

    private void leave(SoftStore.Region blocks) {
        outstanding.addAndGet(blocks.start() - blocks.end());
    }

    /** Null if there is no memory for it, or a part for which the guest has not asked cannot be read. */
    private @Nullable AlignedBuffer readWhole(SoftStore.Region blocks) throws BlockException {
        AlignedBuffer buffer = pool.tryAcquire(blocks.bytes());
        if (buffer == null) {
            return null;
        }
        try {
            base.read(blocks.start(), blocks.bytes(), IoVector.of(buffer, 0, blocks.bytes()), 0);
            return buffer;
        } catch (BlockException e) {
            buffer.close();
            return null;
        }
    }

    private void submit(Copy copy) {
        lock.lock();
        try {
            queue.add(copy);
            kick();
        } finally {
            lock.unlock();
        }
    }

    private void kick() {
        if (!kicked && !paused && !queue.isEmpty()) {
            kicked = true;
            timers.schedule("loomblock-fvd-copy-on-read", 0, this::work);
        }
    }

    /** Stores what waits; what is being stored when a drain begins is finished there. */
    private void work() {
        storing.lock();
        try {
            lock.lock();
            try {
                kicked = false;
                if (paused) {
                    return;
                }
            } finally {
                lock.unlock();
            }
            storeAll();
        } finally {
            storing.unlock();
        }
    }

    private void storeAll() {
        for (Copy copy = next(); copy != null; copy = next()) {
            try {
                store.store(copy.region, copy.content(), DebugEvent.COR_STORE);
            } catch (BlockException e) {
                LOG.debug("a copy of what was read could not be stored: {}", e.getMessage());
            } finally {
                drop(copy);
            }
        }
    }

    private @Nullable Copy next() {
        lock.lock();
        try {
            return queue.poll();
        } finally {
            lock.unlock();
        }
    }

    private void drop(Copy copy) {
        if (copy.buffer != null) {
            copy.buffer.close();
        }
        leave(copy.region);
    }

    /** Nothing is stored any more when this returns, nor before {@link #resume}; what waits is stored first. */
    void pause() {
        lock.lock();
        try {
            paused = true;
        } finally {
            lock.unlock();
        }
        storing.lock();
        try {
            storeAll();
        } finally {
            storing.unlock();
        }
    }

    /** The same, and what waits is forgotten. */
    void stop() {
        lock.lock();
        try {
            paused = true;
            queue.forEach(this::drop);
            queue.clear();
        } finally {
            lock.unlock();
        }
        pause();
    }

    /** Ends it. */
    void resume() {
        lock.lock();
        try {
            paused = false;
            kick();
        } finally {
            lock.unlock();
        }
    }
}
