// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Memory that system calls read and leave answers in: what C has as a struct, by offsets in bytes; zeros at first.
 *
 * <p>Read and written as a ByteBuffer: a segment's own accessors are variable handles, to be put together at each start of a tool.
 *
 * @param segment where it is
 * @param bytes the same memory, in this machine's byte order
 */
record Struct(MemorySegment segment, ByteBuffer bytes) {
    /** One of so many bytes, aligned for any member. */
    static Struct allocate(Arena arena, int size) {
        MemorySegment segment = arena.allocate(size, Long.BYTES);
        return new Struct(segment, segment.asByteBuffer().order(ByteOrder.nativeOrder()));
    }

    long address() {
        return segment.address();
    }

    short getShort(int at) {
        return bytes.getShort(at);
    }

    int getInt(int at) {
        return bytes.getInt(at);
    }

    long getLong(int at) {
        return bytes.getLong(at);
    }

    void setShort(int at, short value) {
        bytes.putShort(at, value);
    }

    void setInt(int at, int value) {
        bytes.putInt(at, value);
    }

    void setLong(int at, long value) {
        bytes.putLong(at, value);
    }
}
