// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.driver.Waiting;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The threads of a benchmark, which go from part to part together: whoever is the last to be through with one begins the next.
 *
 * <p>Those who wait for the next part are called one by one, while requests are left, and none before the one called last has come: where
 * requests do not wait for a disk, few threads make them all, and as many as there may be in flight where they do. Thread-safe.
 */
final class BenchCrew {
    private final BooleanSupplier beginNextPart;
    private final ReentrantLock lock = new ReentrantLock();
    /** The one that came last is called first: what it needs is still near a processor. */
    private final Deque<Seat> waiting = new ArrayDeque<>();
    /** Threads that take part, or were called to. */
    private int working;

    private volatile int idle;
    private volatile boolean calling;
    private volatile boolean over;

    /** Where a thread waits. */
    private static final class Seat {
        final Thread thread = Thread.currentThread();
        volatile boolean called;
    }

    /**
     * Of so many threads, all of which are to take part in the first part.
     *
     * @param beginNextPart called by one thread when no other takes part; returns false if there is no next part
     */
    BenchCrew(int threads, BooleanSupplier beginNextPart) {
        this.working = threads;
        this.beginNextPart = beginNextPart;
    }

    /** Calls one of those who wait, unless one is on its way: by a thread that leaves requests to others. */
    void callAnother() {
        if (idle == 0 || calling) {
            return;
        }
        lock.lock();
        try {
            Seat seat = calling ? null : waiting.poll();
            if (seat != null) {
                idle = waiting.size();
                calling = true;
                working++;
                call(seat);
            }
        } finally {
            lock.unlock();
        }
    }

    private static void call(Seat seat) {
        seat.called = true;
        LockSupport.unpark(seat.thread);
    }

    /** The calling thread is through with its part: waits for another, interrupted or not. False if there is none. */
    boolean awaitNextPart() {
        Seat seat = sitDown();
        if (seat != null) {
            Waiting.until(() -> seat.called);
            calling = false;
        } else if (!beginNextPart.getAsBoolean()) {
            end();
        }
        return !over;
    }

    /** Null for the last one, who goes on. */
    private @Nullable Seat sitDown() {
        lock.lock();
        try {
            if (working == 1) {
                return null;
            }
            working--;
            Seat seat = new Seat();
            waiting.push(seat);
            idle = waiting.size();
            return seat;
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        lock.lock();
        try {
            over = true;
            waiting.forEach(BenchCrew::call);
        } finally {
            lock.unlock();
        }
    }
}
