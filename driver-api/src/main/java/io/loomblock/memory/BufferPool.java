// SPDX-License-Identifier: Apache-2.0
package io.loomblock.memory;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import net.openhft.chronicle.bytes.BytesStore;
import org.jspecify.annotations.Nullable;

/**
 * A bounded pool of aligned buffers: slabs of 2 MiB, split and merged by the buddy rule, handed out first come, first served.
 *
 * <p>A request takes all it needs in one acquisition of at most {@link #MAX_BUFFER} bytes and waits while the pool is empty. Who holds
 * a buffer may wait for another one in one direction only, so that waiting always ends: guest data ({@link #acquire}) for metadata
 * ({@link #acquireReserved}), this for a bounce to the alignment of a disk ({@link #acquireBounce}), whose holder waits for the disk alone.
 * Each has memory that the ones before it cannot take, if the reserve is 4 MiB or more. Copies that wait for other images belong into a
 * pool of their image's own. Memory that was once taken from the system is kept for reuse. Safe for any number of threads.
 */
public final class BufferPool {
    /** The largest buffer, and the size of a slab: 2 MiB. */
    public static final int MAX_BUFFER = 2 << 20;

    private static final int ZEROS = 1 << 20;
    private static final int MIN_SHIFT = 12;
    private static final int MAX_SHIFT = 21;
    private static final int LEVELS = MAX_SHIFT - MIN_SHIFT + 1;

    private final int maxSlabs;
    private final int reservedSlabs;
    private final ReentrantLock lock = new ReentrantLock();
    private final List<Slab> slabs = new ArrayList<>();
    private final Map<ByteBuffer, Slab> byMemory = new IdentityHashMap<>();
    private final Deque<Waiter> waiters = new ArrayDeque<>();
    private long outstanding;
    private volatile @Nullable IoVector zeros;

    /**
     * A pool of at most {@code maxBytes}, of which {@code reservedBytes} are kept for metadata; both are rounded up to 2 MiB.
     *
     * @throws IllegalArgumentException if nothing is left for guest data
     */
    public BufferPool(long maxBytes, long reservedBytes) {
        this.maxSlabs = Math.toIntExact((maxBytes + MAX_BUFFER - 1) / MAX_BUFFER);
        this.reservedSlabs = Math.toIntExact((reservedBytes + MAX_BUFFER - 1) / MAX_BUFFER);
        if (reservedSlabs < 0 || maxSlabs <= reservedSlabs) {
            throw new IllegalArgumentException("pool of " + maxBytes + " bytes with a reserve of " + reservedBytes);
        }
    }

    /** The pool that images share unless their opener gives them another: 64 MiB, 8 MiB of it for metadata. */
    public static BufferPool shared() {
        return Shared.POOL;
    }

    /**
     * A buffer of at least {@code size} bytes (its capacity is exactly {@code size}) with undefined content; waits in FIFO order
     * while there is none.
     *
     * @param size in bytes, 1 to {@link #MAX_BUFFER}
     * @throws BlockException EINTR if interrupted while waiting (the flag stays set), ENOMEM, ENOSYS without Chronicle
     */
    public AlignedBuffer acquire(int size) throws BlockException {
        return acquire(size, reservedSlabs, true);
    }

    /**
     * Like {@link #acquire}, for work that may as well be left: does not wait.
     *
     * @return null if there is none now
     * @throws BlockException ENOMEM, ENOSYS without Chronicle
     */
    public @Nullable AlignedBuffer tryAcquire(int size) throws BlockException {
        checkSize(size);
        lock.lock();
        try {
            return isNext(reservedSlabs) ? tryTake(size, level(size), reservedSlabs) : null;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Like {@link #acquire}, for metadata and timers, which do not wait for guest data: the reserve is open to them too, if there is one.
     * Interrupts do not end the wait, because something may have been published before.
     *
     * @throws BlockException ENOMEM, ENOSYS without Chronicle
     */
    public AlignedBuffer acquireReserved(int size) throws BlockException {
        return acquire(size, Math.clamp(reservedSlabs - 1L, 0, 1), false);
    }

    /** Like {@link #acquireReserved}, for one who waits for nothing but the disk while he holds the buffer: all of the reserve is open. */
    public AlignedBuffer acquireBounce(int size) throws BlockException {
        return acquire(size, 0, false);
    }

    /** A megabyte of zeros to write from; nobody may write into it. */
    public IoVector zeros() throws BlockException {
        IoVector shared = zeros;
        if (shared == null) {
            // Two threads may both make one; either serves.
            shared = IoVector.of(AlignedBuffer.allocate(ZEROS));
            zeros = shared;
        }
        return shared;
    }

    /** Buffers that were handed out and not yet given back. */
    public long outstanding() {
        lock.lock();
        try {
            return outstanding;
        } finally {
            lock.unlock();
        }
    }

    /** Takes from the slabs from {@code firstSlab} on: the lower that is, the more may be taken. */
    private AlignedBuffer acquire(int size, int firstSlab, boolean interruptible) throws BlockException {
        checkSize(size);
        int level = level(size);
        Waiter waiter;
        lock.lock();
        try {
            if (isNext(firstSlab)) {
                AlignedBuffer buffer = tryTake(size, level, firstSlab);
                if (buffer != null) {
                    return buffer;
                }
            }
            waiter = new Waiter(Thread.currentThread(), size, level, firstSlab, interruptible);
            waiters.add(waiter);
        } finally {
            lock.unlock();
        }
        return await(waiter);
    }

    private static void checkSize(int size) {
        if (size < 1 || size > MAX_BUFFER) {
            throw new IllegalArgumentException("buffer of " + size + " bytes from a pool");
        }
    }

    /** Whether nobody waits for the same memory or more of it; those who may take more overtake the others. */
    private boolean isNext(int firstSlab) {
        for (Waiter waiter : waiters) {
            if (waiter.firstSlab <= firstSlab) {
                return false;
            }
        }
        return true;
    }

    private AlignedBuffer await(Waiter waiter) throws BlockException {
        boolean interruptedBefore = Thread.interrupted();
        try {
            while (true) {
                AlignedBuffer granted = waiter.granted;
                if (granted != null) {
                    return granted;
                }
                LockSupport.park(this);
                if (Thread.interrupted()) {
                    interruptedBefore = true;
                    if (waiter.interruptible && withdraw(waiter)) {
                        throw new BlockException(Errno.EINTR);
                    }
                }
            }
        } finally {
            if (interruptedBefore) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Takes the waiter out of the line; false if it has been granted meanwhile. */
    private boolean withdraw(Waiter waiter) throws BlockException {
        lock.lock();
        try {
            boolean waiting = waiters.remove(waiter);
            if (waiting) {
                grantWaiters();
            }
            return waiting;
        } finally {
            lock.unlock();
        }
    }

    void release(AlignedBuffer buffer, int base, ByteBuffer memory) {
        lock.lock();
        try {
            Slab slab = byMemory.get(memory);
            if (slab == null) {
                throw new IllegalStateException("buffer of another pool");
            }
            slab.free(base, level(buffer.capacity()));
            outstanding--;
            grantWaiters();
        } catch (BlockException e) {
            // No fresh slab could be had; the waiters go on waiting for a release.
            assert e.errno() == Errno.ENOMEM || e.errno() == Errno.ENOSYS;
        } finally {
            lock.unlock();
        }
    }

    private void grantWaiters() throws BlockException {
        // Nobody overtakes one who waits for the same memory, or for more of it.
        int blockedFrom = Integer.MAX_VALUE;
        for (var it = waiters.iterator(); it.hasNext(); ) {
            Waiter waiter = it.next();
            if (waiter.firstSlab >= blockedFrom) {
                continue;
            }
            AlignedBuffer buffer = tryTake(waiter.size, waiter.level, waiter.firstSlab);
            if (buffer == null) {
                blockedFrom = waiter.firstSlab;
                continue;
            }
            it.remove();
            waiter.granted = buffer;
            LockSupport.unpark(waiter.thread);
        }
    }

    private @Nullable AlignedBuffer tryTake(int size, int level, int firstSlab) throws BlockException {
        for (int i = firstSlab; i < slabs.size(); i++) {
            AlignedBuffer buffer = takeFrom(slabs.get(i), size, level);
            if (buffer != null) {
                return buffer;
            }
        }
        while (slabs.size() < maxSlabs) {
            Slab slab = new Slab();
            slabs.add(slab);
            byMemory.put(slab.memory, slab);
            if (slabs.size() > firstSlab) {
                return takeFrom(slab, size, level);
            }
        }
        return null;
    }

    private @Nullable AlignedBuffer takeFrom(Slab slab, int size, int level) {
        int base = slab.take(level);
        if (base < 0) {
            return null;
        }
        outstanding++;
        return new AlignedBuffer(slab.store, slab.memory, base, size, this);
    }

    /** Level 0 is 4 KiB, each further one twice as large. */
    private static int level(int size) {
        return size <= 1 << MIN_SHIFT ? 0 : 32 - Integer.numberOfLeadingZeros(size - 1) - MIN_SHIFT;
    }

    private static final class Shared {
        static final BufferPool POOL = new BufferPool(64L << 20, 8L << 20);
    }

    private static final class Waiter {
        final Thread thread;
        final int size;
        final int level;
        final int firstSlab;
        final boolean interruptible;
        volatile @Nullable AlignedBuffer granted;

        Waiter(Thread thread, int size, int level, int firstSlab, boolean interruptible) {
            this.thread = thread;
            this.size = size;
            this.level = level;
            this.firstSlab = firstSlab;
            this.interruptible = interruptible;
        }
    }

    /** 2 MiB of memory with its free blocks by level, a bit for each block. */
    private static final class Slab {
        final ByteBuffer memory;
        final BytesStore<?, ByteBuffer> store;
        private final long[][] free = new long[LEVELS][];

        Slab() throws BlockException {
            memory = ChronicleMemory.allocate(MAX_BUFFER);
            store = ChronicleMemory.wrap(memory);
            for (int level = 0; level < LEVELS; level++) {
                free[level] = new long[Math.max(1, (1 << (LEVELS - 1 - level)) / Long.SIZE)];
            }
            set(LEVELS - 1, 0);
        }

        /** Where the block taken starts, or -1. */
        int take(int level) {
            for (int from = level; from < LEVELS; from++) {
                int block = firstFree(from);
                if (block >= 0) {
                    clear(from, block);
                    for (int l = from - 1; l >= level; l--) {
                        block <<= 1;
                        set(l, block + 1);
                    }
                    return block << (level + MIN_SHIFT);
                }
            }
            return -1;
        }

        void free(int base, int level) {
            int block = base >>> (level + MIN_SHIFT);
            while (level < LEVELS - 1 && isFree(level, block ^ 1)) {
                clear(level, block ^ 1);
                block >>= 1;
                level++;
            }
            set(level, block);
        }

        private int firstFree(int level) {
            long[] bits = free[level];
            for (int i = 0; i < bits.length; i++) {
                if (bits[i] != 0) {
                    return i * Long.SIZE + Long.numberOfTrailingZeros(bits[i]);
                }
            }
            return -1;
        }

        private boolean isFree(int level, int block) {
            return (free[level][block / Long.SIZE] >>> block & 1) != 0;
        }

        private void set(int level, int block) {
            free[level][block / Long.SIZE] |= 1L << block;
        }

        private void clear(int level, int block) {
            free[level][block / Long.SIZE] &= ~(1L << block);
        }
    }
}
