// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits, within bounds, for what other threads are about to do. */
public final class Waits {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(30);
    private static final long STEP = TimeUnit.MICROSECONDS.toNanos(200);

    private Waits() {}

    /**
     * Returns when the condition holds.
     *
     * @throws AssertionError if that takes too long
     */
    public static void until(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("never happened: " + what);
            }
            LockSupport.parkNanos(STEP);
        }
    }

    /** Returns when the thread waits for something, without a limit of time. */
    public static void untilParked(Thread thread) {
        until(thread + " waits", () -> thread.getState() == Thread.State.WAITING);
    }
}
