// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** After a slow call the next ones are handed on, then one is tried again. */
class PaceTest {
    private final Pace pace = new Pace(200_000);
    /** The first moment is one at which no call is known yet. */
    private long now = System.nanoTime() + Pace.TRUST_NANOS;

    @Test
    void quickCallsAreNotHandedOn() {
        for (int i = 0; i < 1000; i++) {
            assertThat(pace.expectsWait(now)).isFalse();
            ends(1000, 4096);
        }
    }

    @Test
    void aSlowCallHasTheNextOnesHandedOn() {
        assertThat(pace.expectsWait(now)).isFalse();
        ends(5_000_000, 4096);
        for (int i = 0; i < Pace.HANDED_ON; i++) {
            assertThat(pace.expectsWait(now)).isTrue();
        }
        assertThat(pace.expectsWait(now)).isFalse();
    }

    @Test
    void longCallsMayTakeLonger() {
        ends(2_000_000, 2 << 20);
        assertThat(pace.expectsWait(now)).isFalse();
        ends(2_000_000, 4096);
        assertThat(pace.expectsWait(now)).isTrue();
    }

    @Test
    void whileACallIsTriedTheOthersAreHandedOn() {
        assertThat(pace.expectsWait(now)).isFalse();
        for (int i = 1; i < 1000; i++) {
            assertThat(pace.expectsWait(now + i * 1000L)).isTrue();
        }
        ends(5_000_000, 4096);
        for (int i = 0; i < Pace.HANDED_ON; i++) {
            assertThat(pace.expectsWait(now)).isTrue();
        }
        assertThat(pace.expectsWait(now)).isFalse();
        assertThat(pace.expectsWait(now + 1)).isTrue();
    }

    @Test
    void aQuickCallSpeaksForThoseAtItsSideForAMoment() {
        assertThat(pace.expectsWait(now)).isFalse();
        ends(1000, 4096);
        assertThat(pace.expectsWait(now)).isFalse();
        assertThat(pace.expectsWait(now + 1)).isFalse();
        // Neither has come back, which is suspicious after a while.
        now += Pace.TRUST_NANOS;
        assertThat(pace.expectsWait(now)).isFalse();
        assertThat(pace.expectsWait(now + 1)).isTrue();
    }

    private void ends(long nanos, int bytes) {
        long start = now;
        now += nanos;
        pace.took(start, now, bytes);
    }
}
