// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.Accounting;
import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CheckResult;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.iotests.support.QedReader;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.GoldenImages;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The errors of the reference implementation that qed.md sections 16 and 18 list, each looked for here. Those that other tests show
 * not to be there (E4's map, E5, E6, E15, E16, …) are named in docs/acceptance-qed.md.
 */
@Timeout(120)
class ErrataTest {
    private static final int K4 = 4096;
    private static final int K64 = 64 << 10;
    private static final long MIB = 1 << 20;
    private static final GoldenImages GOLDEN = new GoldenImages(ErrataTest.class, "/golden/qed");

    @TempDir
    Path directory;

    private static BlockException failure(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        BlockException e = catchThrowableOfType(BlockException.class, call);
        assertThat(e).as("must fail").isNotNull();
        return e;
    }

    private MemoryDriver over(String base, long size, int clusterSize) throws Exception {
        return QedImages.createOver(directory.resolve("test.qed"), base, size, clusterSize, 2);
    }

    private BlockDevice openOver(io.loomblock.driver.BlockDriver file) throws Exception {
        return TestImages.open(directory.resolve("test.qed").toString(), file, QedImages.readWrite());
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void e1aFilesAbove16MiBWithSmallClustersHaveNoPhantomLeaks() throws Exception {
        MemoryDriver file = QedImages.create(64 * MIB, K4, 2);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            Guest.write(device, 0, 18 * MIB, 'a');
            CheckResult result = device.check(FixMode.NONE);
            assertThat(result.isClean()).as("%s", result).isTrue();
        }
    }

    @ParameterizedTest(name = "zeros {0}")
    @ValueSource(booleans = {false, true})
    void e1bARequestOf4095ClustersDoesNotTouchTheNext(boolean zeros) throws Exception {
        int bytes = 4095 * K4;
        MemoryDriver file = QedImages.create(64 * MIB, K4, 16);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite());
                AlignedBuffer buffer = AlignedBuffer.allocate(bytes)) {
            Guest.write(device, bytes, K4, 0xaa);
            if (zeros) {
                device.writeZeroes(0, bytes, 0);
            } else {
                buffer.fill(0, bytes, (byte) 0x11);
                device.write(0, IoVector.of(buffer));
            }
            Guest.expect(device, bytes, K4, 0xaa);
            Guest.expect(device, 0, bytes, zeros ? 0 : 0x11);
            assertThat(device.check(FixMode.NONE).isClean()).isTrue();
        }
    }

    @Test
    void e2TablesOfOneClusterOpen() throws Exception {
        MemoryDriver file = QedImages.create(8 * MIB, K64, 1);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            Guest.write(device, 5 * MIB, 1000, 'a');
        }
        try (BlockDevice device = QedImages.open(file, QedImages.readOnly())) {
            Guest.expect(device, 5 * MIB, 1000, 'a');
        }
        QedImages.expectSound(file);
    }

    @ParameterizedTest(name = "clusters of {0} MiB")
    @ValueSource(ints = {4, 16, 64})
    void e3LargeClustersMapSizesUpTo63Bits(int mib) throws Exception {
        long size = Long.MAX_VALUE & -512L;
        MemoryDriver file = QedImages.create(size, (int) (mib * MIB), 16);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            assertThat(device.length()).isEqualTo(size);
            // The block layer itself ends a GiB before.
            long last = (Long.MAX_VALUE & -(1L << 30)) - 512;
            Guest.write(device, last, 512, 'z');
            Guest.expect(device, last, 512, 'z');
            Guest.expect(device, last - 512, 512, 0);
            assertThat(device.blockStatus(0, size).length()).isPositive();
        }
    }

    @Test
    void e4RunsOfFourGiBHaveALength() throws Exception {
        MemoryDriver file = QedImages.create(8L << 30, K64, 16);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            Guest.write(device, 0, K64, 'a');
            Guest.write(device, 4295032832L, K64, 'b');
            BlockStatus status = device.blockStatus(K64, (8L << 30) - K64);
            assertThat(status.isData()).isFalse();
            assertThat(status.length()).isEqualTo(4295032832L - K64);
            assertThat(Guest.map(device)).hasSize(4);
        }
        MemoryDriver large = QedImages.create(4097 * MIB, (int) MIB, 4);
        try (BlockDevice device = QedImages.open(large, QedImages.readWrite())) {
            Guest.write(device, 0, K64, 'a');
            assertThat(Guest.map(device)).hasSize(2);
        }
    }

    /** One failing table write must not make a later write look safe that is not. */
    @ParameterizedTest(name = "the L1 table {0}")
    @ValueSource(booleans = {false, true})
    void e8AWriteAfterAFailedTableUpdateIsDurableOrRefused(boolean l1) throws Exception {
        MemoryDriver file = QedImages.create(64 * MIB, K64, 4);
        if (!l1) {
            try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
                Guest.write(device, MIB, K64, 'o');
            }
        }
        long l1Start = K64;
        long l1End = 5L * K64;
        long tables = l1 ? l1Start : l1End;
        long tablesEnd = l1 ? l1End : l1End + 4L * K64;
        for (boolean once : new boolean[] {true, false}) {
            MemoryDriver copy = new MemoryDriver(file.snapshot());
            FaultDriver faulty = new FaultDriver(copy);
            Fault fault = once
                    ? Fault.once(Request.of(Kind.WRITE, tables, tablesEnd))
                    : Fault.always(Request.of(Kind.WRITE, tables, tablesEnd));
            BlockDevice device = QedImages.open(faulty, QedImages.readWrite());
            faulty.arm(fault);
            boolean acknowledged = true;
            for (int value = 1; value <= 2; value++) {
                try {
                    acknowledged = true;
                    Guest.write(device, 0, K64, value);
                    device.flush();
                } catch (BlockException e) {
                    acknowledged = false;
                }
                faulty.disarm();
            }
            assertThat(faulty.failures()).isPositive();
            QedImages.closeThoughItFails(device);
            try (BlockDevice again = QedImages.open(copy, QedImages.readWrite())) {
                QedImages.expectNoCorruption(again);
                if (acknowledged) {
                    Guest.expect(again, 0, K64, 2);
                }
            }
        }
    }

    @Test
    void e9WithoutTheMarkOnDiskNoTableIsWritten() throws Exception {
        MemoryDriver file = QedImages.create(64 * MIB, K64, 4);
        RequestLog log = new RequestLog();
        RecordingDriver recorder = new RecordingDriver("image", file, log);
        FaultDriver faulty = new FaultDriver(recorder);
        BlockDevice device = QedImages.open(faulty, QedImages.readWrite());
        faulty.arm(Fault.once(Request.of(Kind.WRITE, 0, 512)));
        try {
            Guest.write(device, 0, K64, 1);
            device.flush();
        } catch (BlockException e) {
            assertThat(e.errno()).isEqualTo(Errno.EIO);
        }
        Guest.write(device, K64, K64, 2);
        device.flush();
        int marked = -1;
        List<RequestLog.Entry> entries = log.entries();
        for (int i = 0; i < entries.size(); i++) {
            RequestLog.Entry e = entries.get(i);
            if (e.kind() == Kind.WRITE && e.offset() == 0 && e.data()[16] == 2) {
                marked = i;
            }
            // What the L2 table held as it was created is nothing but zeros.
            boolean table = e.kind() == Kind.WRITE && e.length() == 512 && e.offset() > 0 && !isZero(e.data());
            assertThat(table && marked < 0).as("%s before the mark", e).isFalse();
        }
        assertThat(marked).isNotNegative();
        assertThat(new QedReader(file.snapshot().toByteArray()).needCheck()).isTrue();
        device.close();
        QedImages.expectSound(file);
    }

    private static boolean isZero(byte[] data) {
        for (byte b : data) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    @Test
    void e10TheMarkOfAnImageThatCannotBeRepairedStays() throws Exception {
        MemoryDriver file = new MemoryDriver(SparseBytes.of(GOLDEN.bytes("c-dirty-dup.qed")));
        byte[] before = file.snapshot().toByteArray();
        assertThat(failure(() -> QedImages.open(file, QedImages.readWrite())).reason())
                .isEqualTo("Image corrupted");
        FakeTimers timers = new FakeTimers();
        try (BlockDevice device =
                QedImages.open(file, QedImages.readWrite(timers).withCheck(true))) {
            assertThat(device.check(FixMode.ALL).corruptions()).isEqualTo(1);
            timers.advance(Duration.ofSeconds(20));
        }
        assertThat(file.snapshot().toByteArray()).isEqualTo(before);
    }

    @Test
    void e11InvalidatingWritesNothingOfTheOldState() throws Exception {
        MemoryDriver file = QedImages.create(4 * MIB, K4, 2);
        RequestLog log = new RequestLog();
        RecordingDriver recorder = new RecordingDriver("image", file, log);
        try (BlockDevice device = QedImages.open(recorder, QedImages.readWrite().withInactive(true))) {
            Guest.expect(device, 0, K4, 0);
            // Another process grows the image, fills it and is killed.
            BlockDevice other = QedImages.open(file, QedImages.readWrite());
            other.truncate(8 * MIB, true, PreallocationMode.OFF);
            Guest.write(other, 0, K4, 'o');
            Guest.write(other, 7 * MIB, K4, 'p');
            other.flush();
            byte[] theirs = file.snapshot().toByteArray();
            assertThat(new QedReader(theirs).needCheck()).isTrue();

            device.invalidateCache(false);
            assertThat(log.entries()).noneMatch(e -> e.kind().changes());
            assertThat(file.snapshot().toByteArray()).isEqualTo(theirs);
            assertThat(device.length()).isEqualTo(8 * MIB);
            Guest.expect(device, 0, K4, 'o');

            device.invalidateCache(true);
            Guest.expect(device, 7 * MIB, K4, 'p');
            assertThat(new QedReader(file.snapshot().toByteArray()).needCheck()).isFalse();
            Guest.write(device, 2 * MIB, K4, 'm');
        }
        QedImages.expectSound(file);
    }

    @Test
    void e12BackingNamesThatNobodyCouldReadAreRefusedBeforeAnythingIsWritten() throws Exception {
        Path image = directory.resolve("new.qed");
        for (String name : List.of("x".repeat(4205), "y".repeat(1024), "a\0b")) {
            CreateOptions create = QedImages.options(MIB, K4, 2).withBacking(name, "raw");
            BlockException e =
                    failure(() -> BlockDevice.create("qed", image.toString(), create, OpenOptions.readWrite()));
            assertThat(e.errno()).isEqualTo(Errno.EINVAL);
            assertThat(image).doesNotExist();
        }
        BlockDevice.create("qed", image.toString(), QedImages.options(MIB, K4, 2), OpenOptions.readWrite());
        try (BlockDevice device = BlockDevice.open(image.toString(), QedImages.readWrite())) {
            assertThat(failure(() -> device.changeBackingFile("z".repeat(4090), "raw"))
                            .errno())
                    .isEqualTo(Errno.ENOSPC);
            assertThat(failure(() -> device.changeBackingFile("a\0b", "raw")).errno())
                    .isEqualTo(Errno.EINVAL);
            assertThat(device.info().backingFilename()).isNull();
        }
    }

    @Test
    void e13AWriteIntoAZeroClusterBringsNoBackingDataBack() throws Exception {
        QedImages.raw(directory, "base.raw", filled((int) MIB, 'B'));
        MemoryDriver file = over("base.raw", MIB, K64);
        try (BlockDevice device = openOver(file)) {
            device.writeZeroes(0, 3 * K64, 0);
            Guest.write(device, 8192, K4, 'n');
            Guest.expect(device, 0, 8192, 0);
            Guest.expect(device, 8192, K4, 'n');
            Guest.expect(device, 12288, K64 - 12288, 0);
            // From a zero cluster into one that the backing file shows through, and the other way round.
            Guest.write(device, 3 * K64 - 100, 200, 'm');
            Guest.expect(device, 2 * K64, K64 - 100, 0);
            Guest.expect(device, 3 * K64 - 100, 200, 'm');
            Guest.expect(device, 3 * K64 + 100, K64 - 100, 'B');
            device.writeZeroes(5 * K64, K64, 0);
            Guest.write(device, 5 * K64 - 100, 200, 'o');
            Guest.expect(device, 4 * K64, K64 - 100, 'B');
            Guest.expect(device, 5 * K64 + 100, K64 - 100, 0);
        }
        QedImages.expectSound(file);
    }

    @Test
    void e18AReadAcrossTheEndOfAShorterBackingFileGivesZerosAfterIt() throws Exception {
        QedImages.raw(directory, "base.raw", Pattern.bytes(1, 0, 100_001));
        MemoryDriver file = over("base.raw", MIB, K64);
        try (BlockDevice device = openOver(file)) {
            byte[] read = Guest.read(device, 99_000, 200_000);
            assertThat(Arrays.copyOf(read, 1001)).isEqualTo(Pattern.bytes(1, 99_000, 1001));
            assertThat(isZero(Arrays.copyOfRange(read, 1001, read.length))).isTrue();
            Guest.write(device, K64 + 10, 10, 'n');
            assertThat(Guest.read(device, 98_000, 2001)).isEqualTo(Pattern.bytes(1, 98_000, 2001));
            Guest.expect(device, 100_001, 2 * K64 - 100_001, 0);
        }
    }

    @Test
    void e19ADrainWithAQueuedAllocationCompletesEverythingOnce() throws Exception {
        MemoryDriver file = QedImages.create(16 * MIB, K64, 4);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            List<Thread> writers = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                int number = i;
                writers.add(Thread.ofVirtual().start(() -> {
                    try {
                        for (int round = 0; round < 20; round++) {
                            Guest.write(device, round * (long) K64 + number * K4, K4, number + 1);
                        }
                    } catch (BlockException e) {
                        throw new AssertionError(e);
                    }
                }));
            }
            for (int i = 0; i < 20; i++) {
                try (BlockDevice.Drained outer = device.drain();
                        BlockDevice.Drained inner = device.drain()) {
                    long before = writes(device);
                    LockSupport.parkNanos(100_000);
                    assertThat(writes(device)).isEqualTo(before);
                }
            }
            for (Thread writer : writers) {
                writer.join();
            }
            for (int at = 0; at < 20 * 16; at++) {
                Guest.expect(device, at / 16 * (long) K64 + at % 16 * K4, K4, at % 16 + 1);
            }
        }
        assertThat(QedImages.expectSound(file).leaks()).isZero();
    }

    private static long writes(BlockDevice device) {
        return device.accounting().of(Accounting.Kind.WRITE).operations();
    }

    @Test
    void e20AnUnalignedZeroWriteHidesNoMoreOfTheBackingFileThanItShould() throws Exception {
        QedImages.raw(directory, "base.raw", filled((int) MIB, 'B'));
        MemoryDriver file = over("base.raw", MIB, K64);
        try (BlockDevice device = openOver(file)) {
            device.writeZeroes(1000, 3 * K64, 0);
            Guest.expect(device, 0, 1000, 'B');
            Guest.expect(device, 1000, 3 * K64, 0);
            Guest.expect(device, 3 * K64 + 1000, K64, 'B');
            assertThat(new QedReader(flushed(device, file)).state(K64)).isEqualTo(QedReader.State.ZERO);
        }
    }

    private static byte[] flushed(BlockDevice device, MemoryDriver file) throws BlockException {
        device.flush();
        return file.snapshot().toByteArray();
    }

    @Test
    void e21ClusterCountsBeyond32BitsAreChecked() throws Exception {
        MemoryDriver file = QedImages.create(MIB, K4, 2);
        SparseBytes bytes = file.snapshot();
        long clusters = (1L << 32) + 10;
        bytes.truncate(clusters * K4);
        file.replace(bytes);
        try (BlockDevice device = QedImages.open(file, QedImages.readOnly())) {
            CheckResult result = device.check(FixMode.NONE);
            assertThat(result.leaks()).isEqualTo(clusters - 3);
            assertThat(result.corruptions()).isZero();
        }
    }

    @Test
    void e23ARawBackingFileIsRecordedAsRawAndNeverProbed() throws Exception {
        MemoryDriver inner = QedImages.create(MIB, K4, 2);
        QedImages.raw(directory, "evil.raw", inner.snapshot().toByteArray());
        MemoryDriver file = over("evil.raw", MIB, K4);
        assertThat(new QedReader(file.snapshot().toByteArray()).features()).isEqualTo(5);
        try (BlockDevice device = openOver(file)) {
            assertThat(Guest.read(device, 0, 3)).isEqualTo(new byte[] {'Q', 'E', 'D'});
            device.changeBackingFile("evil.raw", "raw");
            assertThat(new QedReader(file.snapshot().toByteArray()).features()).isEqualTo(5);
            device.changeBackingFile("evil.raw", null);
            assertThat(new QedReader(file.snapshot().toByteArray()).features()).isEqualTo(1);
        }
    }

    @Test
    void e25WhatElseStandsInTheFirstSectorSurvivesEveryHeaderUpdate() throws Exception {
        MemoryDriver file = QedImages.create(MIB, K4, 2);
        SparseBytes bytes = file.snapshot();
        byte[] extra = Pattern.bytes(5, 0, 448);
        bytes.write(64, extra, 0, 448);
        bytes.write(24, new byte[] {9, 0, 0, 0, 0, 0, 0, (byte) 0x80}, 0, 8);
        bytes.write(32, new byte[] {3}, 0, 1);
        file.replace(bytes);
        FakeTimers timers = new FakeTimers();
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite(timers))) {
            Guest.write(device, 0, K4, 'a');
            device.flush();
            timers.advance(QedImages.NEED_CHECK_DELAY);
            device.truncate(2 * MIB, true, PreallocationMode.OFF);
            Guest.write(device, MIB, K4, 'b');
            assertThat(failure(() -> device.changeBackingFile("b", "raw")).errno())
                    .isEqualTo(Errno.ENOTSUP);
        }
        QedReader reader = QedImages.expectSound(file);
        assertThat(reader.compatFeatures()).isEqualTo(0x8000000000000009L);
        assertThat(reader.autoclearFeatures()).isZero();
        assertThat(Arrays.copyOfRange(file.snapshot().toByteArray(), 64, 512)).isEqualTo(extra);
    }

    @Test
    void e26GrowingOverALongerBackingFileShowsZeros() throws Exception {
        QedImages.raw(directory, "base.raw", filled((int) (3 * MIB), 'B'));
        MemoryDriver file = over("base.raw", MIB + 512, K64);
        try (BlockDevice device = openOver(file)) {
            device.truncate(2 * MIB, true, PreallocationMode.OFF);
            Guest.expect(device, 0, MIB + 512, 'B');
            Guest.expect(device, MIB + 512, MIB - 512, 0);
            Guest.write(device, MIB + K64 + 100, 100, 'n');
            device.truncate(4 * MIB, true, PreallocationMode.OFF);
            Guest.expect(device, 2 * MIB, 2 * MIB, 0);
            Guest.expect(device, MIB + K64, 100, 0);
        }
        try (BlockDevice device = openOver(file)) {
            Guest.expect(device, MIB + 512, K64 - 512, 0);
            Guest.expect(device, 2 * MIB, 2 * MIB, 0);
        }
    }

    @Test
    void e28ManyAllocationsShareAFlush() throws Exception {
        QedImages.raw(directory, "base.raw", filled((int) (4 * MIB), 'B'));
        MemoryDriver file = over("base.raw", 4 * MIB, K4);
        RequestLog log = new RequestLog();
        try (BlockDevice device = openOver(new RecordingDriver("image", file, log))) {
            for (int i = 0; i < 200; i++) {
                Guest.write(device, 8192L * i, 100, i);
            }
            device.flush();
            assertThat(log.entries().stream()
                            .filter(e -> e.kind() == Kind.FLUSH)
                            .count())
                    .isLessThanOrEqualTo(6);
        }
        QedImages.expectSound(file);
    }

    @Test
    void e29AChainThatContainsItselfIsRefused() throws Exception {
        Path a = directory.resolve("a.qed");
        Path b = directory.resolve("b.qed");
        BlockDevice.create("qed", a.toString(), CreateOptions.ofSize(MIB), OpenOptions.readWrite());
        BlockDevice.create("qed", b.toString(), CreateOptions.ofSize(MIB), OpenOptions.readWrite());
        change(a, "./../" + directory.getFileName() + "/b.qed");
        change(b, "a.qed");
        for (Path image : List.of(a, b)) {
            BlockException e = failure(() -> BlockDevice.open(image.toString(), QedImages.readOnly()));
            assertThat(e.reason()).contains("infinite loop").doesNotContain("\n");
        }
        change(a, "a.qed");
        assertThat(failure(() -> BlockDevice.open(a.toString(), QedImages.readOnly()))
                        .errno())
                .isEqualTo(Errno.ELOOP);
    }

    private static void change(Path image, String backing) throws Exception {
        OpenOptions alone = QedImages.readWrite().withNoBacking(true);
        try (BlockDevice device = BlockDevice.open(image.toString(), alone)) {
            device.changeBackingFile(backing, "qed");
        }
    }

    @Test
    void e30ZeroingMuchDataTakesLittleMemory() throws Exception {
        long size = 256 * MIB;
        MemoryDriver file = QedImages.create(size, (int) MIB, 4);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            for (long at = 0; at < size; at += MIB) {
                Guest.write(device, at, 512, 'a');
            }
            long before = io.loomblock.memory.BufferPool.shared().outstanding();
            device.writeZeroes(0, size, 0);
            assertThat(io.loomblock.memory.BufferPool.shared().outstanding()).isEqualTo(before);
            for (long at = 0; at < size; at += MIB) {
                Guest.expect(device, at, 512, 0);
            }
        }
    }

    @Test
    void e31ARepairOfLeaksOnlyTouchesNoEntry() throws Exception {
        MemoryDriver file = new MemoryDriver(SparseBytes.of(GOLDEN.bytes("c-multi.qed")));
        byte[] before = file.snapshot().toByteArray();
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite().withCheck(true))) {
            CheckResult result = device.check(FixMode.LEAKS);
            assertThat(result.corruptions()).isEqualTo(3);
            assertThat(result.corruptionsFixed()).isZero();
        }
        byte[] after = file.snapshot().toByteArray();
        assertThat(Arrays.copyOf(after, before.length)).isEqualTo(before);
    }

    /** An entry that points at the L1 table, at an L2 table, or at a cluster that is in use (E15). */
    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"c-data-is-l1.qed", "c-data-is-l2.qed"})
    void e15AWriteNeverGoesIntoATable(String name) throws Exception {
        byte[] before = GOLDEN.bytes(name);
        QedReader reader = new QedReader(before);
        long bad = 0;
        while (reader.state(bad) != QedReader.State.INVALID) {
            bad += K4;
        }
        long at = bad;
        MemoryDriver file = new MemoryDriver(SparseBytes.of(before));
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            assertThat(failure(() -> Guest.write(device, at, K4, 'x')).errno()).isEqualTo(Errno.EIO);
            assertThat(failure(() -> Guest.write(device, at + 100, 10, 'x')).errno())
                    .isEqualTo(Errno.EIO);
            assertThat(failure(() -> device.writeZeroes(at, K4, 0)).errno()).isEqualTo(Errno.EIO);
        }
        assertThat(file.snapshot().toByteArray()).isEqualTo(before);
    }

    @Test
    void e22AShortFileIsRefused() throws Exception {
        for (int length : new int[] {0, 3, 40, 63}) {
            byte[] bytes = Arrays.copyOf(GOLDEN.bytes("empty-default.qed"), length);
            BlockException e =
                    failure(() -> QedImages.open(new MemoryDriver(SparseBytes.of(bytes)), QedImages.readOnly()));
            assertThat(e.reason()).startsWith("Failed to read QED header");
        }
    }

    @Test
    void e27SizesBeyond63BitsAreRefused() throws Exception {
        byte[] bytes = GOLDEN.bytes("empty-default.qed");
        for (long size : new long[] {Long.MIN_VALUE, -512, Long.MIN_VALUE + 512, -1}) {
            ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(48, size);
            BlockException e =
                    failure(() -> QedImages.open(new MemoryDriver(SparseBytes.of(bytes)), QedImages.readOnly()));
            assertThat(e.reason()).isEqualTo("QED image size is invalid");
        }
    }
}
