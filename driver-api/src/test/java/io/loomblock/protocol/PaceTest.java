// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** After a slow call the next ones are handed on, then one is tried again. */
class PaceTest {
    private final Pace pace = new Pace(200_000);

    @Test
    void quickCallsAreNotHandedOn() {
        for (int i = 0; i < 1000; i++) {
            assertThat(pace.expectsWait()).isFalse();
            pace.took(1000, 4096);
        }
    }

    @Test
    void aSlowCallHasTheNextOnesHandedOn() {
        pace.took(5_000_000, 4096);
        for (int i = 0; i < Pace.HANDED_ON; i++) {
            assertThat(pace.expectsWait()).isTrue();
        }
        assertThat(pace.expectsWait()).isFalse();
    }

    @Test
    void longCallsMayTakeLonger() {
        pace.took(2_000_000, 2 << 20);
        assertThat(pace.expectsWait()).isFalse();
        pace.took(2_000_000, 4096);
        assertThat(pace.expectsWait()).isTrue();
    }
}
