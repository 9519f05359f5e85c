// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

/**
 * Guesses whether the next call would wait for a device, by how long the last ones took: for calls that cannot be asked that.
 *
 * <p>After a slow call the next few are thought slow too, then one is tried again. So in a slow phase few calls hold the thread that
 * makes them, and in a quick one none pays more than two clock readings. Thread-safe; threads may overlook one another's news.
 */
final class Pace {
    /** How many calls are handed on after a slow one. */
    static final int HANDED_ON = 64;

    private final long quickNanos;
    private int left;

    /** @param quickNanos how long a call may take, besides a nanosecond for each byte that it copies */
    Pace(long quickNanos) {
        this.quickNanos = quickNanos;
    }

    /** Whether to hand the next call on. */
    boolean expectsWait() {
        int now = left;
        if (now == 0) {
            return false;
        }
        left = now - 1;
        return true;
    }

    /** A call that was not handed on took so long. */
    void took(long nanos, int bytes) {
        if (nanos > quickNanos + bytes) {
            left = HANDED_ON;
        }
    }
}
