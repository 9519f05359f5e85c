// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CoveredBlocksTest {
    private final CoveredBlocks covered = new CoveredBlocks();
    private final List<String> set = new ArrayList<>();
    private final BitSet bits = new BitSet();
    private long blocks;

    private void cover(long first, long end) throws BlockException {
        covered.cover(first, end, (from, to) -> {
            assertThat(from).isLessThan(to);
            set.add(from + "-" + to);
            bits.set((int) from, (int) to);
            blocks += to - from;
        });
    }

    @Test
    void whatIsCoveredIsNotSetAgain() throws BlockException {
        cover(10, 20);
        cover(10, 20);
        cover(12, 15);
        cover(30, 40);
        cover(5, 35);
        cover(5, 40);
        cover(40, 41);
        cover(0, 5);
        cover(0, 41);
        assertThat(set).containsExactly("10-20", "30-40", "5-10", "20-30", "40-41", "0-5");
    }

    @Test
    void everyBlockIsSetAtItsFirstRecord() throws BlockException {
        Random random = new Random(7);
        BitSet model = new BitSet();
        for (int i = 0; i < 20_000; i++) {
            int first = random.nextInt(100_000);
            int end = first + 1 + random.nextInt(random.nextInt(10) == 0 ? 1000 : 4);
            cover(first, end);
            model.set(first, end);
            assertThat(bits.nextClearBit(first)).as("record %d, seed 7", i).isGreaterThanOrEqualTo(end);
        }
        assertThat(bits).isEqualTo(model);
    }

    /** Far more ranges than are remembered, and records of everything between them. */
    @Test
    void aJournalOfLargeRecordsCostsLittleMoreThanOne() throws BlockException {
        long most = 1L << 24;
        int records = 100_000;
        for (int i = 0; i < records; i++) {
            if (i % 2 == 0) {
                long at = i * 300L % most;
                cover(at, at + 1);
            } else {
                cover(i, most - i);
            }
        }
        assertThat(blocks).isLessThan(most + 2L * records);
    }
}
