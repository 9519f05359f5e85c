// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.filter.FaultRule.Suspend;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The requests that wait at breakpoints, by tag. Thread-safe. */
final class SuspendedRequests {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Waiter> waiting = new ArrayList<>();

    /** One request that has come to a breakpoint; what it is changes under the lock. */
    static final class Waiter {
        private final Suspend rule;
        /** Whether it waits, which it tells before. */
        private boolean held;

        private boolean resumed;

        private Waiter(Suspend rule) {
            this.rule = rule;
        }

        /** Tells who set the breakpoint; by the request itself, before it is held, and under no lock. */
        void announce() {
            rule.whenSuspended().run();
        }
    }

    /** A request is about to wait here: from now on it can be resumed. */
    Waiter register(Suspend rule) {
        Waiter waiter = new Waiter(rule);
        lock.lock();
        try {
            waiting.add(waiter);
            return waiter;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until resumed; an interrupt does not end that, since nobody knows what the request has done already. */
    void hold(Waiter waiter) {
        lock.lock();
        try {
            waiter.held = true;
            changed.signalAll();
            while (!waiter.resumed) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    boolean isSuspended(String tag) {
        lock.lock();
        try {
            return waits(tag);
        } finally {
            lock.unlock();
        }
    }

    private boolean waits(String tag) {
        return waiting.stream()
                .anyMatch(waiter -> waiter.held && waiter.rule.tag().equals(tag));
    }

    void awaitSuspended(String tag) throws BlockException {
        lock.lock();
        try {
            while (!waits(tag)) {
                changed.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BlockException(Errno.EINTR);
        } finally {
            lock.unlock();
        }
    }

    /** Lets the last one of this tag go on, or not wait at all if it is about to; false if there is none. */
    boolean resume(String tag) {
        lock.lock();
        try {
            for (int i = waiting.size() - 1; i >= 0; i--) {
                if (waiting.get(i).rule.tag().equals(tag)) {
                    waiting.remove(i).resumed = true;
                    changed.signalAll();
                    return true;
                }
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** Lets all of this tag go on; whether there were any. */
    boolean resumeAll(String tag) {
        boolean any = false;
        while (resume(tag)) {
            any = true;
        }
        return any;
    }
}
