// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.testkit.BlockingDriver.Hold;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** While one request to the file hangs, everything that does not need its result goes on. spec: qed.md section 13, row 17. */
@Tag("jars")
class BlockedRequestTest {
    private static final int CLUSTER = 4096;
    private static final long SPAN = 4 << 20;

    /** A disk on which place 0 holds data 1, and a second table is in use. */
    private static TestDisk disk() throws Exception {
        TestDisk disk = TestDisk.create(CLUSTER, 2, 16 * SPAN);
        disk.write(1, 0, CLUSTER);
        disk.write(2, SPAN, CLUSTER);
        disk.device.flush();
        return disk;
    }

    /** What must not be held up. */
    private static void others(TestDisk disk) throws Exception {
        disk.assertHolds(1, 0, 512);
        disk.assertHolds(2, SPAN, CLUSTER);
        disk.write(3, 2048, 512);
        disk.assertHolds(3, 2048, 512);
        assertThat(disk.device.blockStatus(0, CLUSTER).isData()).isTrue();
        assertThat(disk.device.blockStatus(15 * SPAN, CLUSTER).isZero()).isTrue();
        disk.write(4, 300 * CLUSTER, CLUSTER);
        disk.assertHolds(4, 300 * CLUSTER, CLUSTER);
        disk.write(5, SPAN + 8 * CLUSTER, 100);
        disk.assertHolds(5, SPAN + 8 * CLUSTER, 100);
        disk.device.writeZeroes(400 * CLUSTER, CLUSTER, 0);
        // A new table, too.
        disk.write(6, 9 * SPAN, CLUSTER);
        disk.assertHolds(6, 9 * SPAN, CLUSTER);
    }

    private static void whileHeld(Predicate<Request> which, TestDisk disk, TestDisk.Step step) throws Exception {
        try (Hold hold = disk.blocking.hold(which)) {
            TestDisk.Running running = TestDisk.start(step);
            hold.awaitHeld();
            others(disk);
            assertThat(running.isDone()).isFalse();
            hold.release();
            running.end();
        }
    }

    @Test
    void theDataOfAnAllocation() throws Exception {
        try (TestDisk disk = disk()) {
            whileHeld(Request.of(Kind.WRITE), disk, () -> disk.write(7, 100 * CLUSTER, CLUSTER));
            disk.assertHolds(7, 100 * CLUSTER, CLUSTER);
        }
    }

    @Test
    void theCreationOfATable() throws Exception {
        try (TestDisk disk = disk()) {
            whileHeld(Request.of(Kind.WRITE), disk, () -> disk.write(7, 5 * SPAN, CLUSTER));
            disk.assertHolds(7, 5 * SPAN, CLUSTER);
        }
    }

    @Test
    void theLoadingOfATable() throws Exception {
        TestDisk first = disk();
        first.write(8, 5 * SPAN, CLUSTER);
        first.close();
        try (TestDisk disk = TestDisk.open(first.memory.snapshot())) {
            disk.read(0, 512);
            disk.read(SPAN, 512);
            whileHeld(Request.of(Kind.READ), disk, () -> disk.assertHolds(8, 5 * SPAN, CLUSTER));
        }
    }

    @Test
    void aFlush() throws Exception {
        try (TestDisk disk = disk()) {
            disk.write(7, 100 * CLUSTER, CLUSTER);
            whileHeld(Request.of(Kind.FLUSH), disk, disk.device::flush);
        }
    }

    @Test
    void theWriteOfTheHeaderAndOfTableSectors() throws Exception {
        for (Predicate<Request> which : List.of(
                Request.of(Kind.WRITE, 0, 512),
                Request.of(Kind.WRITE, CLUSTER, 3 * CLUSTER),
                Request.of(Kind.WRITE, 3 * CLUSTER, 5 * CLUSTER))) {
            try (TestDisk disk = disk()) {
                disk.device.drain().close();
                disk.write(7, 100 * CLUSTER, CLUSTER);
                disk.write(7, 3 * SPAN, CLUSTER);
                whileHeld(which, disk, disk.device::flush);
            }
        }
    }

    @Test
    void aReadAndAWriteInPlace() throws Exception {
        try (TestDisk disk = disk()) {
            whileHeld(Request.of(Kind.READ), disk, () -> disk.read(512, 512));
            whileHeld(Request.of(Kind.WRITE), disk, () -> disk.write(7, 512, 512));
        }
    }

    @Test
    void requestsForOneClusterTakeTurnsAndOnlyTheFirstAllocates() throws Exception {
        try (TestDisk disk = disk()) {
            long before = disk.memory.length();
            List<TestDisk.Running> all = new ArrayList<>();
            try (Hold hold = disk.blocking.hold(Request.of(Kind.WRITE))) {
                all.add(TestDisk.start(() -> disk.write(10, 50 * CLUSTER, 512)));
                hold.awaitHeld();
                for (int i = 1; i < 8; i++) {
                    int self = i;
                    all.add(TestDisk.start(() -> disk.write(10 + self, 50 * CLUSTER + self * 512, 512))
                            .awaitParked());
                }
                // A reader sees the old mapping.
                disk.assertHolds(0, 50 * CLUSTER, CLUSTER);
                hold.release();
            }
            for (TestDisk.Running running : all) {
                running.end();
            }
            for (int i = 0; i < 8; i++) {
                disk.assertHolds(10 + i, 50 * CLUSTER + i * 512, 512);
            }
            assertThat(disk.memory.length()).isEqualTo(before + CLUSTER);
        }
    }

    @Test
    void requestsThatNeedTheSameNewTableMakeItOnce() throws Exception {
        try (TestDisk disk = disk()) {
            long before = disk.memory.length();
            List<TestDisk.Running> all = new ArrayList<>();
            try (Hold hold = disk.blocking.hold(Request.of(Kind.WRITE))) {
                for (int i = 0; i < 5; i++) {
                    int self = i;
                    all.add(TestDisk.start(() -> disk.write(10 + self, 7 * SPAN + self * CLUSTER, CLUSTER))
                            .awaitParked());
                }
                hold.awaitHeld();
                hold.release();
            }
            for (TestDisk.Running running : all) {
                running.end();
            }
            assertThat(disk.memory.length()).isEqualTo(before + 2 * CLUSTER + 5 * CLUSTER);
        }
    }
}
