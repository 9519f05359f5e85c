// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import java.util.concurrent.atomic.AtomicLongArray;

/** A counter of requests in flight, spread over cache lines so that threads that count at once do not meet. */
final class Striped {
    private static final int STRIPES = 16;
    /** Longs between two stripes: two cache lines, because processors fetch lines in pairs. */
    private static final int SPACING = 16;

    private final AtomicLongArray counts = new AtomicLongArray((STRIPES + 1) * SPACING);

    /** Counts one up; the stripe returned counts it down again. A full fence lies between this and what follows. */
    int increment() {
        int stripe = (int) (Thread.currentThread().threadId() & (STRIPES - 1));
        counts.getAndIncrement((stripe + 1) * SPACING);
        return stripe;
    }

    void decrement(int stripe) {
        counts.getAndDecrement((stripe + 1) * SPACING);
    }

    /**
     * Whether nothing is in flight. True is certain as soon as no new outermost request can enter: one that is nested in another is
     * counted while the outer one is.
     */
    boolean isZero() {
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            if (counts.get((stripe + 1) * SPACING) != 0) {
                return false;
            }
        }
        return true;
    }
}
