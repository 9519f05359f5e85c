// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.Errno;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A mark is set once, wherever it is, in memory that is bounded. */
class ClusterMarksTest {
    @Test
    void marksAreSetOnce() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        ClusterMarks marks = new ClusterMarks(1 << 20);
        Set<Long> model = new HashSet<>();
        for (int i = 0; i < 20_000; i++) {
            long cluster = random.nextInt(3) * (1L << 40) + random.nextInt(4000);
            assertThat(marks.mark(cluster)).as("seed %d", seed).isEqualTo(model.add(cluster));
        }
        assertThat(marks.marked()).isEqualTo(model.size());
    }

    @Test
    void memoryIsBounded() throws Exception {
        ClusterMarks marks = new ClusterMarks(16 << 10);
        assertThat(marks.mark(0)).isTrue();
        assertThat(marks.mark(Long.MAX_VALUE >>> 12)).isTrue();
        assertThat(marks.mark(1)).isTrue();
        TestDisk.failure(Errno.ENOMEM, () -> marks.mark(1 << 20));
    }
}
