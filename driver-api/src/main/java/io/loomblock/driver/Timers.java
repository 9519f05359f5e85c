// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import java.util.concurrent.locks.LockSupport;

/** The clock of work behind the scenes, and its timers; tests put their own in its place. Thread-safe. */
public interface Timers {
    /** Nanoseconds that only go up, from some beginning. */
    long nanoTime();

    /** Runs {@code task} once, on a virtual thread of its own, {@code delayNanos} from now. */
    Timer schedule(String name, long delayNanos, Runnable task);

    /** A timer that is pending, running or over. */
    interface Timer {
        /** Keeps the task from starting; a task that has started goes on. */
        void cancel();
    }

    /** Real time. */
    static Timers system() {
        return SystemTimers.INSTANCE;
    }

    /** Real time, a virtual thread for each timer. */
    final class SystemTimers implements Timers {
        private static final SystemTimers INSTANCE = new SystemTimers();

        private SystemTimers() {}

        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public Timer schedule(String name, long delayNanos, Runnable task) {
            Pending pending = new Pending(System.nanoTime() + delayNanos, task);
            pending.thread = Thread.ofVirtual().name(name).start(pending);
            return pending;
        }

        private static final class Pending implements Runnable, Timer {
            private final long deadline;
            private final Runnable task;
            private volatile boolean cancelled;

            @SuppressWarnings("NullAway.Init") // set before anybody else sees this
            private Thread thread;

            Pending(long deadline, Runnable task) {
                this.deadline = deadline;
                this.task = task;
            }

            @Override
            public void run() {
                while (!cancelled) {
                    long left = deadline - System.nanoTime();
                    if (left <= 0) {
                        task.run();
                        return;
                    }
                    LockSupport.parkNanos(this, left);
                }
            }

            @Override
            public void cancel() {
                cancelled = true;
                LockSupport.unpark(thread);
            }
        }
    }
}
