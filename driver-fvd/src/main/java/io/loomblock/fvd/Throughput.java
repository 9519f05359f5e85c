// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

/**
 * How fast one side of prefetching has been, as a sliding average that is judged once in a while. spec: fvd.md section 12.
 *
 * <p>Bytes per millisecond; for one thread at a time.
 */
final class Throughput {
    private static final double UNSET = -1;
    private static final double NANOS_PER_MILLI = 1e6;

    private final long measureMillis;
    private final double minimum;
    private final double weightOfOld;

    private long bytes;
    private long nanos;
    private double average = UNSET;

    /**
     * Nothing measured yet.
     *
     * @param measureMillis how much time of work makes a measurement
     * @param minimumKilobytes least throughput in KB/s, KB being 1024 bytes
     * @param alpha weight of the old average in percent
     */
    Throughput(long measureMillis, long minimumKilobytes, int alpha) {
        this.measureMillis = measureMillis;
        this.minimum = minimumKilobytes * 1024.0 / 1000;
        this.weightOfOld = alpha / 100.0;
    }

    /**
     * So much work was done.
     *
     * @return whether enough has been measured now, and the average is below the minimum
     */
    boolean isTooLowAfter(long moreBytes, long moreNanos) {
        bytes += moreBytes;
        nanos += moreNanos;
        double millis = nanos / NANOS_PER_MILLI;
        if (millis <= measureMillis) {
            return false;
        }
        double round = bytes / millis;
        average = average < 0 ? round : weightOfOld * average + (1 - weightOfOld) * round;
        bytes = 0;
        nanos = 0;
        return average < minimum;
    }

    /** Forgets the average. */
    void forget() {
        average = UNSET;
    }

    /** Bytes per millisecond; negative if there is none. */
    double average() {
        return average;
    }
}
