// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.driver.Timers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A clock that stands still until the test moves it. Thread-safe. */
public final class FakeTimers implements Timers {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final ReentrantLock lock = new ReentrantLock();
    private final List<Pending> pending = new ArrayList<>();
    private long now = 1_000_000_000L;
    private long scheduled;

    @Override
    public long nanoTime() {
        lock.lock();
        try {
            return now;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Timer schedule(String name, long delayNanos, Runnable task) {
        lock.lock();
        try {
            Pending timer = new Pending(name, now + Math.max(0, delayNanos), scheduled++, task);
            pending.add(timer);
            return timer;
        } finally {
            lock.unlock();
        }
    }

    /** How many timers have neither run nor been cancelled. */
    public int pending() {
        lock.lock();
        try {
            return pending.size();
        } finally {
            lock.unlock();
        }
    }

    /** How many timers were ever started. */
    public long scheduled() {
        lock.lock();
        try {
            return scheduled;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Moves the clock, running what falls due in order of time, each task to its end on a virtual thread of its own.
     *
     * @throws AssertionError if a task throws or does not end
     */
    public void advance(Duration by) {
        long end = nanoTime() + by.toNanos();
        for (Pending due = nextUntil(end); due != null; due = nextUntil(end)) {
            run(due);
        }
        lock.lock();
        try {
            now = Math.max(now, end);
        } finally {
            lock.unlock();
        }
    }

    /** Moves the clock to where the next timer falls due, and runs all that is due by then. */
    public void advanceToNext() {
        lock.lock();
        long next;
        try {
            next = pending.stream().mapToLong(p -> p.deadline).min().orElse(now);
        } finally {
            lock.unlock();
        }
        advance(Duration.ofNanos(next - nanoTime()));
    }

    private @Nullable Pending nextUntil(long end) {
        lock.lock();
        try {
            Pending next = pending.stream()
                    .filter(p -> p.deadline <= end)
                    .min(Comparator.comparingLong((Pending p) -> p.deadline).thenComparingLong(p -> p.number))
                    .orElse(null);
            if (next != null) {
                pending.remove(next);
                now = Math.max(now, next.deadline);
            }
            return next;
        } finally {
            lock.unlock();
        }
    }

    private static void run(Pending due) {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread thread = Thread.ofVirtual()
                .name(due.name)
                .uncaughtExceptionHandler((t, e) -> failure.set(e))
                .start(due.task);
        try {
            if (!thread.join(PATIENCE)) {
                throw new AssertionError("timer " + due.name + " does not end");
            }
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while a timer runs", e);
        }
        if (failure.get() != null) {
            throw new AssertionError("timer " + due.name + " failed", failure.get());
        }
    }

    private final class Pending implements Timer {
        final String name;
        final long deadline;
        final long number;
        final Runnable task;

        Pending(String name, long deadline, long number, Runnable task) {
            this.name = name;
            this.deadline = deadline;
            this.number = number;
            this.task = task;
        }

        @Override
        public void cancel() {
            lock.lock();
            try {
                pending.remove(this);
            } finally {
                lock.unlock();
            }
        }
    }
}
