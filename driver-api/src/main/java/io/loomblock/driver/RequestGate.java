// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A gate that requests pass, shared, and that others shut, exclusive: a drained section, a close, the need-check timer.
 *
 * <p>Passing an open gate is two atomic additions and a read. Shutting waits for those inside; it nests, and those who shut it do
 * not exclude one another. A thread that is inside must not shut the gate. Thread-safe.
 */
public final class RequestGate {
    private static final int REQUESTS = 0;

    /** Requests that have entered, less those that have left: spread over stripes, one that leaves being counted where it has entered. */
    private final Stripes inside = new Stripes(1);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition empty = lock.newCondition();
    private final Queue<Waiter> waiters = new ArrayDeque<>();

    /** How often the gate is shut; written under the lock. */
    private volatile int shut;

    private volatile boolean closed;

    /**
     * Passes the gate, waiting while it is shut.
     *
     * @return what {@link #exit} wants
     * @throws BlockException EBADF once closed, EINTR if interrupted while waiting
     */
    public int enter() throws BlockException {
        while (true) {
            int stripe = inside.mine();
            inside.add(stripe, REQUESTS, 1);
            if (shut == 0) {
                return stripe;
            }
            exit(stripe);
            if (closed) {
                throw new BlockException(Errno.EBADF);
            }
            awaitOpen();
        }
    }

    /** Leaves again. */
    public void exit(int stripe) {
        inside.add(stripe, REQUESTS, -1);
        if (shut != 0) {
            lock.lock();
            try {
                empty.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /**
     * Whether nobody is inside. True is certain as soon as no new outermost request can enter: one that is nested in another is counted while
     * the outer one is.
     */
    private boolean isEmpty() {
        return inside.fold(REQUESTS, 0, (some, here) -> some | here) == 0;
    }

    /** Shuts the gate and returns when nobody is inside any more. Every call needs an {@link #open}. */
    public void shut() {
        lock.lock();
        try {
            shut = shut + 1;
            while (!isEmpty()) {
                empty.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Shuts the gate if it is open and nobody is inside right now; otherwise leaves it as it is and returns false. */
    public boolean tryShut() {
        lock.lock();
        try {
            if (shut > 0) {
                return false;
            }
            shut = 1;
            if (isEmpty()) {
                return true;
            }
        } finally {
            lock.unlock();
        }
        open();
        return false;
    }

    /** Takes back one {@link #shut}; the last one lets requests in again. */
    public void open() {
        lock.lock();
        try {
            if (shut == 0) {
                throw new IllegalStateException("gate opened more often than shut");
            }
            shut = shut - 1;
            if (shut == 0) {
                wakeAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Shuts the gate for good: requests get EBADF from now on, those inside finish first.
     *
     * @return false if it was closed before
     */
    public boolean close() {
        lock.lock();
        try {
            if (closed) {
                return false;
            }
            closed = true;
            shut = shut + 1;
            wakeAll();
            while (!isEmpty()) {
                empty.awaitUninterruptibly();
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Whether {@link #close} was called. */
    public boolean isClosed() {
        return closed;
    }

    private void awaitOpen() throws BlockException {
        Waiter waiter = new Waiter(Thread.currentThread());
        lock.lock();
        try {
            if (shut == 0 || closed) {
                return;
            }
            waiters.add(waiter);
        } finally {
            lock.unlock();
        }
        Waiting.until(() -> waiter.woken, () -> remove(waiter));
    }

    private boolean remove(Waiter waiter) {
        lock.lock();
        try {
            return waiters.remove(waiter);
        } finally {
            lock.unlock();
        }
    }

    private void wakeAll() {
        for (Waiter waiter = waiters.poll(); waiter != null; waiter = waiters.poll()) {
            waiter.woken = true;
            LockSupport.unpark(waiter.thread);
        }
    }

    private static final class Waiter {
        final Thread thread;
        volatile boolean woken;

        Waiter(Thread thread) {
            this.thread = thread;
        }
    }
}
