// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.NodeOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two images side by side: what is written lands in both, and the first difference is told. */
class BlkverifyTest {
    private static final int SIZE = 4 << 20;
    private static final OpenOptions RAW = OpenOptions.readWrite().withFormat("raw");

    @TempDir
    Path directory;

    private Path copy;
    private Path image;

    @BeforeEach
    void makeTwo() throws Exception {
        copy = Files.write(directory.resolve("copy.raw"), new byte[SIZE]);
        image = Files.write(directory.resolve("image.raw"), new byte[SIZE]);
    }

    private BlockDevice open() throws BlockException {
        return BlockDevice.open("blkverify:" + copy + ":" + image, RAW);
    }

    private static void refused(String message, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(BlockException.class, e -> {
            assertThat(e.reason()).isEqualTo(message);
        });
    }

    @Test
    void whatIsWrittenLandsInBoth() throws Exception {
        byte[] data = new byte[3_000_001];
        new Random(1).nextBytes(data);
        try (BlockDevice device = open()) {
            device.write(501, ByteBuffer.wrap(data));
            device.writeZeroes(100_000, 50_000, 0);
            device.discard(200_000, 65536);
            device.flush();
            ByteBuffer read = ByteBuffer.allocate(SIZE);
            device.read(0, read);
            Arrays.fill(data, 100_000 - 501, 150_000 - 501, (byte) 0);
            assertThat(Arrays.copyOfRange(read.array(), 501, 501 + data.length)).isEqualTo(data);
        }
        assertThat(image).hasSameBinaryContentAs(copy);
    }

    @Test
    void theFirstDifferenceIsTold() throws Exception {
        byte[] other = new byte[SIZE];
        Arrays.fill(other, 66_560, 70_000, (byte) 3);
        other[2_500_000] = 1;
        Files.write(image, other);
        try (BlockDevice device = open()) {
            device.read(0, ByteBuffer.allocate(66_560));
            assertThatThrownBy(() -> device.read(0, ByteBuffer.allocate(262_144)))
                    .isInstanceOfSatisfying(BlockException.class, e -> {
                        assertThat(e.errno()).isEqualTo(Errno.EIO);
                        assertThat(e.reason())
                                .isEqualTo("blkverify: read offset=0 bytes=262144 contents mismatch at offset 66560");
                    });
            refused(
                    "blkverify: read offset=66559 bytes=2 contents mismatch at offset 66560",
                    () -> device.read(66_559, ByteBuffer.allocate(2)));
            refused(
                    "blkverify: read offset=2097152 bytes=1048576 contents mismatch at offset 2500000",
                    () -> device.read(2 << 20, ByteBuffer.allocate(1 << 20)));
        }
    }

    @Test
    void aFailureOfOneAloneIsADifference() throws Exception {
        OpenOptions options = OpenOptions.readWrite()
                .withNodeOptions(NodeOptions.of(Map.of(
                        "driver", "blkverify",
                        "raw.driver", "file",
                        "raw.filename", copy.toString(),
                        "test.driver", "blkdebug",
                        "test.inject-error.0.event", "none",
                        "test.inject-error.0.errno", "28",
                        "test.inject-error.0.iotype", "write",
                        "test.image.driver", "raw",
                        "test.image.file.filename", image.toString())));
        try (BlockDevice device = BlockDevice.open(options)) {
            device.read(0, ByteBuffer.allocate(512));
            refused(
                    "blkverify: write offset=0 bytes=512 return value mismatch -28 != 0",
                    () -> device.write(0, ByteBuffer.wrap(new byte[512])));
        }
    }

    @Test
    void theImageUnderTestTellsTheLength() throws Exception {
        Files.write(image, new byte[SIZE / 2]);
        try (BlockDevice device = open()) {
            assertThat(device.length()).isEqualTo(SIZE / 2);
            assertThatThrownBy(() -> device.read(SIZE / 2, ByteBuffer.allocate(512)))
                    .isInstanceOfSatisfying(
                            BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO));
        }
    }

    @Test
    void namesMustTellBoth() {
        refused(
                "blkverify requires raw copy and original image path",
                () -> BlockDevice.open("blkverify:" + copy, RAW).close());
        refused(
                "A block device must be specified for \"raw\"",
                () -> BlockDevice.open(
                                OpenOptions.readOnly().withNodeOptions(NodeOptions.of(Map.of("driver", "blkverify"))))
                        .close());
        refused(
                "A block device must be specified for \"test\"",
                () -> BlockDevice.open(OpenOptions.readOnly()
                                .withNodeOptions(NodeOptions.of(Map.of(
                                        "driver", "blkverify",
                                        "raw.driver", "file",
                                        "raw.filename", copy.toString()))))
                        .close());
    }

    @Test
    void pastTheEndOfAShorterCopyTheStatusGoesOnToTheEnd() throws Exception {
        Files.write(copy, new byte[SIZE / 2 + 100]);
        try (BlockDevice device = open()) {
            long at = 0;
            while (at < SIZE) {
                BlockStatus status = device.blockStatus(at, SIZE - at);
                assertThat(status.length()).as("at %d", at).isPositive();
                assertThat(at < SIZE / 2 + 512 || status.isZero()).isTrue();
                at += status.length();
            }
            assertThat(at).isEqualTo(SIZE);
        }
    }

    /** A file of which some writes end with EINTR, as those that are interrupted while they wait. */
    private static final class Interruptible extends ForwardingDriver {
        private int interruptions;

        Interruptible(int interruptions) {
            super(new MemoryDriver());
            this.interruptions = interruptions;
        }

        @Override
        public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
            if (interruptions-- > 0) {
                Thread.currentThread().interrupt();
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new BlockException(Errno.EINTR);
            }
            super.coWritev(offset, bytes, qiov, qiovOffset, flags);
        }
    }

    private static BlkverifyDriver on(BlockDriver raw, BlockDriver test) throws BlockException {
        return new BlkverifyDriver(TestImages.node("copy", raw, RAW), TestImages.node("image", test, RAW));
    }

    private static void writeSector(BlkverifyDriver driver) throws BlockException {
        try (AlignedBuffer sector = AlignedBuffer.allocate(512)) {
            sector.fill(0, 512, (byte) 5);
            driver.coWritev(0, 512, IoVector.of(sector, 0, 512), 0, 0);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void anInterruptBetweenTheTwoMakesNoDifference(int interruptions) throws Exception {
        Interruptible raw = new Interruptible(interruptions);
        MemoryDriver test = new MemoryDriver();
        BlkverifyDriver driver = on(raw, test);
        Thread.currentThread().interrupt();
        writeSector(driver);
        assertThat(Thread.interrupted()).as("the flag is kept").isTrue();
        assertThat(test.length()).isEqualTo(512);
        assertThat(raw.length()).isEqualTo(512);
    }

    @Test
    void whatIsInterruptedBeforeTheImageUnderTestBeginsReachesNeither() throws Exception {
        Interruptible test = new Interruptible(1);
        MemoryDriver raw = new MemoryDriver();
        BlkverifyDriver driver = on(raw, test);
        assertThatThrownBy(() -> writeSector(driver))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINTR));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(test.length()).isZero();
        assertThat(raw.length()).isZero();
    }
}
