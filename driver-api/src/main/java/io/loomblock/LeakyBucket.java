// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/**
 * One limit at work: what is done fills the bucket, time empties it at the average rate, and who finds it overfull waits.
 *
 * <p>Bursts longer than a second take a second, smaller bucket that empties at the burst rate: the first bounds how long a burst lasts,
 * the second how fast it is. Not thread-safe.
 */
final class LeakyBucket {
    private static final double NANOS = 1e9;
    /** What fits where no burst is given: a tenth of a second's worth. Without it every other request would wait. */
    private static final double SLACK = 0.1;

    private final ThrottleLimits.Rate rate;
    private double level;
    private double burstLevel;

    LeakyBucket(ThrottleLimits.Rate rate) {
        this.rate = rate;
    }

    void leak(long nanos) {
        level = Math.max(0, level - rate.average() * (nanos / NANOS));
        if (hasLongBursts()) {
            burstLevel = Math.max(0, burstLevel - rate.burst() * (nanos / NANOS));
        }
    }

    void fill(double units) {
        if (rate.isLimited()) {
            level += units;
            burstLevel += hasLongBursts() ? units : 0;
        }
    }

    /** Nanoseconds until the next request may go, 0 for at once. */
    long delay() {
        if (!rate.isLimited()) {
            return 0;
        }
        double size = rate.burst() == 0 ? rate.average() * SLACK : (double) rate.burst() * rate.burstSeconds();
        if (level > size) {
            return (long) ((level - size) * NANOS / rate.average());
        }
        double burstSize = rate.burst() * SLACK;
        if (hasLongBursts() && burstLevel > burstSize) {
            return (long) ((burstLevel - burstSize) * NANOS / rate.burst());
        }
        return 0;
    }

    private boolean hasLongBursts() {
        return rate.burstSeconds() > 1;
    }
}
