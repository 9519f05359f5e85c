// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Memory in which system calls leave their errno and short answers, and are told where a caller's memory is: each call has a piece of its own, and none
 * is allocated as a rule. Thread-safe.
 */
final class CallSlots {
    private static final StructLayout ERRNO = Linker.Option.captureStateLayout();
    private static final long ERRNO_OFFSET = ERRNO.byteOffset(PathElement.groupElement("errno"));
    private static final int SLOTS = 64;
    /** References between two slots: a cache line and its neighbour. */
    private static final int SPACING = 32;

    /**
     * One call's memory.
     *
     * @param errno where the call leaves its errno
     * @param iovec {@code struct iovec}: iov_base, iov_len
     * @param statx {@code struct statx}, for what is asked often
     */
    record Slot(MemorySegment errno, MemorySegment iovec, MemorySegment statx) {
        private static Slot allocate() {
            Arena arena = Arena.ofAuto();
            return new Slot(
                    arena.allocate(ERRNO),
                    arena.allocate(2 * Long.BYTES, Long.BYTES),
                    arena.allocate(Statx.BYTES, Long.BYTES));
        }

        /** What the call left. */
        int errnoValue() {
            return errno.get(ValueLayout.JAVA_INT, ERRNO_OFFSET);
        }

        /** What statx has told. */
        long size() {
            return statx.get(ValueLayout.JAVA_LONG, Statx.SIZE_OFFSET);
        }

        void setIovec(long address, long length) {
            iovec.set(ValueLayout.JAVA_LONG, 0, address);
            iovec.set(ValueLayout.JAVA_LONG, Long.BYTES, length);
        }
    }

    private final AtomicReferenceArray<@Nullable Slot> free = new AtomicReferenceArray<>(SLOTS * SPACING);

    /** A piece that nobody else has. */
    Slot take() {
        Slot slot = free.getAndSet(index(), null);
        return slot != null ? slot : Slot.allocate();
    }

    /** Gives it back. */
    void give(Slot slot) {
        free.setRelease(index(), slot);
    }

    private static int index() {
        return (int) (Thread.currentThread().threadId() & (SLOTS - 1)) * SPACING;
    }
}
