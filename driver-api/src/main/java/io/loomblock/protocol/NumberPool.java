// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;

/** The numbers of a table's places, each of which one thread has at a time. Thread-safe. */
final class NumberPool {
    /** No number. */
    static final int NONE = -1;

    private static final long NUMBER_MASK = 0xffff_ffffL;
    private static final int TURN_SHIFT = 32;

    private final int size;
    /** How many are free; whoever has a permit finds a number. */
    private final Semaphore free;
    /** The number below each in the stack of those that are free; NONE at the bottom. */
    private final AtomicIntegerArray below;
    /** The number on top and, above it, how often that changed: so that a top that came back is not taken for one that stayed. */
    private final AtomicLong top;

    private volatile boolean closed;

    /** All numbers from 0 to {@code size - 1}. */
    NumberPool(int size) {
        this.size = size;
        // Who has waited longest is next, so that nobody waits for ever.
        this.free = new Semaphore(size, true);
        this.below = new AtomicIntegerArray(size);
        for (int number = 0; number < size; number++) {
            below.set(number, number == size - 1 ? NONE : number + 1);
        }
        this.top = new AtomicLong(0);
    }

    /** A number that nobody else has, which is waited for, whatever interrupts; {@link #NONE} once this is closed. */
    int take() {
        free.acquireUninterruptibly();
        if (closed) {
            free.release();
            return NONE;
        }
        return pop();
    }

    private int pop() {
        while (true) {
            long seen = top.get();
            int number = (int) seen;
            if (top.compareAndSet(seen, next(seen, below.get(number)))) {
                return number;
            }
        }
    }

    /** Gives one back. */
    void give(int number) {
        while (true) {
            long seen = top.get();
            below.set(number, (int) seen);
            if (top.compareAndSet(seen, next(seen, number))) {
                break;
            }
        }
        free.release();
    }

    private static long next(long seen, int number) {
        return ((seen >>> TURN_SHIFT) + 1) << TURN_SHIFT | number & NUMBER_MASK;
    }

    /** Hands out no more, and returns when all have been given back. */
    void close() {
        closed = true;
        free.acquireUninterruptibly(size);
        // Those who wait for a number are to learn that there is none.
        free.release(size);
    }
}
