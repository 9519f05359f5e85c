// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.ThrottleLimits.Rate;
import java.net.URL;
import java.net.URLClassLoader;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Limits that contradict themselves are refused with QEMU's reasons. */
class ThrottleLimitsTest {
    private static void refused(String reason, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(reason);
    }

    @Test
    void totalsAndDirectionsDoNotMix() {
        String reason = "bps/iops/max total values and read/write values cannot be used at the same time";
        ThrottleLimits bytes = ThrottleLimits.NONE.withBytes(Rate.of(1));
        refused(reason, () -> bytes.withReadBytes(Rate.of(1)));
        refused(reason, () -> bytes.withWriteBytes(Rate.of(1)));
        ThrottleLimits operations = ThrottleLimits.NONE.withReadOperations(Rate.of(1));
        refused(reason, () -> operations.withOperations(Rate.of(1)));
        ThrottleLimits both = bytes.withReadOperations(Rate.of(1)).withWriteOperations(Rate.of(2));
        assertThat(both.bytes().average()).isEqualTo(1);
        assertThat(both.writeOperations().average()).isEqualTo(2);
    }

    @Test
    void ratesAreBounded() {
        String reason = "bps/iops/max values must be within [0, 1000000000000000]";
        refused(reason, () -> Rate.of(-1));
        refused(reason, () -> Rate.of(Rate.MAX + 1));
        refused(reason, () -> Rate.of(1).withBurst(Rate.MAX + 1, 1));
        assertThat(Rate.of(Rate.MAX).withBurst(Rate.MAX, 1).burst()).isEqualTo(Rate.MAX);
    }

    @Test
    void burstsNeedARateAndALength() {
        refused("the burst length cannot be 0", () -> new Rate(10, 0, 0));
        refused("burst length set without burst rate", () -> new Rate(10, 0, 2));
        refused("bps_max/iops_max require corresponding bps/iops values", () -> new Rate(0, 5, 1));
        refused("bps_max/iops_max cannot be lower than bps/iops", () -> new Rate(10, 5, 1));
        refused("burst length too high for this burst rate", () -> new Rate(10, 100_000_000_000L, 100_000));
    }

    @Test
    void sizesOfOperationsNeedALimitOfOperations() {
        refused(
                "iops size requires an iops value to be set",
                () -> ThrottleLimits.NONE.withBytes(Rate.of(1)).withOperationSize(4096));
        assertThat(ThrottleLimits.NONE
                        .withWriteOperations(Rate.of(1))
                        .withOperationSize(4096)
                        .operationSize())
                .isEqualTo(4096);
    }

    @Test
    void ratesMayBeTheFirstThingThatIsUsed() throws Exception {
        URL classes = ThrottleLimits.class.getProtectionDomain().getCodeSource().getLocation();
        try (URLClassLoader fresh = new URLClassLoader(new URL[] {classes}, ClassLoader.getPlatformClassLoader())) {
            Class<?> rate = Class.forName(Rate.class.getName(), true, fresh);
            assertThat(rate.getClassLoader()).isSameAs(fresh);
        }
    }
}
