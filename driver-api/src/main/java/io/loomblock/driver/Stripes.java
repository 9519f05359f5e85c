// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Figures that threads count at once without meeting, as a rule: each has a place in sixteen stripes, and a thread uses the stripe that its
 * number leads to.
 *
 * <p>What is counted is the sum, or what else the reader makes of the places of a figure. Thread-safe; stripes are read one after the other,
 * not all at the same moment.
 */
public final class Stripes {
    /** A power of two. */
    private static final int COUNT = 16;
    /** Two cache lines, in longs, because processors fetch lines in pairs: so much lies between the figures of two stripes, or more. */
    private static final int PAIR_OF_LINES = 16;

    private final int spacing;
    private final AtomicLongArray longs;

    /** Looks at the places of a figure, one after the other. */
    @FunctionalInterface
    public interface Fold {
        /** What has been made of the places so far, and of the next one. */
        long of(long soFar, long next);
    }

    /** Stripes of so many figures each, all of them 0. */
    public Stripes(int figures) {
        this.spacing = (figures + PAIR_OF_LINES - 2 + PAIR_OF_LINES) / PAIR_OF_LINES * PAIR_OF_LINES;
        this.longs = new AtomicLongArray((COUNT + 1) * spacing);
    }

    /** The stripe of the calling thread. */
    public int mine() {
        return start((int) Thread.currentThread().threadId() & COUNT - 1);
    }

    /** The first one is left out: what lies before it is not ours. */
    private int start(int number) {
        return (number + 1) * spacing;
    }

    /** Adds to a figure of a stripe. A full fence lies between this and what follows. */
    public void add(int stripe, int figure, long value) {
        longs.getAndAdd(stripe + figure, value);
    }

    /** Sets a figure of a stripe, for others to see some time. */
    public void setLazily(int stripe, int figure, long value) {
        longs.lazySet(stripe + figure, value);
    }

    /** Sets a figure of all stripes. */
    public void setAll(int figure, long value) {
        for (int number = 0; number < COUNT; number++) {
            longs.set(start(number) + figure, value);
        }
    }

    /** What {@code fold} makes of a figure of all stripes. */
    public long fold(int figure, long first, Fold fold) {
        long result = first;
        for (int number = 0; number < COUNT; number++) {
            result = fold.of(result, longs.get(start(number) + figure));
        }
        return result;
    }
}
