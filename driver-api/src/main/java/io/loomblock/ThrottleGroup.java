// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.Timers;
import io.loomblock.driver.Waiting;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Devices that share limits: each request waits until the group as a whole may make it.
 *
 * <p>Requests of a device go in the order in which they came, reads and writes apart; devices that have requests waiting take turns. A
 * member is made by {@link BlockDevice#throttle(ThrottleGroup)}. Thread-safe; the limits may be changed at any time. spec:
 * block-layer.md section 3, io_limits.
 */
public final class ThrottleGroup {
    private final Timers timers;
    private final ReentrantLock lock = new ReentrantLock();
    private final Line reads = new Line(false);
    private final Line writes = new Line(true);
    private LeakyBuckets buckets;

    /** A group in real time. */
    public ThrottleGroup(ThrottleLimits limits) {
        this(limits, Timers.system());
    }

    /** A group on a clock of the caller's. */
    public ThrottleGroup(ThrottleLimits limits, Timers timers) {
        this.timers = timers;
        this.buckets = new LeakyBuckets(limits, timers.nanoTime());
    }

    /** The limits that hold now. */
    public ThrottleLimits limits() {
        lock.lock();
        try {
            return buckets.limits();
        } finally {
            lock.unlock();
        }
    }

    /** Puts other limits in place of those there are. What was done before is forgotten; requests that wait are judged anew. */
    public void limits(ThrottleLimits limits) {
        lock.lock();
        try {
            buckets = new LeakyBuckets(limits, timers.nanoTime());
            reads.restart();
            writes.restart();
        } finally {
            lock.unlock();
        }
    }

    /** A new member, without requests. */
    Member join() {
        return new Member();
    }

    /** One device of the group. */
    final class Member {
        private final Queue<Waiter> waitingReads = new ArrayDeque<>();
        private final Queue<Waiter> waitingWrites = new ArrayDeque<>();
        private boolean gone;

        /**
         * Waits until a request may be made, and charges the group with it.
         *
         * @return false if the device has left the group meanwhile: nothing was charged
         * @throws BlockException EINTR if interrupted while waiting
         */
        boolean admit(boolean write, long bytes) throws BlockException {
            Waiter waiter;
            lock.lock();
            try {
                Line line = write ? writes : reads;
                if (gone) {
                    return false;
                }
                if (line.turns.isEmpty() && buckets.delay(write, timers.nanoTime()) == 0) {
                    buckets.charge(write, bytes);
                    return true;
                }
                waiter = new Waiter(Thread.currentThread(), bytes);
                waiting(write).add(waiter);
                if (waiting(write).size() == 1) {
                    line.turns.add(this);
                }
                line.letGo();
            } finally {
                lock.unlock();
            }
            Waiting.until(() -> waiter.outcome != Outcome.NONE, () -> withdraw(write, waiter));
            return waiter.outcome == Outcome.ADMITTED;
        }

        /** Leaves the group; requests that wait return. */
        void leave() {
            lock.lock();
            try {
                gone = true;
                reads.turns.remove(this);
                writes.turns.remove(this);
                dismiss(waitingReads);
                dismiss(waitingWrites);
            } finally {
                lock.unlock();
            }
        }

        private Queue<Waiter> waiting(boolean write) {
            return write ? waitingWrites : waitingReads;
        }

        private boolean withdraw(boolean write, Waiter waiter) {
            lock.lock();
            try {
                boolean waited = waiting(write).remove(waiter);
                if (waiting(write).isEmpty()) {
                    (write ? writes : reads).turns.remove(this);
                }
                return waited;
            } finally {
                lock.unlock();
            }
        }

        private static void dismiss(Queue<Waiter> waiters) {
            for (Waiter waiter = waiters.poll(); waiter != null; waiter = waiters.poll()) {
                waiter.wake(Outcome.DISMISSED);
            }
        }
    }

    /** The requests of one direction; all is done under the group's lock. */
    private final class Line {
        private final boolean write;
        /** Members with requests that wait, in the order of their turns. */
        private final Queue<Member> turns = new ArrayDeque<>();

        private Timers.@Nullable Timer alarm;
        private long alarms;

        Line(boolean write) {
            this.write = write;
        }

        /** Lets requests go while the limits allow it, and sets the alarm for the next one. */
        void letGo() {
            while (alarm == null && !turns.isEmpty()) {
                long delay = buckets.delay(write, timers.nanoTime());
                if (delay > 0) {
                    setAlarm(delay);
                    return;
                }
                admitNext(turns.remove());
            }
        }

        private void admitNext(Member member) {
            Queue<Waiter> waiting = member.waiting(write);
            Waiter waiter = waiting.remove();
            if (!waiting.isEmpty()) {
                turns.add(member);
            }
            buckets.charge(write, waiter.bytes);
            waiter.wake(Outcome.ADMITTED);
        }

        private void setAlarm(long delay) {
            long number = ++alarms;
            alarm = timers.schedule("throttle", delay, () -> ring(number));
        }

        private void ring(long number) {
            lock.lock();
            try {
                // An alarm that was taken back may ring all the same.
                if (number == alarms) {
                    alarm = null;
                    letGo();
                }
            } finally {
                lock.unlock();
            }
        }

        void restart() {
            if (alarm != null) {
                alarm.cancel();
                alarm = null;
                alarms++;
            }
            letGo();
        }
    }

    private enum Outcome {
        NONE,
        ADMITTED,
        DISMISSED
    }

    private static final class Waiter {
        final Thread thread;
        final long bytes;
        volatile Outcome outcome = Outcome.NONE;

        Waiter(Thread thread, long bytes) {
            this.thread = thread;
            this.bytes = bytes;
        }

        void wake(Outcome with) {
            outcome = with;
            LockSupport.unpark(thread);
        }
    }
}
