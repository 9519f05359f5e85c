// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import io.loomblock.BlockException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Lets the workers of a job finish in order, each when all before it have, and stops all of them when one fails. */
final class Turns {
    private final boolean ordered;
    private final ReentrantLock lock = new ReentrantLock();
    /** Who waits, by where its turn begins: each is woken by itself, when it is its turn. */
    private final Map<Long, Condition> waiting = new HashMap<>();

    private long position;
    private volatile boolean stopped;
    private volatile @Nullable BlockException failure;

    /** Without order nobody waits. */
    Turns(boolean ordered) {
        this.ordered = ordered;
    }

    /** Waits until all before {@code start} is done; false if the job has failed or was stopped. */
    boolean await(long start) {
        lock.lock();
        try {
            if (ordered && !stopped && position != start) {
                Condition turn = lock.newCondition();
                waiting.put(start, turn);
                while (!stopped && position != start) {
                    turn.awaitUninterruptibly();
                }
                waiting.remove(start);
            }
            return !stopped;
        } finally {
            lock.unlock();
        }
    }

    /** The piece that ends at {@code end} is written. */
    void done(long end) {
        lock.lock();
        try {
            position = end;
            Condition next = waiting.get(end);
            if (next != null) {
                next.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Stops the job, which has come to its end before all is done. */
    void stop() {
        lock.lock();
        try {
            stopLocked();
        } finally {
            lock.unlock();
        }
    }

    /** Stops the job; the first failure counts, later ones are attached to it. */
    void fail(BlockException e) {
        lock.lock();
        try {
            BlockException first = failure;
            if (first == null) {
                failure = e;
            } else if (first != e) {
                first.addSuppressed(e);
            }
            stopLocked();
        } finally {
            lock.unlock();
        }
    }

    private void stopLocked() {
        stopped = true;
        waiting.values().forEach(Condition::signal);
    }

    /** Whether nobody is to begin anything. */
    boolean stopped() {
        return stopped;
    }

    void throwFailure() throws BlockException {
        BlockException first = failure;
        if (first != null) {
            throw first;
        }
    }

    /** Runs a short action while no other worker does. */
    void exclusively(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }
}
