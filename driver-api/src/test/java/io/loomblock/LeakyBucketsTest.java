// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.ThrottleLimits.Rate;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The arithmetic of the throttle: what goes at once, how long the next one waits, what comes out in the long run. */
class LeakyBucketsTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private long now = 5 * SECOND;

    private LeakyBuckets buckets(ThrottleLimits limits) {
        return new LeakyBuckets(limits, now);
    }

    /** How many requests go without waiting. */
    private int atOnce(LeakyBuckets buckets, boolean write, long size) {
        for (int n = 0; ; n++) {
            if (buckets.delay(write, now) > 0) {
                return n;
            }
            buckets.charge(write, size);
        }
    }

    @Test
    void aTenthOfASecondIsFreeWhereNoBurstIsGiven() {
        LeakyBuckets buckets = buckets(ThrottleLimits.NONE.withOperations(Rate.of(100)));
        assertThat(atOnce(buckets, false, 512)).isEqualTo(11);
        assertThat(buckets.delay(false, now)).isEqualTo(SECOND / 100);
        assertThat(buckets.delay(true, now)).isEqualTo(SECOND / 100);
        now += SECOND / 100;
        assertThat(atOnce(buckets, true, 512)).isEqualTo(1);
    }

    @Test
    void aBurstIsFreeWhereItIsGiven() {
        LeakyBuckets buckets =
                buckets(ThrottleLimits.NONE.withBytes(Rate.of(1000).withBurst(5000, 1)));
        assertThat(atOnce(buckets, false, 1000)).isEqualTo(6);
        assertThat(buckets.delay(false, now)).isEqualTo(SECOND);
    }

    @Test
    void aLongBurstGoesAtItsOwnRateUntilItIsUsedUp() {
        LeakyBuckets buckets =
                buckets(ThrottleLimits.NONE.withReadOperations(Rate.of(10).withBurst(100, 4)));
        assertThat(atOnce(buckets, false, 1)).isEqualTo(11);
        assertThat(buckets.delay(false, now)).isEqualTo(SECOND / 100);
        long began = now;
        int burst = run(buckets, false, 1, 4 * SECOND);
        assertThat(burst).isBetween(395, 405);
        int after = run(buckets, false, 1, 10 * SECOND);
        assertThat(after).isBetween(100, 150);
        assertThat(now - began).isEqualTo(14 * SECOND);
        assertThat(buckets.delay(true, now)).isZero();
    }

    @Test
    void aDirectionIsChargedForItselfAndATotalForBoth() {
        LeakyBuckets total = buckets(ThrottleLimits.NONE.withBytes(Rate.of(1000)));
        total.charge(true, 2000);
        assertThat(total.delay(false, now)).isEqualTo(SECOND * 19 / 10);
        LeakyBuckets own = buckets(ThrottleLimits.NONE.withWriteBytes(Rate.of(1000)));
        own.charge(true, 2000);
        assertThat(own.delay(false, now)).isZero();
        assertThat(own.delay(true, now)).isEqualTo(SECOND * 19 / 10);
    }

    @Test
    void largeRequestsCountAsSeveralOperations() {
        LeakyBuckets buckets =
                buckets(ThrottleLimits.NONE.withOperations(Rate.of(10)).withOperationSize(4096));
        buckets.charge(false, 6144);
        assertThat(buckets.delay(false, now)).isEqualTo(SECOND / 20);
        LeakyBuckets small =
                buckets(ThrottleLimits.NONE.withOperations(Rate.of(10)).withOperationSize(4096));
        small.charge(false, 1);
        assertThat(small.delay(false, now)).isZero();
    }

    @Test
    void timeThatDoesNotPassEmptiesNothing() {
        LeakyBuckets buckets = buckets(ThrottleLimits.NONE.withBytes(Rate.of(1000)));
        buckets.charge(false, 1100);
        assertThat(buckets.delay(false, now - SECOND)).isEqualTo(SECOND);
        assertThat(buckets.delay(false, now)).isEqualTo(SECOND);
    }

    /** Requests one after the other as soon as each may go, for so long; how many went. */
    private int run(LeakyBuckets buckets, boolean write, long size, long nanos) {
        long end = now + nanos;
        int n = 0;
        while (true) {
            long delay = buckets.delay(write, now);
            if (now + delay > end) {
                now = end;
                return n;
            }
            now += delay;
            buckets.charge(write, size);
            n++;
        }
    }

    @Test
    void inTheLongRunTheAverageHoldsWhateverTheRequests() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            long average = 1000 + random.nextInt(1_000_000);
            Rate rate = Rate.of(average);
            if (random.nextBoolean()) {
                rate = rate.withBurst(average * (1 + random.nextInt(5)), 1 + random.nextInt(5));
            }
            LeakyBuckets buckets = buckets(ThrottleLimits.NONE.withWriteBytes(rate));
            long most = 1 + random.nextInt((int) average);
            long sent = 0;
            long end = now + 60 * SECOND;
            for (long delay = 0; now + delay <= end; delay = buckets.delay(true, now)) {
                now += delay;
                long size = 1 + (long) (random.nextDouble() * most);
                buckets.charge(true, size);
                sent += size;
            }
            long slack = rate.burst() == 0 ? average / 10 : rate.burst() * rate.burstSeconds();
            assertThat(sent)
                    .as("seed %d round %d %s", seed, round, rate)
                    .isBetween(average * 59, average * 60 + slack + most + average / 100);
            now = end + SECOND;
        }
    }
}
