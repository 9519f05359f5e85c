// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** How prefetching is judged: spec section 12. */
class ThroughputTest {
    private static final long MILLI = 1_000_000;

    @Test
    void nothingIsJudgedBeforeEnoughTimeHasBeenMeasured() {
        Throughput throughput = new Throughput(100, 1000, 80);
        assertThat(throughput.isTooLowAfter(1, 60 * MILLI)).isFalse();
        assertThat(throughput.isTooLowAfter(1, 40 * MILLI)).isFalse();
        assertThat(throughput.average()).isNegative();
        assertThat(throughput.isTooLowAfter(100, 2 * MILLI)).isTrue();
        assertThat(throughput.average()).isEqualTo(1.0);
    }

    /** E26: milliseconds, and KB of 1024 bytes: 1000 KB/s are 1024 bytes in one. */
    @Test
    void theMinimumIsInKilobytesPerSecond() {
        assertThat(new Throughput(100, 1000, 80).isTooLowAfter(1024 * 200, 200 * MILLI))
                .isFalse();
        assertThat(new Throughput(100, 1000, 80).isTooLowAfter(1023 * 200, 200 * MILLI))
                .isTrue();
    }

    @Test
    void theOldAverageHasItsWeight() {
        Throughput throughput = new Throughput(100, 1, 80);
        throughput.isTooLowAfter(200_000, 200 * MILLI);
        throughput.isTooLowAfter(400_000, 200 * MILLI);
        assertThat(throughput.average()).isEqualTo(0.8 * 1000 + 0.2 * 2000);
        throughput.forget();
        throughput.isTooLowAfter(400_000, 200 * MILLI);
        assertThat(throughput.average()).isEqualTo(2000);
    }
}
