// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import static io.loomblock.addcow.TestDisk.BASE;
import static io.loomblock.addcow.TestDisk.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.CacheMode;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is written when: data before bits, bits at flushes and closes only, and errors where they belong (C1 to C7). */
@Tag("jars")
class WriteOrderTest {
    private static final int CLUSTER = 65536;
    private static final int SIZE = 16 * CLUSTER;

    @Test
    void aFlushMakesDataDurableThenWritesBitsAndMakesThemDurable() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 512, 512);
            assertThat(disk.changes(0))
                    .containsExactly("write data.raw 512@0", "write data.raw 64512@1024", "write data.raw 512@512");
            int start = disk.log.size();
            disk.device.flush();
            assertThat(disk.changes(start))
                    .containsExactly("flush data.raw", "write test.add-cow 512@65536", "flush test.add-cow");
            assertThat(disk.bitInFile(CLUSTER, 0)).isTrue();
        }
    }

    @Test
    void manyAllocationsCostOneBitmapWriteForEachFlush() throws Exception {
        try (TestDisk disk = TestDisk.overlay(4096, 8 << 20, 4096)) {
            for (int i = 0; i < 1000; i++) {
                disk.write(1, i * 4096L, 4096);
            }
            disk.device.flush();
            assertThat(disk.changes(0))
                    .filteredOn(c -> c.contains("test.add-cow"))
                    .hasSize(2);
        }
    }

    @Test
    void aRewriteTouchesTheDataFileOnly() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 0, CLUSTER);
            disk.device.flush();
            int start = disk.log.size();
            disk.write(2, 100, 100);
            disk.device.flush();
            assertThat(disk.changes(start)).containsExactly("write data.raw 100@100", "flush data.raw");
        }
    }

    @Test
    void aFlushWithoutWritesDoesNothing() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.read(0, SIZE);
            disk.device.flush();
            assertThat(disk.changes(0)).isEmpty();
        }
    }

    @Test
    void writeThroughWritesAreDurableOneByOne() throws Exception {
        OpenOptions options = OpenOptions.readWrite().withCache(CacheMode.WRITETHROUGH);
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE, options)) {
            disk.write(1, 0, CLUSTER);
            assertThat(disk.changes(0))
                    .containsExactly(
                            "write data.raw 65536@0",
                            "flush data.raw",
                            "write test.add-cow 512@65536",
                            "flush test.add-cow");
        }
    }

    @Test
    void anUnsafeFlushKeepsTheOrderOfWritesButFlushesNothing() throws Exception {
        OpenOptions options = OpenOptions.readWrite().withCache(CacheMode.UNSAFE);
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE, options)) {
            disk.write(1, 0, CLUSTER);
            disk.device.flush();
            assertThat(disk.changes(0)).containsExactly("write data.raw 65536@0", "write test.add-cow 512@65536");
        }
    }

    @Test
    void closeWritesBitsAndClosesOnce() throws Exception {
        TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE);
        disk.write(1, 0, CLUSTER);
        disk.close();
        assertThat(disk.bitInFile(CLUSTER, 0)).isTrue();
        int after = disk.log.size();
        disk.device.close();
        assertThat(disk.log.size()).isEqualTo(after);
    }

    @Test
    void aCloseThatCannotWriteBitsSaysSo() throws Exception {
        TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE);
        disk.write(1, 0, CLUSTER);
        disk.file.faults.arm(Fault.always(Request.of(Kind.WRITE)).with(Errno.ENOSPC));
        failure(Errno.ENOSPC, disk.device::close);
        assertThat(disk.pool.outstanding()).isZero();
    }

    /** C6 */
    @Test
    void aFlushDuringAWriteDoesNotWriteItsBits() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 5 * CLUSTER, CLUSTER);
            try (BlockingDriver.Hold hold = disk.data.blocking.hold(Request.of(Kind.WRITE, 0, CLUSTER))) {
                TestDisk.Running write = TestDisk.start(() -> disk.write(2, 0, CLUSTER));
                hold.awaitHeld();
                disk.device.flush();
                assertThat(disk.bitInFile(CLUSTER, 5)).isTrue();
                assertThat(disk.bitInFile(CLUSTER, 0)).isFalse();
                hold.release();
                write.end();
            }
            assertThat(disk.bitInFile(CLUSTER, 0)).isFalse();
            disk.device.flush();
            assertThat(disk.bitInFile(CLUSTER, 0)).isTrue();
        }
    }

    @Test
    void aBitmapThatCannotBeWrittenFailsTheFlushAndIsWrittenByTheNext() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 0, CLUSTER);
            disk.file.faults.arm(Fault.always(Request.of(Kind.WRITE)).with(Errno.ENOSPC));
            failure(Errno.ENOSPC, disk.device::flush);
            // A full disk stops nothing else.
            disk.write(2, 2 * CLUSTER, CLUSTER);
            disk.assertHolds(1, 0, CLUSTER);
            disk.file.faults.disarm();
            disk.device.flush();
            assertThat(disk.bitInFile(CLUSTER, 0)).isTrue();
            assertThat(disk.bitInFile(CLUSTER, 2)).isTrue();
        }
    }

    @Test
    void aFlushOfTheDataThatFailsIsForGood() throws Exception {
        TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE);
        disk.write(1, 0, CLUSTER);
        disk.data.faults.arm(Fault.once(Request.of(Kind.FLUSH)));
        failure(Errno.EIO, disk.device::flush);
        failure(Errno.EIO, disk.device::flush);
        failure(Errno.EIO, () -> disk.write(2, 0, 512));
        failure(Errno.EIO, () -> disk.write(2, 4 * CLUSTER, 512));
        disk.assertHolds(1, 0, CLUSTER);
        disk.assertHolds(BASE, 4 * CLUSTER, CLUSTER);
        disk.abandon();
        assertThat(disk.bitInFile(CLUSTER, 0)).isFalse();
    }

    @Test
    void aFlushOfTheAddCowFileThatFailsIsForGood() throws Exception {
        TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE);
        disk.write(1, 0, CLUSTER);
        disk.file.faults.arm(Fault.once(Request.of(Kind.FLUSH)));
        failure(Errno.EIO, disk.device::flush);
        failure(Errno.EIO, disk.device::flush);
        failure(Errno.EIO, () -> disk.write(2, 0, 512));
        failure(Errno.EIO, () -> disk.device.writeZeroes(4 * CLUSTER, CLUSTER, 0));
        disk.assertHolds(1, 0, CLUSTER);
        disk.abandon();
    }

    /** E6, R6: a later success does not hide it, and nothing of the request is marked. */
    @Test
    void aFailedWriteSetsNoBit() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            for (int number = 0; number < 3; number++) {
                disk.data.faults.arm(
                        Fault.once(Request.of(Kind.WRITE)).at(number).with(Errno.ENOSPC));
                failure(Errno.ENOSPC, () -> disk.write(1, 1000, 3 * CLUSTER));
                disk.device.flush();
                for (int cluster = 0; cluster < 4; cluster++) {
                    assertThat(disk.bitInFile(CLUSTER, cluster)).isFalse();
                }
                disk.assertHolds(BASE, 0, SIZE);
            }
            disk.data.faults.disarm();
            disk.write(1, 1000, 3 * CLUSTER);
            disk.assertHolds(1, 1000, 3 * CLUSTER);
            disk.assertHolds(BASE, 0, 1000);
        }
    }

    @Test
    void aBackingFileThatCannotBeReadFailsTheCopy() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.backing.faults.arm(Fault.once(Request.of(Kind.READ)).with(Errno.ENXIO));
            failure(Errno.ENXIO, () -> disk.write(1, 1000, 1000));
            disk.backing.faults.disarm();
            disk.assertHolds(BASE, 0, CLUSTER);
            disk.write(1, 1000, 1000);
            disk.assertHolds(1, 1000, 1000);
        }
    }

    /** E18: the largest clusters take no more memory for a copy than a piece. */
    @Test
    void largeClustersAreCopiedInPieces() throws Exception {
        try (TestDisk disk = TestDisk.overlay(2 << 20, 4 << 20, 4 << 20)) {
            disk.write(1, 1 << 20, 512);
            disk.assertHolds(BASE, 0, 1 << 20);
            disk.assertHolds(1, 1 << 20, 512);
            disk.assertHolds(BASE, (1 << 20) + 512, 1 << 20);
            assertThat(disk.log.entries())
                    .filteredOn(e -> e.file().equals(TestDisk.BACKING) && e.kind() == Kind.READ)
                    .hasSizeGreaterThan(7)
                    .allSatisfy(e -> assertThat(e.length()).isLessThanOrEqualTo(1 << 20));
        }
    }

    /** R6 */
    @Test
    void aBitmapThatCannotBeReadFailsRequestsWithItsErrno() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.file.faults.arm(Fault.always(Request.of(Kind.READ)).with(Errno.ENXIO));
            failure(Errno.ENXIO, () -> disk.write(1, 0, 512));
            failure(Errno.ENXIO, () -> disk.read(0, 512));
            failure(Errno.ENXIO, () -> disk.device.blockStatus(0, 512));
            disk.file.faults.disarm();
            assertThat(disk.changes(0)).isEmpty();
            disk.write(1, 0, 512);
            disk.assertHolds(1, 0, 512);
            disk.assertHolds(BASE, 512, CLUSTER);
        }
    }
}
