// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import static io.loomblock.addcow.TestDisk.BASE;
import static io.loomblock.addcow.TestDisk.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A disk grows with zeros and shrinks without a trace; a failure before the data file is reached leaves that alone. */
@Tag("jars")
class ResizingTest {
    private static final int CLUSTER = 4096;

    private static void resize(TestDisk disk, long size) throws Exception {
        disk.device.truncate(size, true, PreallocationMode.OFF);
    }

    /** The backing file is longer than the disk was: it must not show in the new part. */
    @ParameterizedTest(name = "from {0} to {1}, backing of {2}")
    @CsvSource({
        "40960, 81920, 65536",
        "41472, 81920, 65536",
        "41472, 41984, 65536",
        "40960, 1000448, 40960",
        "41472, 81920, 41984",
        "512, 1048576, 1048576",
        "40960, 40960, 65536"
    })
    void theNewPartReadsAsZeros(int from, int to, int backing) throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, from, backing)) {
            disk.write(1, from - 512, 512);
            resize(disk, to);
            int shown = Math.min(from - 512, backing);
            disk.assertHolds(BASE, 0, shown);
            disk.assertHolds(1, from - 512, 512);
            disk.assertHolds(0, from, to - from);
            disk.write(2, to - 512, 512);
            disk.device.flush();
            try (TestDisk again = disk.peek(OpenOptions.readWrite())) {
                assertThat(again.device.length()).isEqualTo(to);
                again.assertHolds(BASE, 0, shown);
                again.assertHolds(1, from - 512, from == to ? 0 : 512);
                again.assertHolds(0, from, Math.max(0, to - from - 512));
                again.assertHolds(2, to - 512, 512);
            }
        }
    }

    /** The same where the old last cluster has no data at all. */
    @Test
    void theUnwrittenLastClusterShowsItsOldPartOnly() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 41_472, 65536)) {
            resize(disk, 81920);
            disk.assertHolds(BASE, 0, 41_472);
            disk.assertHolds(0, 41_472, 81920 - 41_472);
        }
    }

    @Test
    void aDiskThatShrankAndGrewAgainReadsZerosWhereItWas() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 1 << 20, 1 << 20)) {
            disk.write(1, 0, 1 << 20);
            resize(disk, 100_352);
            assertThat(disk.data.memory.length()).isEqualTo(100_352);
            assertThat(disk.bitInFile(CLUSTER, 24)).isTrue();
            assertThat(disk.bitInFile(CLUSTER, 25)).isFalse();
            disk.assertHolds(1, 0, 100_352);
            resize(disk, 1 << 20);
            disk.assertHolds(1, 0, 100_352);
            disk.assertHolds(0, 100_352, (1 << 20) - 100_352);
        }
    }

    /** Bits that a crash has left behind the end, and data behind the last whole sector, stay out of the new part. */
    @Test
    void whatLayBehindTheEndDoesNotComeBack() throws Exception {
        int size = 40_960 + 512;
        byte[] base = Pattern.bytes(BASE, 0, 1 << 20);
        SparseBytes file = TestDisk.image(CLUSTER, size, base);
        byte[] ones = new byte[4096];
        java.util.Arrays.fill(ones, (byte) 0xff);
        file.write(4096 + 1, ones, 0, 4095);
        SparseBytes data = SparseBytes.of(Pattern.bytes(5, 0, size + 100));
        try (TestDisk disk = TestDisk.open(file, data, base, OpenOptions.readWrite())) {
            assertThat(disk.device.length()).isEqualTo(size);
            resize(disk, 1 << 20);
            disk.assertHolds(BASE, 0, 8 * CLUSTER);
            disk.assertHolds(5, 8 * CLUSTER, size - 8 * CLUSTER);
            disk.assertHolds(0, size, (1 << 20) - size);
        }
    }

    @Test
    void aDiskThatHasEverythingGrowsAndShrinks() throws Exception {
        try (TestDisk disk = TestDisk.alone(CLUSTER, 65536)) {
            disk.write(1, 0, 65536);
            resize(disk, 32768);
            resize(disk, 200L << 20);
            disk.assertHolds(1, 0, 32768);
            disk.assertHolds(0, 32768, 65536);
            assertThat(disk.file.memory.length()).isEqualTo(4096 + 2 * 4096);
        }
    }

    @Test
    void theBitmapGrowsByTables() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 1 << 20, 4096)) {
            resize(disk, (1L << 27) + 512);
            assertThat(disk.file.memory.length()).isEqualTo(4096 + 2 * 4096);
            disk.write(1, 1L << 27, 512);
            resize(disk, 1L << 27);
            assertThat(disk.file.memory.length()).isEqualTo(4096 + 4096);
            resize(disk, 1L << 28);
            disk.assertHolds(0, (1L << 27) - 4096, 8192);
        }
    }

    @Test
    void sizesAreWholeSectors() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 65536, 65536)) {
            failure(Errno.EINVAL, () -> resize(disk, 70_000));
            failure(Errno.EINVAL, () -> resize(disk, Long.MAX_VALUE));
            disk.device.truncate(70_000, false, PreallocationMode.OFF);
            assertThat(disk.device.length()).isEqualTo(70_144);
            failure(Errno.ENOTSUP, () -> disk.device.truncate(1 << 20, true, PreallocationMode.FULL));
        }
    }

    /** R8 */
    @Test
    void aBitmapThatCannotGrowLeavesTheDataFileAlone() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 65536, 65536)) {
            disk.write(1, 100, 100);
            byte[] before = disk.data.memory.snapshot().toByteArray();
            disk.file.faults.arm(Fault.always(Request.of(Kind.TRUNCATE)).with(Errno.ENOSPC));
            failure(Errno.ENOSPC, () -> resize(disk, 1L << 30));
            disk.file.faults.disarm();
            assertThat(disk.data.memory.snapshot().toByteArray()).isEqualTo(before);
            assertThat(disk.device.length()).isEqualTo(65536);
            disk.assertHolds(1, 100, 100);
            disk.assertHolds(BASE, 200, 65536 - 200);
        }
    }

    @Test
    void aDataFileThatCannotGrowLeavesTheDiskAsItWas() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 41_472, 65536)) {
            disk.data.faults.arm(Fault.always(Request.of(Kind.TRUNCATE)).with(Errno.ENOSPC));
            failure(Errno.ENOSPC, () -> resize(disk, 1L << 20));
            disk.data.faults.disarm();
            assertThat(disk.device.length()).isEqualTo(41_472);
            assertThat(disk.device.check(FixMode.NONE).isClean()).isTrue();
            disk.assertHolds(BASE, 0, 41_472);
            disk.write(1, 41_472 - 512, 100);
            resize(disk, 1 << 20);
            disk.assertHolds(BASE, 0, 41_472 - 512);
            disk.assertHolds(1, 41_472 - 512, 100);
            disk.assertHolds(0, 41_472, (1 << 20) - 41_472);
        }
    }

    @Test
    void aBitmapThatCannotBeCutOnlyWarns() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 1L << 28, 4096)) {
            disk.write(1, 1 << 20, 4096);
            disk.device.flush();
            disk.file.faults.arm(Fault.always(request -> request.kind().changes()));
            resize(disk, 65536);
            disk.file.faults.disarm();
            assertThat(disk.device.length()).isEqualTo(65536);
            resize(disk, 1L << 28);
            disk.assertHolds(0, 1 << 20, 4096);
        }
    }

    /** Bits go only once nothing can bring back the clusters that they stand for (C8). */
    @Test
    void theCutOfTheDataFileIsDurableBeforeTheBitmapIsCut() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 1L << 28, 4096)) {
            disk.write(1, 1 << 20, 4096);
            disk.device.flush();
            int start = disk.log.size();
            resize(disk, 65536);
            assertThat(disk.changes(start))
                    .startsWith("truncate data.raw to 65536", "flush data.raw")
                    .anyMatch(change -> change.contains(" test.add-cow "));
        }
    }

    @Test
    void aCutThatIsNotDurableLeavesTheBits() throws Exception {
        TestDisk disk = TestDisk.overlay(CLUSTER, 1 << 20, 4096);
        disk.write(1, (1 << 20) - CLUSTER, CLUSTER);
        disk.device.flush();
        disk.data.faults.arm(Fault.once(Request.of(Kind.FLUSH)));
        resize(disk, 65536);
        assertThat(disk.device.length()).isEqualTo(65536);
        assertThat(disk.bitInFile(CLUSTER, 255)).isTrue();
        failure(Errno.EIO, () -> resize(disk, 1 << 20));
        failure(Errno.EIO, () -> disk.device.node().makeEmpty());
        disk.abandon();
    }

    /** The part that the backing file would show cannot be known. */
    @Test
    void anImageThatIsOpenWithoutItsBackingFileDoesNotGrow() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 40_960, 65536);
                TestDisk alone = disk.peek(OpenOptions.readWrite().withNoBacking(true))) {
            failure(Errno.ENOTSUP, () -> resize(alone, 65536));
            assertThat(alone.changes(0)).isEmpty();
            resize(alone, 8192);
            assertThat(alone.device.length()).isEqualTo(8192);
        }
    }

    /** R8 */
    @Test
    void aBitmapThatCannotBeWrittenLeavesOddBytesToo() throws Exception {
        int size = 40_960 + 512;
        byte[] base = Pattern.bytes(BASE, 0, 1 << 20);
        SparseBytes data = SparseBytes.of(Pattern.bytes(5, 0, size + 100));
        TestDisk disk = TestDisk.open(TestDisk.image(CLUSTER, size, base), data, base, OpenOptions.readWrite());
        disk.file.faults.arm(Fault.always(Request.of(Kind.WRITE)));
        failure(Errno.EIO, () -> resize(disk, 1 << 20));
        assertThat(disk.data.memory.length()).isEqualTo(size + 100);
        disk.abandon();
    }
}
