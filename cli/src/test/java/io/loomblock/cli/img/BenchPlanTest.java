// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Offsets of the requests of a benchmark, and where it flushes. */
class BenchPlanTest {
    @Test
    void requestsWrapAroundAtTheEndOfTheDisk() {
        BenchPlan plan = new BenchPlan(10, 1, 100, 300, 0, 1000);
        assertThat(List.of(plan.offsetOf(0), plan.offsetOf(1), plan.offsetOf(2), plan.offsetOf(3), plan.offsetOf(4)))
                .containsExactly(100L, 400L, 700L, 0L, 300L);
    }

    @Test
    void theFirstRequestBeginsWhereItWasTold() {
        assertThat(new BenchPlan(10, 1, 5000, 300, 0, 1000).offsetOf(0)).isEqualTo(5000);
        assertThat(new BenchPlan(10, 1, 5000, 300, 0, 1000).offsetOf(1)).isEqualTo(300);
        assertThat(new BenchPlan(10, 1, 0, 300, 0, 0).offsetOf(1)).isZero();
    }

    @Test
    void hugeOffsetsDoNotOverflow() {
        int step = Integer.MAX_VALUE;
        BenchPlan plan = new BenchPlan(Integer.MAX_VALUE, 1, Long.MAX_VALUE, step, 0, Long.MAX_VALUE - 1);
        assertThat(plan.offsetOf(Integer.MAX_VALUE - 1)).isEqualTo(1 + (long) step * (step - 1));
    }

    @Test
    void flushesWhenWholePartsAreLeftAndSomethingIsCompleted() {
        assertThat(flushes(new BenchPlan(100, 4, 0, 1, 30, 1))).containsExactly(10, 40, 70);
        assertThat(flushes(new BenchPlan(100, 20, 0, 1, 30, 1))).containsExactly(40, 70);
        assertThat(flushes(new BenchPlan(90, 30, 0, 1, 30, 1))).containsExactly(30, 60);
        assertThat(flushes(new BenchPlan(90, 30, 0, 1, 0, 1))).isEmpty();
    }

    @Test
    void partsEndWhereItFlushes() {
        long seed = 20261121;
        Random random = new Random(seed);
        for (int i = 0; i < 2000; i++) {
            int depth = 1 + random.nextInt(40);
            BenchPlan plan = new BenchPlan(random.nextInt(200), depth, 0, 1, depth + random.nextInt(50), 1);
            List<Integer> ends = new ArrayList<>();
            for (long end = plan.endOfPart(0); end < plan.count(); end = plan.endOfPart(end)) {
                ends.add((int) end);
            }
            assertThat(ends).as("seed " + seed + ", " + plan).isEqualTo(flushes(plan));
        }
    }

    private static List<Integer> flushes(BenchPlan plan) {
        List<Integer> flushes = new ArrayList<>();
        for (int index = 0; index <= plan.count(); index++) {
            if (plan.isFlushBefore(index)) {
                flushes.add(index);
            }
        }
        return flushes;
    }
}
