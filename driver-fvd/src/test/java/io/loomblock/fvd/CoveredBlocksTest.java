// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a recovery sets once, and what it sets again. */
class CoveredBlocksTest {
    private static final long MOST = 1L << 24;

    private CoveredBlocks covered = new CoveredBlocks(100_000);
    private final List<String> set = new ArrayList<>();
    private final BitSet bits = new BitSet();
    private long blocks;

    private void cover(long first, long end) throws BlockException {
        covered.cover(first, end, (from, to) -> {
            assertThat(from).isLessThan(to);
            set.add(from + "-" + to);
            bits.set((int) from, (int) to);
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

    /** In regions of a few blocks, of which the last is shorter. */
    @Test
    void theEndsOfARecordAreKnownInWholeRegions() throws BlockException {
        covered = new CoveredBlocks(MOST - 1);
        assertThat(covered.region()).isEqualTo(64);
        cover(60, 200);
        cover(0, 256);
        cover(MOST - 100, MOST - 1);
        cover(MOST - 64, MOST - 1);
        cover(0, 300);
        assertThat(set).containsExactly("60-200", "0-64", "192-256", MOST - 100 + "-" + (MOST - 1), "256-300");
    }

    @Test
    void everyBlockIsSetAtItsFirstRecord() throws BlockException {
        covered = new CoveredBlocks(1L << 20);
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
        covered = new CoveredBlocks(MOST);
        int records = 100_000;
        for (int i = 0; i < records; i++) {
            if (i % 2 == 0) {
                long at = i * 300L % MOST;
                covered.cover(at, at + 1, this::count);
            } else {
                covered.cover(i, MOST - i, this::count);
            }
        }
        assertThat(blocks).isLessThan(MOST + records * covered.region());
    }

    /** As many ranges as a journal has room for, each as long as the others, over and over. */
    @Test
    void rangesOfOneLengthAreNotSetOverAndOver() throws BlockException {
        long most = 1L << 30;
        covered = new CoveredBlocks(most);
        long step = most / 8200;
        int rounds = 20;
        for (int round = 0; round < rounds; round++) {
            for (long at = 0; at + step <= most; at += step) {
                covered.cover(at, at + step - 1, this::count);
            }
        }
        assertThat(blocks).isLessThan(3 * most);
    }

    private void count(long first, long end) {
        blocks += end - first;
    }
}
