// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import static io.loomblock.addcow.TestDisk.BASE;
import static io.loomblock.addcow.TestDisk.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.CheckResult;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingReference;
import io.loomblock.testkit.FaultDriver.Effect;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A check finds what does not fit together and repairs it; the backing file can be changed, removed, or shown again everywhere. */
@Tag("jars")
class RepairAndRebaseTest {
    private static final int CLUSTER = 4096;
    private static final int SIZE = 100 * CLUSTER + 512;
    private static final OpenOptions CHECK = OpenOptions.readWrite().withCheck(true);

    private static CheckResult check(TestDisk disk, FixMode fix) throws Exception {
        return disk.device.check(fix);
    }

    @Test
    void anImageInUseIsClean() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 10 * CLUSTER, 3 * CLUSTER);
            disk.write(2, SIZE - 10, 10);
            CheckResult result = check(disk, FixMode.ALL);
            assertThat(result.isClean()).isTrue();
            assertThat(result.corruptionsFixed()).isZero();
            assertThat(result.totalClusters()).isEqualTo(101);
            assertThat(result.allocatedClusters()).isEqualTo(4);
            assertThat(result.imageEndOffset()).isEqualTo(8192);
        }
    }

    @Test
    void bitsBehindTheEndAreCountedAndCleared() throws Exception {
        byte[] base = Pattern.bytes(BASE, 0, SIZE);
        SparseBytes file = TestDisk.image(CLUSTER, SIZE, base);
        // Clusters 96 to 103, of which 100 is the last; one bit at the end of the table.
        file.write(4096 + 12, new byte[] {(byte) 0xff}, 0, 1);
        file.write(8191, new byte[] {(byte) 0x80}, 0, 1);
        SparseBytes data = new SparseBytes();
        data.truncate(SIZE);
        try (TestDisk disk = TestDisk.open(file, data, base, CHECK)) {
            CheckResult found = check(disk, FixMode.NONE);
            assertThat(found.corruptions()).isEqualTo(4);
            assertThat(found.leaks()).isZero();
            assertThat(found.allocatedClusters()).isEqualTo(5);
            assertThat(check(disk, FixMode.LEAKS).corruptions()).isEqualTo(4);
            assertThat(disk.changes(0)).isEmpty();
            CheckResult fixed = check(disk, FixMode.ALL);
            assertThat(fixed.corruptions()).isZero();
            assertThat(fixed.corruptionsFixed()).isEqualTo(4);
            assertThat(check(disk, FixMode.NONE).isClean()).isTrue();
            assertThat(disk.bitInFile(CLUSTER, 100)).isTrue();
            assertThat(disk.bitInFile(CLUSTER, 101)).isFalse();
            disk.assertHolds(0, 96 * CLUSTER, SIZE - 96 * CLUSTER);
            disk.assertHolds(BASE, 0, 96 * CLUSTER);
        }
    }

    /** The size of the disk is the data file's length, so that only the tables show that there was more. */
    @ParameterizedTest(name = "with a backing file: {0}")
    @ValueSource(booleans = {true, false})
    void aDataFileThatWasEmptiedIsFound(boolean hasBacking) throws Exception {
        byte[] base = hasBacking ? Pattern.bytes(BASE, 0, SIZE) : null;
        SparseBytes file = TestDisk.image(CLUSTER, SIZE, base);
        try (TestDisk disk = TestDisk.open(file, new SparseBytes(), base, CHECK)) {
            CheckResult found = check(disk, FixMode.NONE);
            assertThat(found.leaks()).isEqualTo(1);
            assertThat(found.corruptions()).isZero();
            assertThat(check(disk, FixMode.LEAKS).leaksFixed()).isEqualTo(1);
            assertThat(check(disk, FixMode.NONE).isClean()).isTrue();
            assertThat(disk.file.memory.snapshot().length()).isEqualTo(4096);
        }
    }

    /** Those who put the data file back find in it what they had, not the backing file. */
    @Test
    void aRepairOfLeaksForgetsNothingOfADataFileThatWasEmptied() throws Exception {
        byte[] base = Pattern.bytes(BASE, 0, SIZE);
        SparseBytes file;
        SparseBytes data;
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 10 * CLUSTER, 3 * CLUSTER);
            disk.device.flush();
            file = disk.file.memory.snapshot();
            data = disk.data.memory.snapshot();
        }
        try (TestDisk disk = TestDisk.open(file.copy(), new SparseBytes(), base, CHECK)) {
            assertThat(check(disk, FixMode.NONE).corruptions()).isEqualTo(3);
            CheckResult fixed = check(disk, FixMode.LEAKS);
            assertThat(fixed.corruptions()).isEqualTo(3);
            assertThat(fixed.leaks()).isEqualTo(1);
            assertThat(fixed.leaksFixed()).isZero();
            file = disk.file.memory.snapshot();
            CheckResult all = check(disk, FixMode.ALL);
            assertThat(all.corruptionsFixed()).isEqualTo(3);
            assertThat(all.leaksFixed()).isEqualTo(1);
            assertThat(check(disk, FixMode.NONE).isClean()).isTrue();
        }
        try (TestDisk disk = TestDisk.open(file, data, base, CHECK)) {
            assertThat(check(disk, FixMode.NONE).isClean()).isTrue();
            disk.assertHolds(1, 10 * CLUSTER, 3 * CLUSTER);
        }
    }

    /** The data file grew by other hands, or the bitmap was cut off (E15). */
    @Test
    void aBitmapThatIsTooShortIsRefusedButCanBeRepaired() throws Exception {
        byte[] base = Pattern.bytes(BASE, 0, SIZE);
        SparseBytes file = TestDisk.image(CLUSTER, SIZE, base);
        file.truncate(4096 + 5);
        SparseBytes data = new SparseBytes();
        data.truncate(SIZE);
        for (boolean writable : new boolean[] {true, false}) {
            OpenOptions options = OpenOptions.readOnly().withWritable(writable);
            failure(Errno.EINVAL, () -> TestDisk.open(file.copy(), data.copy(), base, options));
        }
        try (TestDisk disk = TestDisk.open(file, data, base, CHECK)) {
            assertThat(check(disk, FixMode.LEAKS).corruptions()).isEqualTo(1);
            assertThat(check(disk, FixMode.ALL).corruptionsFixed()).isEqualTo(1);
            disk.device.flush();
            try (TestDisk again = disk.peek(OpenOptions.readWrite())) {
                again.assertHolds(BASE, 0, SIZE);
            }
        }
    }

    @Test
    void bitsMeanNothingWhereEverythingIsAllocated() throws Exception {
        try (TestDisk disk = TestDisk.alone(CLUSTER, SIZE)) {
            disk.file.memory.replace(withByte(disk.file.memory.snapshot(), 8000));
            CheckResult result = check(disk, FixMode.ALL);
            assertThat(result.isClean()).isTrue();
            assertThat(result.corruptionsFixed()).isZero();
            assertThat(result.allocatedClusters()).isEqualTo(101);
        }
    }

    private static SparseBytes withByte(SparseBytes bytes, long at) {
        bytes.write(at, new byte[] {1}, 0, 1);
        return bytes;
    }

    @Test
    void whatCannotBeReadIsAnErrorOfTheCheck() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.file.faults.arm(Fault.always(Request.of(Kind.READ)));
            assertThat(check(disk, FixMode.NONE).checkErrors()).isEqualTo(1);
            disk.file.faults.disarm();
        }
    }

    private static byte[] otherBase() {
        return Pattern.bytes(77, 0, SIZE);
    }

    @Test
    void anotherBackingFileIsRecordedNameFirst() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 0, CLUSTER);
            disk.device.flush();
            int start = disk.log.size();
            disk.device.changeBackingFile("other.raw", "raw");
            List<String> changes = disk.changes(start);
            assertThat(changes).hasSize(4);
            assertThat(changes.get(0)).startsWith("write test.add-cow 9@");
            assertThat(changes.subList(1, 4))
                    .containsExactly("flush test.add-cow", "write test.add-cow 512@0", "flush test.add-cow");
            assertThat(disk.driver().backingReference()).isEqualTo(new BackingReference("other.raw", "raw"));
            disk.files.put("other.raw", otherBase());
            disk.files.put(TestDisk.NAME, new MemoryDriver(disk.file.memory.snapshot()));
            try (var again = disk.files.open(TestDisk.NAME, null, OpenOptions.readOnly())) {
                byte[] bytes = new byte[CLUSTER];
                again.read(CLUSTER, java.nio.ByteBuffer.wrap(bytes));
                assertThat(bytes).isEqualTo(Pattern.bytes(77, CLUSTER, CLUSTER));
            }
        }
    }

    @Test
    void backingFilesThatCannotBeRecordedAreRefused() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            failure(Errno.EINVAL, () -> disk.device.changeBackingFile("other.raw", null));
            failure(Errno.EINVAL, () -> disk.device.changeBackingFile("other.raw", "bogus"));
            failure(Errno.EINVAL, () -> disk.device.changeBackingFile("x".repeat(1024), "raw"));
            failure(Errno.EINVAL, () -> disk.device.changeBackingFile("a\0b", "raw"));
            assertThat(disk.changes(0)).isEmpty();
            disk.device.changeBackingFile("x".repeat(1023), "raw");
            disk.device.changeBackingFile("y".repeat(1023), "raw");
            disk.device.changeBackingFile("z".repeat(10), "raw");
        }
        try (TestDisk disk = TestDisk.alone(CLUSTER, SIZE)) {
            failure(Errno.ENOTSUP, () -> disk.device.changeBackingFile("other.raw", "raw"));
            disk.device.changeBackingFile(null, null);
        }
    }

    /** An image of which every bit is set is marked when its backing file goes: data, bits and header, each durable before the next. */
    @Test
    void anImageThatHasEverythingSaysSoWhenItLosesItsBackingFile() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 0, SIZE);
            int start = disk.log.size();
            disk.device.changeBackingFile(null, null);
            assertThat(disk.changes(start))
                    .containsExactly(
                            "flush data.raw",
                            "write test.add-cow 512@4096",
                            "flush test.add-cow",
                            "write test.add-cow 512@0",
                            "flush test.add-cow");
            assertThat(disk.device.info().formatSpecific()).containsEntry("all-allocated", true);
            disk.assertHolds(1, 0, SIZE);
            try (TestDisk again = disk.peek()) {
                assertThat(again.driver().backingReference()).isNull();
                again.assertHolds(1, 0, SIZE);
            }
        }
    }

    @Test
    void withoutItsBackingFileTheRestReadsAsZeros() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, CLUSTER, CLUSTER);
            disk.device.changeBackingFile(null, null);
            disk.device.flush();
            try (TestDisk again = disk.peek(OpenOptions.readWrite())) {
                again.assertHolds(0, 0, CLUSTER);
                again.assertHolds(1, CLUSTER, CLUSTER);
                again.write(2, 5 * CLUSTER + 100, 100);
                again.assertHolds(0, 5 * CLUSTER, 100);
                again.assertHolds(0, 5 * CLUSTER + 200, CLUSTER);
            }
        }
    }

    @Test
    void anEmptiedImageShowsItsBackingFile() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 0, SIZE);
            disk.device.node().makeEmpty();
            disk.assertHolds(BASE, 0, SIZE);
            disk.write(2, 512, 512);
            disk.assertHolds(BASE, 0, 512);
            disk.device.flush();
            try (TestDisk again = disk.peek()) {
                again.assertHolds(2, 512, 512);
                again.assertHolds(BASE, 1024, SIZE - 1024);
            }
        }
        try (TestDisk disk = TestDisk.alone(CLUSTER, SIZE)) {
            failure(Errno.ENOTSUP, () -> disk.device.node().makeEmpty());
        }
    }

    @Test
    void anInvalidatedImageIsReadAnew() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.assertHolds(BASE, 0, SIZE);
            SparseBytes file = disk.file.memory.snapshot();
            file.write(4096, new byte[] {2}, 0, 1);
            file.truncate(4096 + 4096);
            SparseBytes data = disk.data.memory.snapshot();
            data.write(CLUSTER, Pattern.bytes(9, CLUSTER, CLUSTER), 0, CLUSTER);
            data.truncate(SIZE + 10 * CLUSTER);
            disk.file.memory.replace(file);
            disk.data.memory.replace(data);
            disk.device.invalidateCache(true);
            disk.assertHolds(9, CLUSTER, CLUSTER);
            disk.assertHolds(BASE, 0, CLUSTER);
            // R1: the length is asked for, not remembered.
            assertThat(disk.device.length()).isEqualTo(SIZE + 10 * CLUSTER);
        }
    }

    @Test
    void bitsThatAreNotWrittenAreNotForgotten() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 0, CLUSTER);
            failure(Errno.EBUSY, () -> disk.device.invalidateCache(true));
            disk.assertHolds(1, 0, CLUSTER);
            disk.device.flush();
            disk.device.invalidateCache(true);
            disk.assertHolds(1, 0, CLUSTER);
        }
    }

    @Test
    void anInactiveImageIsNotWrittenUntilItIsActivated() throws Exception {
        OpenOptions options = OpenOptions.readWrite().withInactive(true);
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE, options)) {
            disk.assertHolds(BASE, 0, SIZE);
            failure(Errno.EPERM, () -> disk.write(1, 0, 512));
            disk.device.invalidateCache(true);
            disk.write(1, 0, 512);
            disk.assertHolds(1, 0, 512);
        }
    }

    @Test
    void itsOwnFilesAreNoBackingFile() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            failure(Errno.EINVAL, () -> disk.device.changeBackingFile(TestDisk.DATA, "raw"));
            failure(Errno.EINVAL, () -> disk.device.changeBackingFile(TestDisk.NAME, "add-cow"));
            assertThat(disk.changes(0)).isEmpty();
        }
    }

    /** Both attempts fail, though the second one is done all the same: the old header is put back. */
    @Test
    void aHeaderThatCannotBeReplacedStaysAsItWas() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            AtomicInteger writes = new AtomicInteger();
            disk.file.faults.arm(Fault.always(
                            request -> Request.of(Kind.WRITE, 0, 1).test(request) && writes.incrementAndGet() <= 2)
                    .with(Effect.ALL));
            failure(Errno.EIO, () -> disk.device.changeBackingFile("other.raw", "raw"));
            disk.file.faults.disarm();
            assertThat(writes).hasValue(3);
            disk.write(1, 0, 512);
            disk.device.flush();
            try (TestDisk again = disk.peek()) {
                assertThat(again.driver().backingReference())
                        .isEqualTo(disk.driver().backingReference());
                again.assertHolds(1, 0, 512);
            }
        }
    }

    @Test
    void aHeaderThatNobodyKnowsMakesTheImageReadOnly() throws Exception {
        TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE);
        disk.file.faults.arm(Fault.always(Request.of(Kind.WRITE, 0, 1)));
        failure(Errno.EIO, () -> disk.device.changeBackingFile("other.raw", "raw"));
        disk.file.faults.disarm();
        failure(Errno.EIO, () -> disk.write(1, 0, 512));
        disk.assertHolds(BASE, 0, 4096);
        disk.device.invalidateCache(true);
        disk.write(1, 0, 512);
        disk.close();
    }

    @Test
    void anInvalidationThatIsRefusedForgetsNothing() throws Exception {
        AtomicInteger forgotten = new AtomicInteger();
        TestFiles files = new TestFiles();
        files.put(TestDisk.BACKING, Pattern.bytes(BASE, 0, SIZE));
        SparseBytes raw = new SparseBytes();
        raw.truncate(SIZE);
        files.put(TestDisk.DATA, new ForwardingDriver(new MemoryDriver(raw)) {
            @Override
            public void invalidateCache(boolean activate) {
                forgotten.incrementAndGet();
            }
        });
        files.put(TestDisk.NAME, TestDisk.image(CLUSTER, SIZE, Pattern.bytes(BASE, 0, SIZE)));
        try (BlockDevice device = files.open(TestDisk.NAME, "add-cow", OpenOptions.readWrite())) {
            device.write(0, ByteBuffer.wrap(new byte[512]));
            failure(Errno.EBUSY, () -> device.invalidateCache(true));
            assertThat(forgotten).hasValue(0);
            device.flush();
            device.invalidateCache(true);
            assertThat(forgotten).hasValue(1);
        }
    }

    /** The nodes that are open stand for what the header said when they were opened. */
    @ParameterizedTest(name = "from byte {0}")
    @ValueSource(ints = {44, 60, 76, 84})
    void anImageThatNamesOtherFilesNowIsRefused(int at) throws Exception {
        TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE);
        SparseBytes file = disk.file.memory.snapshot();
        byte[] other = (at < 76 ? "add-cow" : "x").getBytes(StandardCharsets.US_ASCII);
        file.write(at, other, 0, other.length);
        disk.file.memory.replace(file);
        assertThat(failure(Errno.EINVAL, () -> disk.device.invalidateCache(true)))
                .hasMessageContaining("now");
        disk.abandon();
    }
}
