// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static io.loomblock.protocol.TestBytes.assertFails;
import static io.loomblock.protocol.TestBytes.read;
import static io.loomblock.protocol.TestBytes.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The protocols without a file: one forgets everything, one keeps it in memory. */
class NullAndMemoryTest {
    private static Node memory(MemoryFile file) throws Exception {
        return new Node("memory", new MemoryDriver(file), Map.of(), OpenOptions.readWrite());
    }

    @ParameterizedTest
    @ValueSource(strings = {"null-co", "null-aio"})
    void aNullDiskIsOneGibibyteThatForgets(String protocol) throws Exception {
        OpenOptions options = OpenOptions.readWrite()
                .withFormat("raw")
                .withNodeOptions(NodeOptions.NONE.with("file.read-zeroes", "on"));
        try (BlockDevice device = BlockDevice.open(protocol + "://", options)) {
            assertThat(device.length()).isEqualTo(1L << 30);
            AlignedBuffer buffer = AlignedBuffer.allocate(4096);
            buffer.fill(0, 4096, (byte) 7);
            device.write(0, IoVector.of(buffer));
            device.flush();
            device.read(0, IoVector.of(buffer));
            assertThat(buffer.isZero(0, 4096)).isTrue();
            BlockStatus status = device.blockStatus(0, 1L << 30);
            assertThat(status.isZero()).isTrue();
            assertThat(status.length()).isEqualTo(1L << 30);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1000, 1000", "1k, 1024", "64M, 67108864", "3G, 3221225472", "5b, 5"})
    void itsSizeIsAnOption(String text, long bytes) throws Exception {
        OpenOptions options = OpenOptions.readWrite().withNodeOptions(NodeOptions.NONE.with("size", text));
        try (Node node = TestEngine.open(new NullProvider(), "null-co://", options)) {
            assertThat(node.length()).isEqualTo(bytes);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-1", "x", "1x", "k"})
    void sizesThatAreNone(String text) {
        OpenOptions options = OpenOptions.readWrite().withNodeOptions(NodeOptions.NONE.with("size", text));
        assertThat(assertFails(Errno.EINVAL, () -> TestEngine.open(new NullProvider(), "null-co://", options))
                        .reason())
                .startsWith("Parameter 'size' expects a non-negative number below 2^64");
    }

    @ParameterizedTest
    @ValueSource(strings = {"9223372036854775808", "9E", "16E"})
    void sizesThatNoFileHas(String text) {
        OpenOptions options = OpenOptions.readWrite().withNodeOptions(NodeOptions.NONE.with("size", text));
        assertThat(assertFails(Errno.EINVAL, () -> TestEngine.open(new NullProvider(), "null-co://", options))
                        .reason())
                .isEqualTo("Value '" + text + "' is out of range for parameter 'size'");
    }

    @Test
    void memoryDoesWhatAByteArrayDoes() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        byte[] model = new byte[1 << 20];
        try (Node node = memory(new MemoryFile())) {
            for (int i = 0; i < 1000; i++) {
                int length = 1 + random.nextInt(200_000);
                int offset = random.nextInt(model.length - length);
                switch (random.nextInt(4)) {
                    case 0 -> {
                        byte[] data = new byte[length];
                        random.nextBytes(data);
                        write(node, offset, data);
                        System.arraycopy(data, 0, model, offset, length);
                    }
                    case 1 -> {
                        node.coWriteZeroes(offset, length, 0);
                        Arrays.fill(model, offset, offset + length, (byte) 0);
                    }
                    case 2 -> {
                        if (random.nextInt(5) == 0) {
                            node.truncate(offset, true, PreallocationMode.OFF);
                            Arrays.fill(model, offset, model.length, (byte) 0);
                        }
                    }
                    default ->
                        assertThat(read(node, offset, length))
                                .as("seed %d", seed)
                                .isEqualTo(Arrays.copyOfRange(model, offset, offset + length));
                }
            }
        }
    }

    @Test
    void memoryOutlivesItsDrivers() throws Exception {
        MemoryFile file = new MemoryFile(1000);
        Node first = memory(file);
        write(first, 500, 1000, 7);
        first.close();
        try (Node second = memory(file)) {
            assertThat(second.length()).isEqualTo(1500);
            assertThat(read(second, 500, 1000)).containsOnly(7);
            assertThat(second.driver().identity()).isSameAs(file);
        }
    }

    @Test
    void memoryIsSparse() throws Exception {
        try (Node node = memory(new MemoryFile(1L << 50))) {
            write(node, 1L << 49, 1, 7);
            assertThat(node.allocatedFileSize()).isEqualTo(MemoryFile.EXTENT);
            BlockStatus hole = node.blockStatus(0, 1L << 50);
            assertThat(hole.isZero()).isTrue();
            assertThat(hole.length()).isEqualTo(1L << 49);
            BlockStatus data = node.blockStatus(1L << 49, 1L << 49);
            assertThat(data.isData()).isTrue();
            assertThat(data.length()).isEqualTo(MemoryFile.EXTENT);
            node.coWriteZeroes(0, 1L << 50, 0);
            assertThat(node.allocatedFileSize()).isZero();
        }
    }

    @Test
    void threadsThatWriteAtOnceLoseNothing() throws Exception {
        try (Node node = memory(new MemoryFile());
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < 16; t++) {
                int mine = t;
                all.add(executor.submit(() -> {
                    for (int i = 0; i < 200; i++) {
                        write(node, (i * 16L + mine) * 1000, 1000, mine + 1);
                    }
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get(60, TimeUnit.SECONDS);
            }
            assertThat(node.length()).isEqualTo(16L * 200 * 1000);
            for (int i = 0; i < 16 * 200; i++) {
                assertThat(read(node, i * 1000L, 1000)).containsOnly(i % 16 + 1);
            }
        }
    }
}
