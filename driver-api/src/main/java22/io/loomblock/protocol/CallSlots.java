// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Memory in which system calls leave their errno and short answers, and are told where a caller's memory is: each call has a piece of its own, and none
 * is allocated as a rule. Thread-safe.
 */
final class CallSlots {
    /** On Linux an errno and nothing else. */
    private static final int CALL_STATE_BYTES =
            (int) Linker.Option.captureStateLayout().byteSize();

    private static final int IOVEC_BYTES = 2 * Long.BYTES;
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
    record Slot(Struct errno, Struct iovec, Struct statx) {
        private static Slot allocate() {
            Arena arena = Arena.ofAuto();
            return new Slot(
                    Struct.allocate(arena, CALL_STATE_BYTES),
                    Struct.allocate(arena, IOVEC_BYTES),
                    Struct.allocate(arena, Statx.BYTES));
        }

        /** What the call left. */
        int errnoValue() {
            return errno.getInt(0);
        }

        /** What statx has told. */
        long size() {
            return statx.getLong(Statx.SIZE_OFFSET);
        }

        void setIovec(long address, long length) {
            iovec.setLong(0, address);
            iovec.setLong(Long.BYTES, length);
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
