// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.testkit.FakeTimers;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The job is due five seconds after the last allocation, and never twice for one. */
class NeedCheckTimerTest {
    private final FakeTimers clock = new FakeTimers();
    private final AtomicInteger runs = new AtomicInteger();
    private final NeedCheckTimer timer = new NeedCheckTimer(clock, runs::incrementAndGet);

    private void pass(long millis) {
        clock.advance(Duration.ofMillis(millis));
    }

    @Test
    void theJobRunsFiveSecondsAfterAnAllocation() {
        timer.touch();
        pass(4999);
        assertThat(runs).hasValue(0);
        pass(1);
        assertThat(runs).hasValue(1);
        pass(60_000);
        assertThat(runs).hasValue(1);
    }

    @Test
    void eachAllocationPutsItOff() {
        for (int i = 0; i < 10; i++) {
            timer.touch();
            pass(3000);
        }
        assertThat(runs).hasValue(0);
        assertThat(clock.pending()).isEqualTo(1);
        pass(1999);
        assertThat(runs).hasValue(0);
        pass(1);
        assertThat(runs).hasValue(1);
    }

    @Test
    void manyAllocationsTakeOneTimer() {
        for (int i = 0; i < 100_000; i++) {
            timer.touch();
        }
        assertThat(clock.scheduled()).isEqualTo(1);
    }

    @Test
    void itMayBeTakenBackAndSetAgain() {
        timer.touch();
        timer.cancel();
        assertThat(clock.pending()).isZero();
        pass(6000);
        assertThat(runs).hasValue(0);
        timer.touch();
        pass(5000);
        assertThat(runs).hasValue(1);
    }

    @Test
    void afterTheEndNothingSetsIt() {
        timer.touch();
        timer.stop();
        timer.touch();
        assertThat(clock.pending()).isZero();
    }
}
