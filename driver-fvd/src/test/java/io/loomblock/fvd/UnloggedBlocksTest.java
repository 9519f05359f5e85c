// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Which blocks a crash would forget: spec section 5. */
class UnloggedBlocksTest {
    private static final long BLOCKS = 1 << 20;
    private static final int SEGMENT = 1 << 15;

    private final UnloggedBlocks blocks = new UnloggedBlocks(BLOCKS, 1 << 20);

    @Test
    void marksReachAcrossWordsAndSegments() {
        assertThat(blocks.isEmpty()).isTrue();
        assertThat(blocks.mark(SEGMENT - 70, SEGMENT + 3)).isTrue();
        assertThat(blocks.any(0, SEGMENT - 70)).isFalse();
        assertThat(blocks.any(0, SEGMENT - 69)).isTrue();
        assertThat(blocks.any(SEGMENT + 2, SEGMENT + 3)).isTrue();
        assertThat(blocks.any(SEGMENT + 3, BLOCKS)).isFalse();
    }

    @Test
    void whatIsLoggedIsNotMarkedAnyMore() {
        blocks.mark(10, 200);
        blocks.mark(100, 300);
        blocks.logged(0, 150);
        assertThat(blocks.any(0, 150)).isFalse();
        assertThat(blocks.any(149, 151)).isTrue();
        blocks.logged(150, 1000);
        assertThat(blocks.isEmpty()).isTrue();
    }

    @Test
    void withoutRoomAllMustBeForgottenFirst() {
        UnloggedBlocks few = new UnloggedBlocks(BLOCKS, 0);
        assertThat(few.mark(0, 1)).isTrue();
        assertThat(few.mark(SEGMENT, SEGMENT + 1)).isTrue();
        assertThat(few.mark(2 * SEGMENT, 2 * SEGMENT + 1)).isFalse();
        assertThat(few.any(2 * SEGMENT, BLOCKS)).isFalse();
        few.forgetAll();
        assertThat(few.isEmpty()).isTrue();
        assertThat(few.mark(2 * SEGMENT, 2 * SEGMENT + 1)).isTrue();
        assertThat(few.any(0, 2 * SEGMENT)).isFalse();
    }
}
