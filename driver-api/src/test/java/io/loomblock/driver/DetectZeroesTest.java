// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.DetectZeroes;
import io.loomblock.OpenOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.TestImages;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Plain writes of nothing but zeros become zero writes where that is asked for, and read the same in any case. */
class DetectZeroesTest {
    private static final int K4 = 4096;

    /** Remembers what came as which kind of request. */
    private static final class Kinds extends ForwardingDriver {
        final List<String> seen = new ArrayList<>();

        Kinds() {
            super(new MemoryDriver());
        }

        @Override
        public Limits limits() {
            return super.limits().withFlags(0, RequestFlags.MAY_UNMAP);
        }

        @Override
        public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
            seen.add("write " + bytes + "@" + offset);
            super.coWritev(offset, bytes, qiov, qiovOffset, flags);
        }

        @Override
        public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
            boolean unmap = (flags & RequestFlags.MAY_UNMAP) != 0;
            seen.add((unmap ? "unmap " : "zero ") + bytes + "@" + offset);
            super.coWriteZeroes(offset, bytes, flags);
        }
    }

    private static List<String> writes(DetectZeroes mode) throws Exception {
        Kinds driver = new Kinds();
        OpenOptions options = OpenOptions.readWrite().withDetectZeroes(mode).withUnmap(true);
        AlignedBuffer memory = AlignedBuffer.allocate(3 * K4);
        memory.fill(0, 3 * K4, (byte) 0);
        memory.putByte(2 * K4 + 7, (byte) 1);
        try (Node node = TestImages.node("disk", driver, options)) {
            node.coWritev(0, IoVector.of(memory, 0, 2 * K4));
            node.coWritev(8 * K4, IoVector.of(memory, 0, 3 * K4));
            // What is zero is the part that is written, not the vector.
            node.coWritev(16 * K4, K4, IoVector.of(memory, 0, 3 * K4), K4, 0);
        }
        return driver.seen;
    }

    @Test
    void writesOfZerosBecomeZeroWrites() throws Exception {
        assertThat(writes(DetectZeroes.OFF)).containsExactly("write 8192@0", "write 12288@32768", "write 4096@65536");
        assertThat(writes(DetectZeroes.ON)).containsExactly("zero 8192@0", "write 12288@32768", "zero 4096@65536");
        assertThat(writes(DetectZeroes.UNMAP)).containsExactly("unmap 8192@0", "write 12288@32768", "unmap 4096@65536");
    }

    @ParameterizedTest
    @EnumSource(DetectZeroes.class)
    void aDiskReadsTheSameWhateverTheMode(DetectZeroes mode) throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] model = new byte[64 * K4];
        OpenOptions options = OpenOptions.readWrite().withDetectZeroes(mode).withUnmap(true);
        AlignedBuffer memory = AlignedBuffer.allocate(4 * K4);
        try (Node node = TestImages.node("disk", new MemoryDriver(), options)) {
            for (int i = 0; i < 500; i++) {
                int length = 1 + random.nextInt(4 * K4);
                int offset = random.nextInt(model.length - length);
                byte value = (byte) (random.nextBoolean() ? 0 : 1 + random.nextInt(255));
                memory.fill(0, length, value);
                node.coWritev(offset, IoVector.of(memory, 0, length));
                java.util.Arrays.fill(model, offset, offset + length, value);
            }
            for (int at = 0; at < model.length; at += K4) {
                node.coReadv(at, IoVector.of(memory, 0, K4));
                for (int i = 0; i < K4; i++) {
                    assertThat(memory.getByte(i))
                            .as("byte %d, seed %d", at + i, seed)
                            .isEqualTo(model[at + i]);
                }
            }
        }
    }

    @Test
    void givingSpaceBackNeedsDiscardsThatArePassedOn() {
        NodeOptions options = NodeOptions.NONE.with("driver", "null-co").with("detect-zeroes", "unmap");
        assertThatThrownBy(() -> BlockDevice.open(OpenOptions.readWrite().withNodeOptions(options)))
                .hasMessageContaining(
                        "setting detect-zeroes to unmap is not allowed without setting discard operation to unmap");
    }
}
