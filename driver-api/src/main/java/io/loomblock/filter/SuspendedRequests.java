// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The requests that wait at breakpoints, by tag. Thread-safe. */
final class SuspendedRequests {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Waiter> waiting = new ArrayList<>();

    /** One request; what it is changes under the lock. */
    private static final class Waiter {
        private final String tag;
        private boolean resumed;

        Waiter(String tag) {
            this.tag = tag;
        }
    }

    /** Waits until resumed; an interrupt does not end that, since nobody knows what the request has done already. */
    void suspend(String tag) {
        Waiter waiter = new Waiter(tag);
        lock.lock();
        try {
            waiting.add(waiter);
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
        return waiting.stream().anyMatch(waiter -> waiter.tag.equals(tag));
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

    /** Lets the last one of this tag go on; false if none waits. */
    boolean resume(String tag) {
        lock.lock();
        try {
            for (int i = waiting.size() - 1; i >= 0; i--) {
                if (waiting.get(i).tag.equals(tag)) {
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
