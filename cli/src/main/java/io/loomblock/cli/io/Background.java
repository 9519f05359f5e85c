// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Requests that run while the user goes on, each on a virtual thread, and the turn to speak.
 *
 * <p>Commands run, and requests report, only while they have the turn, so that the lines of one are never mixed with those of
 * another. Waiting gives the turn away.
 */
final class Background {
    private final ReentrantLock turn = new ReentrantLock();
    private final Condition quiet = turn.newCondition();
    private int inFlight;

    /** A request: does its I/O and returns what reports on it. */
    @FunctionalInterface
    interface Request {
        Runnable perform();
    }

    /** Runs {@code work} in its turn. */
    void inTurn(Runnable work) {
        turn.lock();
        try {
            work.run();
        } finally {
            turn.unlock();
        }
    }

    /** Starts a request; the caller has the turn. */
    void start(Request request) {
        inFlight++;
        Thread.ofVirtual().name("aio").start(() -> run(request));
    }

    private void run(Request request) {
        Runnable report = () -> {};
        try {
            report = request.perform();
        } finally {
            turn.lock();
            try {
                report.run();
            } finally {
                inFlight--;
                quiet.signalAll();
                turn.unlock();
            }
        }
    }

    /** Waits until every request has reported; the caller has the turn, and gives it away meanwhile. */
    void await() {
        while (inFlight > 0) {
            quiet.awaitUninterruptibly();
        }
    }

    /** Runs what waits for a request, and gives the turn away meanwhile; the caller has it. */
    void giveTurn(Runnable waiting) {
        turn.unlock();
        try {
            waiting.run();
        } finally {
            turn.lock();
        }
    }

    /** Gives the turn away for this long; the caller has it. */
    void pause(long millis) {
        long left = Math.min(millis, Long.MAX_VALUE / 1_000_000) * 1_000_000;
        try {
            while (left > 0) {
                left = quiet.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
