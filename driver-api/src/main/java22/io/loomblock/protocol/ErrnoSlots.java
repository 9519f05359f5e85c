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

/** Memory in which system calls leave their errno: each call has a piece of its own, and none is allocated as a rule. Thread-safe. */
final class ErrnoSlots {
    private static final StructLayout LAYOUT = Linker.Option.captureStateLayout();
    private static final long OFFSET = LAYOUT.byteOffset(PathElement.groupElement("errno"));
    private static final int SLOTS = 64;
    /** References between two slots: a cache line and its neighbour. */
    private static final int SPACING = 32;

    private final AtomicReferenceArray<@Nullable MemorySegment> free = new AtomicReferenceArray<>(SLOTS * SPACING);

    /** A piece that nobody else has. */
    MemorySegment take() {
        MemorySegment slot = free.getAndSet(slot(), null);
        return slot != null ? slot : Arena.ofAuto().allocate(LAYOUT);
    }

    /** Gives it back. */
    void give(MemorySegment segment) {
        free.setRelease(slot(), segment);
    }

    /** What the call left. */
    static int errno(MemorySegment segment) {
        return segment.get(ValueLayout.JAVA_INT, OFFSET);
    }

    private static int slot() {
        return (int) (Thread.currentThread().threadId() & (SLOTS - 1)) * SPACING;
    }
}
