// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.Waiting;
import java.util.ArrayDeque;
import java.util.EnumSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What becomes of requests of one device that fail, and the place where stopped ones wait.
 *
 * <p>They wait outside of the device's gate, so that nobody who shuts it waits for them. Thread-safe. spec: block-layer.md section 7.
 */
final class ErrorPolicy {
    /** Answers to how a request was made or broken off, or whether it is allowed now, which say nothing of the disk. */
    private static final Set<Errno> NOT_OF_THE_DISK =
            EnumSet.of(Errno.EINTR, Errno.EBADF, Errno.EPERM, Errno.EAGAIN, Errno.ENOTSUP);

    private record Actions(ErrorAction read, ErrorAction write) {}

    private final Listeners<ErrorListener> listeners = new Listeners<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Queue<Waiter> stopped = new ArrayDeque<>();
    private boolean closed;
    private volatile IoStatus status = IoStatus.OK;
    private volatile Actions actions = new Actions(ErrorAction.REPORT, ErrorAction.REPORT);

    void set(ErrorAction read, ErrorAction write) {
        if (read == ErrorAction.ENOSPC) {
            throw new IllegalArgumentException("reads need no space on the disk");
        }
        actions = new Actions(read, write);
    }

    Listeners<ErrorListener> listeners() {
        return listeners;
    }

    IoStatus status() {
        return status;
    }

    /**
     * Decides about a request that has failed, waiting if it is stopped.
     *
     * @return whether it is to be made again; if not, it counts as done
     * @throws BlockException the failure if it is to be reported; EINTR or EBADF from the wait
     */
    boolean again(Operation operation, long offset, BlockException failure) throws BlockException {
        if (NOT_OF_THE_DISK.contains(failure.errno())) {
            throw failure;
        }
        ErrorAction action = actionFor(operation, failure);
        Waiter waiter = action == ErrorAction.STOP ? stop(failure) : null;
        ErrorListener.IoError error = new ErrorListener.IoError(operation, offset, action, failure.errno());
        listeners.forEach(listener -> listener.failed(error));
        if (waiter != null) {
            await(waiter);
            return true;
        }
        if (action == ErrorAction.REPORT) {
            throw failure;
        }
        return false;
    }

    private ErrorAction actionFor(Operation operation, BlockException failure) {
        ErrorAction set = operation.isWrite() ? actions.write : actions.read;
        if (set != ErrorAction.ENOSPC) {
            return set;
        }
        return failure.errno() == Errno.ENOSPC ? ErrorAction.STOP : ErrorAction.REPORT;
    }

    private Waiter stop(BlockException failure) throws BlockException {
        lock.lock();
        try {
            if (closed) {
                throw failure;
            }
            if (status == IoStatus.OK) {
                status = failure.errno() == Errno.ENOSPC ? IoStatus.NOSPACE : IoStatus.FAILED;
            }
            Waiter waiter = new Waiter(Thread.currentThread());
            stopped.add(waiter);
            return waiter;
        } finally {
            lock.unlock();
        }
    }

    private void await(Waiter waiter) throws BlockException {
        Waiting.until(() -> waiter.woken, () -> withdraw(waiter));
        if (waiter.closed) {
            throw new BlockException(Errno.EBADF);
        }
    }

    private boolean withdraw(Waiter waiter) {
        lock.lock();
        try {
            return stopped.remove(waiter);
        } finally {
            lock.unlock();
        }
    }

    /** Has the stopped requests made again. */
    void resume() {
        lock.lock();
        try {
            status = IoStatus.OK;
            wakeAll();
        } finally {
            lock.unlock();
        }
    }

    /** Has them fail with EBADF, and stops no more. */
    void close() {
        lock.lock();
        try {
            closed = true;
            wakeAll();
        } finally {
            lock.unlock();
        }
    }

    private void wakeAll() {
        for (Waiter waiter = stopped.poll(); waiter != null; waiter = stopped.poll()) {
            waiter.closed = closed;
            waiter.woken = true;
            LockSupport.unpark(waiter.thread);
        }
    }

    private static final class Waiter {
        final Thread thread;
        boolean closed;
        volatile boolean woken;

        Waiter(Thread thread) {
            this.thread = thread;
        }
    }
}
