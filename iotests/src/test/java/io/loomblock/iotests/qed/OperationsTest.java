// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.ImageInfo;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.RequestFlags;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.iotests.support.QedReader;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The small operations: probe, create, resize, info, limits, change of the backing file (acceptance rows 1 to 7, 12, 20 to 28). */
@Timeout(60)
class OperationsTest {
    private static final int K4 = 4096;
    private static final int K64 = 64 << 10;
    private static final long MIB = 1 << 20;

    @TempDir
    Path directory;

    private static BlockException failure(ThrowingCallable call) {
        BlockException e = catchThrowableOfType(BlockException.class, call);
        assertThat(e).as("must fail").isNotNull();
        assertThat(e.reason()).doesNotContain("\n");
        return e;
    }

    private static void expect(Errno errno, ThrowingCallable call) {
        assertThat(failure(call).errno()).isEqualTo(errno);
    }

    @Test
    void theProbeIsSureOfTheMagicInAHeaderThatIsWhole() throws Exception {
        BlockDriverProvider qed = Drivers.get("qed");
        try (AlignedBuffer head = AlignedBuffer.allocate(2048)) {
            head.fill(0, 2048, (byte) 0);
            assertThat(qed.probe(head, 2048)).isZero();
            head.put(0, new byte[] {'Q', 'E', 'D', 0}, 0, 4);
            assertThat(qed.probe(head, 2048)).isEqualTo(100);
            assertThat(qed.probe(head, 64)).isEqualTo(100);
            assertThat(qed.probe(head, 63)).isZero();
            assertThat(qed.probe(head, 0)).isZero();
            head.putByte(3, (byte) 1);
            assertThat(qed.probe(head, 2048)).isZero();
        }
    }

    @Test
    void theProviderSaysWhatItCan() throws Exception {
        BlockDriverProvider qed = Drivers.get("qed");
        assertThat(qed.kind()).isEqualTo(BlockDriverProvider.Kind.FORMAT);
        assertThat(qed.supportsBacking()).isTrue();
        assertThat(qed.createOptions().stream().map(DriverOption::name))
                .containsExactly("backing_file", "backing_fmt", "cluster_size", "size", "table_size");
    }

    @ParameterizedTest(name = "{0}={1}, size {2}")
    @CsvSource({
        "cluster_size, 0, 1048576, 'QED cluster size must be within range [4096, 67108864] and power of 2'",
        "cluster_size, 2048, 1048576, 'QED cluster size must be within range [4096, 67108864] and power of 2'",
        "cluster_size, 5000, 1048576, 'QED cluster size must be within range [4096, 67108864] and power of 2'",
        "cluster_size, 134217728, 1048576, 'QED cluster size must be within range [4096, 67108864] and power of 2'",
        "table_size, 0, 1048576, 'QED table size must be within range [1, 16] and power of 2'",
        "table_size, 3, 1048576, 'QED table size must be within range [1, 16] and power of 2'",
        "table_size, 32, 1048576, 'QED table size must be within range [1, 16] and power of 2'",
        "table_size, 4, 1000, 'QED image size must be a non-zero multiple of cluster size and less than 70368744177664 bytes'",
        "cluster_size, 4096, 17179869696, 'QED image size must be a non-zero multiple of cluster size and less than 17179869184 bytes'"
    })
    void badOptionsAreRefusedInQemusWordsBeforeAFileIsMade(String option, long value, long size, String reason) {
        Path image = directory.resolve("new.qed");
        CreateOptions options = CreateOptions.ofSize(size).with(option, value);
        BlockException e = failure(() -> BlockDevice.create("qed", image.toString(), options, OpenOptions.readWrite()));
        assertThat(e.errno()).isEqualTo(Errno.EINVAL);
        assertThat(e.reason()).isEqualTo(reason);
        assertThat(image).doesNotExist();
    }

    @ParameterizedTest(name = "clusters {0}, table of {1}")
    @CsvSource({
        "4096, 1, 1073741824",
        "4096, 2, 4294967296",
        "4096, 16, 274877906944",
        "65536, 1, 4398046511104",
        "65536, 4, 70368744177664",
        "65536, 16, 1125899906842624",
        "1048576, 4, 288230376151711744",
        "67108864, 16, 9223372036854775296"
    })
    void theLargestSizeIsTakenAndOneSectorMoreIsNot(int clusterSize, int tableSize, long largest) throws Exception {
        MemoryDriver file = QedImages.create(largest, clusterSize, tableSize);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            assertThat(device.length()).isEqualTo(largest);
            if (largest <= Long.MAX_VALUE - 1024) {
                expect(Errno.EINVAL, () -> device.truncate(largest + 512, true, PreallocationMode.OFF));
            }
        }
        if (largest <= Long.MAX_VALUE - 1024) {
            expect(Errno.EINVAL, () -> QedImages.create(largest + 512, clusterSize, tableSize));
        }
    }

    @ParameterizedTest(name = "clusters {0}, table of {1}")
    @CsvSource({"4096, 1", "4096, 16", "8192, 2", "262144, 8", "2097152, 2", "67108864, 1"})
    void everyGeometryReadsBackWhatItWrote(int clusterSize, int tableSize) throws Exception {
        long size = Math.min(1L << 40, (long) clusterSize * tableSize / 8 * clusterSize * 3);
        MemoryDriver file = QedImages.create(size, clusterSize, tableSize);
        long[] places = {0, clusterSize - 100, size / 3 - 100, size / 2, size - 300};
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            for (int i = 0; i < places.length; i++) {
                Guest.write(device, places[i], 300, i + 1);
            }
        }
        try (BlockDevice device = QedImages.open(file, QedImages.readOnly())) {
            for (int i = 0; i < places.length; i++) {
                Guest.expect(device, places[i], 300, i + 1);
            }
            assertThat(device.info().clusterSize()).isEqualTo(clusterSize);
            QedImages.expectNoCorruption(device);
        }
    }

    @Test
    void infoAndLimits() throws Exception {
        MemoryDriver file = QedImages.create(3 * MIB, K64, 4);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            ImageInfo info = device.info();
            assertThat(info.format()).isEqualTo("qed");
            assertThat(info.virtualSize()).isEqualTo(3 * MIB);
            assertThat(info.clusterSize()).isEqualTo(K64);
            assertThat(info.dirty()).isFalse();
            assertThat(info.backingFilename()).isNull();
            assertThat(device.node().limits().zeroAlignment()).isEqualTo(K64);
            assertThat(device.node().limits().requestAlignment()).isEqualTo(1);
            assertThat(device.node().hasZeroInit()).isTrue();
        }
    }

    @Test
    void whatTheFormatCannotDoIsRefused() throws Exception {
        MemoryDriver file = QedImages.create(MIB, K64, 4);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            expect(Errno.ENOTSUP, () -> device.node().makeEmpty());
            BlockException e = failure(() -> device.truncate(2 * MIB, true, PreallocationMode.FULL));
            assertThat(e.errno()).isEqualTo(Errno.ENOTSUP);
            assertThat(e.reason()).isEqualTo("Unsupported preallocation mode 'full'");
            expect(Errno.ENOTSUP, () -> device.node().driver().coWriteZeroes(100, 1000, RequestFlags.NO_FALLBACK));
        }
    }

    @Test
    void resizing() throws Exception {
        MemoryDriver file = QedImages.create(MIB, K4, 2);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            Guest.write(device, MIB - 512, 512, 7);
            device.flush();
            long length = file.length();
            BlockException e = failure(() -> device.truncate(MIB / 2, true, PreallocationMode.OFF));
            assertThat(e.errno()).isEqualTo(Errno.ENOTSUP);
            assertThat(e.reason()).isEqualTo("Shrinking images is currently not supported");
            e = failure(() -> device.truncate(MIB + 100, true, PreallocationMode.OFF));
            assertThat(e.errno()).isEqualTo(Errno.EINVAL);
            assertThat(e.reason()).isEqualTo("Invalid image size specified");
            expect(Errno.EINVAL, () -> device.truncate(8L << 30, true, PreallocationMode.OFF));
            device.truncate(MIB, true, PreallocationMode.OFF);
            device.truncate(3 * MIB, true, PreallocationMode.OFF);
            assertThat(device.length()).isEqualTo(3 * MIB);
            assertThat(file.length()).isEqualTo(length);
            Guest.expect(device, MIB - 512, 512, 7);
            Guest.expect(device, MIB, 2 * MIB, 0);
            Guest.write(device, 3 * MIB - 512, 512, 8);
        }
        assertThat(QedImages.expectSound(file).imageSize()).isEqualTo(3 * MIB);
    }

    @Test
    void aResizeThatFailsLeavesTheOldSize() throws Exception {
        MemoryDriver file = QedImages.create(MIB, K4, 2);
        FaultDriver faulty = new FaultDriver(file);
        try (BlockDevice device = QedImages.open(faulty, QedImages.readWrite())) {
            faulty.arm(Fault.once(Request.of(Kind.WRITE, 0, 512)));
            expect(Errno.EIO, () -> device.truncate(2 * MIB, true, PreallocationMode.OFF));
            assertThat(device.length()).isEqualTo(MIB);
            device.truncate(3 * MIB, true, PreallocationMode.OFF);
            assertThat(device.length()).isEqualTo(3 * MIB);
        }
        assertThat(QedImages.expectSound(file).imageSize()).isEqualTo(3 * MIB);
    }

    @Test
    void changingTheBackingFile() throws Exception {
        byte[] base = new byte[(int) MIB];
        Arrays.fill(base, (byte) 'B');
        QedImages.raw(directory, "base.raw", base);
        Path name = directory.resolve("t.qed");
        MemoryDriver file = TestImages.create("qed", name.toString(), QedImages.options(MIB, K4, 2));
        try (BlockDevice device = TestImages.open(name.toString(), file, QedImages.readWrite())) {
            Guest.write(device, 0, K4, 1);
            device.changeBackingFile("base.raw", "raw");
            assertThat(device.info().backingFilename()).isEqualTo("base.raw");
            assertThat(device.info().backingFormat()).isEqualTo("raw");
        }
        assertThat(new QedReader(file.snapshot().toByteArray()).features()).isEqualTo(5);
        try (BlockDevice device = TestImages.open(name.toString(), file, QedImages.readWrite())) {
            Guest.expect(device, 0, K4, 1);
            Guest.expect(device, K4, MIB - K4, 'B');
            device.changeBackingFile("base.raw", null);
            assertThat(device.info().backingFormat()).isNull();
            String longest = "./".repeat(507) + "base.raw";
            device.changeBackingFile(longest, "raw");
            assertThat(device.info().backingFilename()).isEqualTo(longest);
            expect(Errno.ENOSPC, () -> device.changeBackingFile("x".repeat(K4), "raw"));
        }
        try (BlockDevice device = TestImages.open(name.toString(), file, QedImages.readWrite())) {
            Guest.expect(device, K4, K4, 'B');
            device.changeBackingFile(null, null);
            assertThat(device.info().backingFilename()).isNull();
        }
        assertThat(QedImages.expectSound(file).features()).isZero();
    }

    @Test
    void aNameMayBeAbsoluteRelativeAndInAnyLanguage() throws Exception {
        byte[] base = {'x'};
        for (String recorded :
                List.of("bäse ∂.raw", directory.resolve("bäse ∂.raw").toString())) {
            QedImages.raw(directory, "bäse ∂.raw", base);
            Path image = directory.resolve("t.qed");
            BlockDevice.create(
                    "qed",
                    image.toString(),
                    new CreateOptions(512, recorded, "raw", Map.of()),
                    OpenOptions.readWrite());
            try (BlockDevice device = BlockDevice.open(image.toString(), QedImages.readOnly())) {
                assertThat(device.info().backingFilename()).isEqualTo(recorded);
                Guest.expect(device, 0, 1, 'x');
                Guest.expect(device, 1, 511, 0);
            }
        }
    }

    @Test
    void readOnlyDevicesRefuseEveryChange() throws Exception {
        MemoryDriver file = QedImages.create(MIB, K4, 2);
        RequestLog log = new RequestLog();
        try (BlockDevice device = QedImages.open(new RecordingDriver("image", file, log), QedImages.readOnly())) {
            expect(Errno.EPERM, () -> Guest.write(device, 0, 512, 1));
            expect(Errno.EPERM, () -> device.writeZeroes(0, 512, 0));
            expect(Errno.EPERM, () -> device.discard(0, 512));
            expect(Errno.EPERM, () -> device.truncate(2 * MIB, true, PreallocationMode.OFF));
            expect(Errno.EPERM, () -> device.changeBackingFile("b", "raw"));
            device.flush();
        }
        assertThat(log.entries()).allMatch(e -> e.kind() == Kind.READ);
    }

    @Test
    void statusOfDataZerosAndNothing() throws Exception {
        MemoryDriver file = QedImages.create(16 * MIB, K4, 1);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            Guest.write(device, 2 * K4, 2 * K4, 1);
            device.writeZeroes(5 * K4, 2 * K4, 0);
            device.flush();
            QedReader reader = new QedReader(file.snapshot().toByteArray());
            BlockStatus data = device.blockStatus(2 * K4 + 10, MIB);
            assertThat(data.isData() && data.isAllocated()).isTrue();
            assertThat(data.length()).isEqualTo(2 * K4 - 10);
            assertThat(data.hostOffset()).isEqualTo(reader.dataOffset(2 * K4) + 10);
            BlockStatus zeros = device.blockStatus(5 * K4, MIB);
            assertThat(zeros.isZero() && zeros.isAllocated()).isTrue();
            assertThat(zeros.isData()).isFalse();
            assertThat(zeros.length()).isEqualTo(2 * K4);
            BlockStatus nothing = device.blockStatus(0, MIB);
            assertThat(nothing.isAllocated()).isFalse();
            assertThat(nothing.isZero()).isTrue();
            assertThat(nothing.length()).isEqualTo(2 * K4);
            assertThat(device.blockStatus(4 * MIB, 12 * MIB).length()).isEqualTo(12 * MIB);
        }
    }

    /** Many readers that need the same table read it once (single flight). */
    @Test
    void oneReadOfATableServesAllWhoWaitForIt() throws Exception {
        MemoryDriver file = QedImages.create(16 * MIB, K4, 1);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            Guest.write(device, 0, 64 * K4, 1);
        }
        long data = new QedReader(file.snapshot().toByteArray()).dataOffset(0);
        RequestLog log = new RequestLog();
        BlockingDriver blocking = new BlockingDriver(new RecordingDriver("image", file, log));
        try (BlockDevice device = QedImages.open(blocking, QedImages.readOnly())) {
            log.clear();
            BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.READ));
            List<Thread> readers = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                long offset = (long) i * K4;
                readers.add(Thread.ofVirtual().start(() -> {
                    try {
                        Guest.expect(device, offset, K4, 1);
                    } catch (BlockException e) {
                        throw new AssertionError(e);
                    }
                }));
            }
            hold.awaitHeld();
            for (Thread reader : readers.subList(1, 16)) {
                while (reader.getState() == Thread.State.RUNNABLE || reader.getState() == Thread.State.NEW) {
                    Thread.onSpinWait();
                }
            }
            hold.release();
            for (Thread reader : readers) {
                reader.join();
            }
            long size = 64L * K4;
            assertThat(log.entries().stream().filter(e -> e.offset() < data || e.offset() >= data + size))
                    .hasSize(1);
        }
    }

    @Test
    void aPartOfAClusterAtTheEndOfTheFileNeverShowsThrough() throws Exception {
        MemoryDriver file = QedImages.create(MIB, K4, 1);
        SparseBytes bytes = file.snapshot();
        byte[] garbage = new byte[K4 - 1];
        Arrays.fill(garbage, (byte) 'G');
        bytes.write(bytes.length(), garbage, 0, garbage.length);
        file.replace(bytes);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            for (int i = 0; i < 3; i++) {
                Guest.write(device, (10 + i) * K4 + 2000, 10, 1);
                Guest.expect(device, (10 + i) * K4, 2000, 0);
                Guest.expect(device, (10 + i) * K4 + 2010, K4 - 2010, 0);
            }
        }
        assertThat(QedImages.expectSound(file).leaks()).isZero();
    }

    @Test
    void anInvalidationThatFailsLeavesADeviceThatRefusesEverything() throws Exception {
        MemoryDriver file = QedImages.create(MIB, K4, 1);
        BlockDevice device = QedImages.open(file, QedImages.readWrite().withInactive(true));
        expect(Errno.EPERM, () -> Guest.write(device, 0, 512, 1));
        SparseBytes bytes = file.snapshot();
        bytes.write(0, new byte[] {'X'}, 0, 1);
        file.replace(bytes);
        failure(() -> device.invalidateCache(true));
        failure(() -> Guest.read(device, 0, 512));
        failure(() -> Guest.write(device, 0, 512, 1));
        // Whether closing says so once more is its own business; nothing may be written.
        QedImages.closeThoughItFails(device);
        assertThat(file.snapshot().toByteArray()).isEqualTo(bytes.toByteArray());
    }

    @Test
    void aFlushErrorIsReported() throws Exception {
        MemoryDriver file = QedImages.create(MIB, K4, 1);
        FaultDriver faulty = new FaultDriver(file);
        BlockDevice device = QedImages.open(faulty, QedImages.readWrite());
        Guest.write(device, 0, K4, 1);
        device.flush();
        Guest.write(device, 0, K4, 2);
        faulty.arm(Fault.once(Request.of(Kind.FLUSH)).with(Errno.ENOSPC));
        assertThat(failure(device::flush).errno()).isEqualTo(Errno.ENOSPC);
        assertThat(catchThrowableOfType(BlockException.class, device::close)).isNotNull();
    }
}
