// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.OpenOptions;
import java.nio.ByteBuffer;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is to be verified is looked at, and the rest of a disk takes no time. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VerificationTest {
    private static final int MIB = Verification.STEP;

    /** Zeros that cannot be known without reading them. */
    private static final class Unknown implements Contents {
        private final TreeSet<Long> read = new TreeSet<>();

        @Override
        public void read(long offset, ByteBuffer target) {
            read.add(offset);
            target.put(new byte[target.remaining()]);
        }

        @Override
        public long zeros(long offset, long limit) {
            return 0;
        }
    }

    private static TreeSet<Long> looked(long length, int windows, long stride) throws Exception {
        String zeros = "json:{\"driver\": \"null-co\", \"size\": " + length + ", \"read-zeroes\": true}";
        Unknown contents = new Unknown();
        try (BlockDevice device = BlockDevice.open(zeros, OpenOptions.readOnly())) {
            Model model = Model.of(length, contents, windows, 4096);
            contents.read.clear();
            Verification.run("now", device, model, stride);
        }
        return contents.read;
    }

    @Test
    void oneMegabyteOfSoManyIsLookedAt() throws Exception {
        // Windows at 0, in the middle and at the end; what follows the first in its megabyte is looked at, too.
        assertThat(looked(12L * MIB, 3, 5)).containsExactly(4096L, 5L * MIB, 10L * MIB);
    }

    @Test
    void exabytesTakeNoLongerThanWhatIsLookedAt() throws Exception {
        assertThat(looked(1L << 62, 4, 1L << 36)).hasSizeBetween(64, 70);
    }
}
