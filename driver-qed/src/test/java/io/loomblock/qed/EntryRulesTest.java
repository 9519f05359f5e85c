// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.Errno;
import io.loomblock.driver.WriteGuard;
import io.loomblock.memory.AlignedBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** An entry may be followed if it points at a whole cluster that was in the file, and that holds no table. */
class EntryRulesTest {
    private static final int CLUSTER = 4096;
    private static final long END = 100 * CLUSTER;

    private final QedLayout layout = new QedLayout(CLUSTER, 2, 1, 10 * CLUSTER);
    private final WriteGuard guard = new WriteGuard();
    private long[] tables = {20 * CLUSTER, 30 * CLUSTER, 31 * CLUSTER};
    private final EntryRules rules = new EntryRules(layout, END, () -> END + 5 * CLUSTER, () -> tables, guard);

    private void valid(long entry, boolean changed) throws Exception {
        rules.check(entry, changed);
        assertThat(allValid(changed, entry)).isTrue();
    }

    private void invalid(long entry, boolean changed) throws Exception {
        String reason =
                TestDisk.failure(Errno.EIO, () -> rules.check(entry, changed)).reason();
        assertThat(reason).contains("0x" + Long.toHexString(entry)).contains("corrupt");
        assertThat(allValid(changed, entry)).isFalse();
    }

    private boolean allValid(boolean changed, long... entries) throws Exception {
        try (AlignedBuffer page = AlignedBuffer.allocate(4096)) {
            for (int i = 0; i < entries.length; i++) {
                page.putLong(512 + i * 8, entries[i]);
            }
            return rules.allValid(page, 512, entries.length, changed);
        }
    }

    @Test
    void clustersOfTheFileAreValid() throws Exception {
        for (long entry : new long[] {0, 1, CLUSTER, 12 * CLUSTER, 22 * CLUSTER, 33 * CLUSTER, END - CLUSTER}) {
            valid(entry, false);
            valid(entry, true);
        }
        assertThat(guard.isSound()).isTrue();
    }

    @Test
    void everythingElseIsInvalid() throws Exception {
        long[] bad = {
            2,
            512,
            CLUSTER + 1,
            CLUSTER + 512,
            -1,
            -CLUSTER,
            Long.MIN_VALUE,
            Long.MAX_VALUE & -CLUSTER,
            END + 9 * CLUSTER
        };
        for (long entry : bad) {
            invalid(entry, false);
            invalid(entry, true);
        }
    }

    @Test
    void tablesAreNoData() throws Exception {
        for (long cluster : new long[] {10, 11, 20, 21, 30, 31, 32}) {
            invalid(cluster * CLUSTER, false);
        }
    }

    @Test
    void onlyAPageThatThisOpeningChangedMayPointPastTheOldEnd() throws Exception {
        invalid(END, false);
        valid(END, true);
        valid(END + 4 * CLUSTER, true);
        invalid(END + 5 * CLUSTER, true);
    }

    @Test
    void oneInvalidEntryAmongManyIsFound() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            long[] entries = new long[1 + random.nextInt(40)];
            Arrays.setAll(
                    entries, i -> random.nextInt(3) == 0 ? random.nextInt(2) : random.nextInt(102) * (long) CLUSTER);
            boolean expected = Arrays.stream(entries).allMatch(this::isValid);
            assertThat(allValid(false, entries))
                    .as("seed %d: %s", seed, Arrays.toString(entries))
                    .isEqualTo(expected);
        }
    }

    private boolean isValid(long entry) {
        long cluster = entry / CLUSTER;
        boolean table =
                cluster == 10 || cluster == 11 || cluster == 20 || cluster == 21 || cluster >= 30 && cluster <= 32;
        return entry < 2 || cluster >= 1 && cluster < 100 && !table;
    }

    @Test
    void tablesOfAGrownDiskCountFromThenOn() throws Exception {
        valid(40 * CLUSTER, false);
        tables = new long[] {40 * CLUSTER};
        valid(40 * CLUSTER, false);
        rules.tablesChanged();
        invalid(40 * CLUSTER, false);
    }

    @Test
    void whoMeetsAnInvalidEntryTellsTheGuard() throws Exception {
        assertThat(allValid(false, 3)).isFalse();
        assertThat(guard.isSound()).isTrue();
        invalid(3, false);
        assertThat(guard.isSound()).isFalse();
        guard.check();
    }
}
