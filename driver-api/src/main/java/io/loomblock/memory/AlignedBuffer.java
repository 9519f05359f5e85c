// SPDX-License-Identifier: Apache-2.0
package io.loomblock.memory;

import io.loomblock.BlockException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.core.Memory;
import net.openhft.chronicle.core.OS;
import org.jspecify.annotations.Nullable;

/**
 * A piece of off-heap memory that starts on a 4096-byte boundary; integers in it are little-endian.
 *
 * <p>Offsets are bytes from its start. Every access is checked against {@link #capacity()} and throws {@link
 * IndexOutOfBoundsException} outside of it; access after {@link #close()} throws {@link IllegalStateException} where assertions
 * are on. Plain accesses have no ordering between threads; {@link #getLongAcquire} and {@link #putLongRelease} have what their
 * names say.
 */
public final class AlignedBuffer implements AutoCloseable {
    private static final boolean BIG_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN;
    private static final VarHandle RELEASED;

    static {
        try {
            RELEASED = MethodHandles.lookup().findVarHandle(AlignedBuffer.class, "released", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final BytesStore<?, ByteBuffer> store;
    private final ByteBuffer memory;
    private final int base;
    private final int capacity;
    private final long address;
    private final @Nullable BufferPool pool;

    @SuppressWarnings("unused") // through RELEASED
    private volatile boolean released;

    /** {@code base} is where this buffer starts in {@code memory}, which {@code store} wraps. */
    AlignedBuffer(
            BytesStore<?, ByteBuffer> store, ByteBuffer memory, int base, int capacity, @Nullable BufferPool pool) {
        this.store = store;
        this.memory = memory;
        this.base = base;
        this.capacity = capacity;
        this.address = store.addressForRead(0) + base;
        this.pool = pool;
    }

    /**
     * Memory of its own, zeroed, outside every pool; freed when nobody refers to it any more.
     *
     * @param capacity in bytes, 0 to about 2^31
     * @throws BlockException ENOMEM if there is none, ENOSYS if Chronicle Bytes cannot work on this JVM
     */
    public static AlignedBuffer allocate(int capacity) throws BlockException {
        ByteBuffer memory = ChronicleMemory.allocate(Math.max(capacity, 1));
        return new AlignedBuffer(ChronicleMemory.wrap(memory), memory, 0, capacity, null);
    }

    /** Length in bytes. */
    public int capacity() {
        return capacity;
    }

    /**
     * The address of the byte at {@code offset}, for system calls; the caller keeps this buffer reachable while it uses it.
     *
     * @throws IndexOutOfBoundsException if {@code [offset, offset + length)} is not inside
     */
    public long address(int offset, int length) {
        check(offset, length);
        return address + offset;
    }

    /** A ByteBuffer over {@code [offset, offset + length)}, sharing the memory: position 0, little-endian. */
    public ByteBuffer nio(int offset, int length) {
        check(offset, length);
        return memory.slice(base + offset, length).order(ByteOrder.LITTLE_ENDIAN);
    }

    public byte getByte(int offset) {
        check(offset, 1);
        return store.readByte(base + offset);
    }

    public void putByte(int offset, byte value) {
        check(offset, 1);
        store.writeByte(base + offset, value);
    }

    public int getInt(int offset) {
        check(offset, Integer.BYTES);
        try {
            return littleEndian(memory().readInt(address + offset));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    public void putInt(int offset, int value) {
        check(offset, Integer.BYTES);
        try {
            memory().writeInt(address + offset, littleEndian(value));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    public long getLong(int offset) {
        check(offset, Long.BYTES);
        try {
            return littleEndian(memory().readLong(address + offset));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    public void putLong(int offset, long value) {
        check(offset, Long.BYTES);
        try {
            memory().writeLong(address + offset, littleEndian(value));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Reads a long, aligned to 8, before everything that follows in this thread. */
    public long getLongAcquire(int offset) {
        check(offset, Long.BYTES);
        try {
            return littleEndian(memory().readVolatileLong(address + offset));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Writes a long, aligned to 8, after everything that this thread did before. */
    public void putLongRelease(int offset, long value) {
        check(offset, Long.BYTES);
        try {
            memory().writeOrderedLong(address + offset, littleEndian(value));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Copies {@code length} bytes at {@code offset} into {@code target}. */
    public void get(int offset, byte[] target, int targetOffset, int length) {
        check(offset, length);
        Objects.checkFromIndexSize(targetOffset, length, target.length);
        memory.get(base + offset, target, targetOffset, length);
    }

    /** Copies {@code length} bytes of {@code source} to {@code offset}. */
    public void put(int offset, byte[] source, int sourceOffset, int length) {
        check(offset, length);
        Objects.checkFromIndexSize(sourceOffset, length, source.length);
        memory.put(base + offset, source, sourceOffset, length);
    }

    /** Copies {@code length} bytes at {@code offset} to another place, which may overlap. */
    public void copyTo(int offset, AlignedBuffer target, int targetOffset, int length) {
        check(offset, length);
        target.check(targetOffset, length);
        try {
            memory().copyMemory(address + offset, target.address + targetOffset, length);
        } finally {
            Reference.reachabilityFence(this);
            Reference.reachabilityFence(target);
        }
    }

    /** Sets {@code length} bytes from {@code offset} on to {@code value}. */
    public void fill(int offset, int length, byte value) {
        check(offset, length);
        try {
            memory().setMemory(address + offset, length, value);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Whether the {@code length} bytes from {@code offset} on are all zero; true for none. */
    public boolean isZero(int offset, int length) {
        check(offset, length);
        int head = Math.min(length, Long.BYTES);
        for (int i = 0; i < head; i++) {
            if (store.readByte(base + offset + i) != 0) {
                return false;
            }
        }
        // Each byte is what the one eight before it is: the JVM compares in large pieces, also where a loop was not
        // compiled for long.
        int rest = length - head;
        return rest == 0 || memory.slice(base + offset, rest).mismatch(memory.slice(base + offset + head, rest)) < 0;
    }

    /** The first index at which the two ranges of {@code length} bytes differ, or -1. */
    public int mismatch(int offset, AlignedBuffer other, int otherOffset, int length) {
        return nio(offset, length).mismatch(other.nio(otherOffset, length));
    }

    /**
     * Gives a pool's buffer back to it. A buffer outside every pool only becomes unusable.
     *
     * @throws IllegalStateException if it was given back before
     */
    @Override
    public void close() {
        if ((boolean) RELEASED.getAndSet(this, true)) {
            throw new IllegalStateException("buffer released twice");
        }
        if (pool != null) {
            pool.release(this, base, memory);
        }
    }

    private void check(int offset, int length) {
        assert !released : "buffer used after release";
        if ((offset | length) < 0 || offset > capacity - length) {
            throw new IndexOutOfBoundsException("[" + offset + ", +" + length + ") of " + capacity);
        }
    }

    private static int littleEndian(int value) {
        return BIG_ENDIAN ? Integer.reverseBytes(value) : value;
    }

    private static long littleEndian(long value) {
        return BIG_ENDIAN ? Long.reverseBytes(value) : value;
    }

    /** What the store goes through: it would check the place a second time, and tables are looked up for every request. */
    private static Memory memory() {
        return OS.memory();
    }
}
