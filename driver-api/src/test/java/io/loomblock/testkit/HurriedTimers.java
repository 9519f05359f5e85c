// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.driver.Timers;

/** Real time, but what is to be done later is done a thousand times sooner: so that work behind the scenes meets the requests of a test. */
public final class HurriedTimers implements Timers {
    private static final long HURRY = 1000;

    @Override
    public long nanoTime() {
        return Timers.system().nanoTime() * HURRY;
    }

    @Override
    public Timer schedule(String name, long delayNanos, Runnable task) {
        return Timers.system().schedule(name, delayNanos / HURRY, task);
    }
}
