// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** When the need-check bit is set, and what clears it. The clock is the test's. spec: qed.md sections 9 and 10.6, E7, E9, E10, E19. */
@Tag("jars")
class NeedCheckTest {
    private static final int CLUSTER = 4096;
    private static final long SPAN = 4 << 20;
    private static final int TABLE = 3 * CLUSTER;

    private static TestDisk disk() throws Exception {
        return TestDisk.create(CLUSTER, 2, 4 * SPAN);
    }

    private static void pass(TestDisk disk, int seconds) {
        disk.timers.advance(Duration.ofSeconds(seconds));
    }

    @Test
    void fiveSecondsAfterTheLastAllocationTablesAreWrittenAndTheBitIsCleared() throws Exception {
        try (TestDisk disk = disk()) {
            disk.write(1, 0, CLUSTER);
            disk.device.flush();
            assertThat(disk.needCheckInFile()).isTrue();
            pass(disk, 4);
            disk.write(2, CLUSTER, CLUSTER);
            pass(disk, 4);
            assertThat(disk.needCheckInFile()).isTrue();
            assertThat(disk.fileLong(TABLE + 8)).isZero();
            int start = disk.log.size();
            pass(disk, 1);
            assertThat(disk.needCheckInFile()).isFalse();
            assertThat(disk.fileLong(TABLE + 8)).isPositive();
            assertThat(disk.changes(start)).containsExactly("WRITE 512@" + TABLE, "FLUSH", "WRITE 512@0", "FLUSH");
            assertThat(disk.device.info().dirty()).isFalse();
            assertThat(disk.timers.pending()).isZero();
        }
    }

    @Test
    void writesInPlaceDoNotPutItOff() throws Exception {
        try (TestDisk disk = disk()) {
            disk.write(1, 0, CLUSTER);
            disk.device.flush();
            for (int i = 0; i < 5; i++) {
                pass(disk, 1);
                disk.write(2, 0, 512);
            }
            assertThat(disk.needCheckInFile()).isFalse();
        }
    }

    @Test
    void theBitIsSetAnewByTheNextAllocation() throws Exception {
        try (TestDisk disk = disk()) {
            for (int i = 0; i < 3; i++) {
                disk.write(1, i * CLUSTER, CLUSTER);
                disk.device.flush();
                assertThat(disk.needCheckInFile()).isTrue();
                pass(disk, 5);
                assertThat(disk.needCheckInFile()).isFalse();
            }
        }
    }

    @Test
    void theTimerGivesUpWhileAnAllocationRunsWhoseEndSetsItAgain() throws Exception {
        try (TestDisk disk = disk()) {
            disk.write(1, 0, CLUSTER);
            disk.device.flush();
            try (BlockingDriver.Hold hold = disk.blocking.hold(Request.of(Kind.WRITE))) {
                TestDisk.Running write = TestDisk.start(() -> disk.write(2, CLUSTER, CLUSTER));
                hold.awaitHeld();
                pass(disk, 60);
                assertThat(disk.needCheckInFile()).isTrue();
                hold.release();
                write.end();
            }
            pass(disk, 4);
            assertThat(disk.needCheckInFile()).isTrue();
            pass(disk, 1);
            assertThat(disk.needCheckInFile()).isFalse();
        }
    }

    @Test
    void anAllocationThatComesWhileTheTimerWorksWaitsForIt() throws Exception {
        try (TestDisk disk = disk()) {
            disk.write(1, 0, CLUSTER);
            disk.device.flush();
            try (BlockingDriver.Hold hold = disk.blocking.hold(Request.of(Kind.WRITE, 0, 512))) {
                TestDisk.Running timer = TestDisk.start(() -> pass(disk, 5));
                hold.awaitHeld();
                TestDisk.Running allocation =
                        TestDisk.start(() -> disk.write(2, CLUSTER, CLUSTER)).awaitParked();
                assertThat(allocation.isDone()).isFalse();
                // Others do not wait.
                disk.assertHolds(1, 0, CLUSTER);
                disk.write(3, 0, 512);
                hold.release();
                timer.end();
                allocation.end();
            }
            disk.assertHolds(2, CLUSTER, CLUSTER);
            disk.device.flush();
            assertThat(disk.needCheckInFile()).isTrue();
        }
    }

    @Test
    void ifTheTablesCannotBeSettledTheBitStays() throws Exception {
        TestDisk disk = disk();
        disk.write(1, 0, CLUSTER);
        disk.device.flush();
        disk.faults.arm(Fault.once(Request.of(Kind.WRITE, 0, 512)));
        pass(disk, 5);
        assertThat(disk.faults.failures()).isEqualTo(1);
        assertThat(disk.needCheckInFile()).isTrue();
        assertThat(disk.device.info().dirty()).isTrue();
        disk.write(2, CLUSTER, CLUSTER);
        pass(disk, 5);
        assertThat(disk.needCheckInFile()).isFalse();
        disk.close();
    }

    @Test
    void drainingDoesTheTimersJobAtOnce() throws Exception {
        try (TestDisk disk = disk()) {
            disk.write(1, 0, CLUSTER);
            disk.device.flush();
            try (BlockDevice.Drained drained = disk.device.drain()) {
                assertThat(disk.needCheckInFile()).isFalse();
                assertThat(disk.timers.pending()).isZero();
            }
            assertThat(disk.timers.pending()).isZero();
        }
    }

    @Test
    void nothingHappensBehindTheScenesInADrainedSection() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 2, SPAN, new byte[8 << 20])) {
            try (BlockDevice.Drained outer = disk.device.drain()) {
                // Allocates clusters of zeros, to hide the longer backing file.
                disk.device.truncate(2 * SPAN, true, PreallocationMode.OFF);
                int start = disk.log.size();
                pass(disk, 60);
                assertThat(disk.changes(start)).isEmpty();
            }
        }
    }

    @Test
    void aJobThatHasBegunEndsBeforeTheDrainedSectionBegins() throws Exception {
        try (TestDisk disk = disk()) {
            disk.write(1, 0, CLUSTER);
            disk.device.flush();
            try (BlockingDriver.Hold hold = disk.blocking.hold(Request.of(Kind.WRITE, 0, 512))) {
                TestDisk.Running timer = TestDisk.start(() -> pass(disk, 5));
                hold.awaitHeld();
                TestDisk.Running check =
                        TestDisk.start(() -> disk.device.check(FixMode.NONE)).awaitParked();
                assertThat(check.isDone()).isFalse();
                hold.release();
                check.end();
                timer.end();
            }
            assertThat(disk.needCheckInFile()).isFalse();
        }
    }

    @Test
    void drainingWaitsForAllocationsThatWaitForOneAnother() throws Exception {
        try (TestDisk disk = disk()) {
            disk.write(9, 2 * CLUSTER, CLUSTER);
            try (BlockingDriver.Hold hold = disk.blocking.hold(Request.of(Kind.WRITE))) {
                TestDisk.Running first = TestDisk.start(() -> disk.write(1, 0, 512));
                hold.awaitHeld();
                TestDisk.Running second =
                        TestDisk.start(() -> disk.write(2, 512, 512)).awaitParked();
                TestDisk.Running drain =
                        TestDisk.start(() -> disk.device.drain().close()).awaitParked();
                TestDisk.Running third =
                        TestDisk.start(() -> disk.write(3, 1024, 512)).awaitParked();
                assertThat(second.isDone() || drain.isDone() || third.isDone()).isFalse();
                hold.release();
                first.end();
                second.end();
                drain.end();
                third.end();
            }
            disk.assertHolds(1, 0, 512);
            disk.assertHolds(2, 512, 512);
            disk.assertHolds(3, 1024, 512);
        }
    }

    @Test
    void anImageOpenedForACheckKeepsItsBit() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, SPAN).features(QedHeader.NEED_CHECK);
        TestDisk disk = TestDisk.open(image.build(), OpenOptions.readWrite().withCheck(true));
        pass(disk, 10);
        assertThat(disk.needCheckInFile()).isTrue();
        disk.close();
        assertThat(disk.needCheckInFile()).isTrue();
    }

    @Test
    void aRepairThatLeavesNothingWrongClearsIt() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, SPAN).features(QedHeader.NEED_CHECK);
        image.data(0, 1);
        image.take(2);
        OpenOptions options = OpenOptions.readWrite().withCheck(true);
        for (FixMode mode : FixMode.values()) {
            try (TestDisk disk = TestDisk.open(image.build(), options)) {
                assertThat(disk.device.check(mode).leaks()).isEqualTo(2);
                assertThat(disk.needCheckInFile()).as("%s", mode).isEqualTo(mode != FixMode.ALL);
            }
        }
        long cluster = image.data(CLUSTER, 1);
        image.entry(2 * CLUSTER, cluster);
        try (TestDisk disk = TestDisk.open(image.build(), options)) {
            assertThat(disk.device.check(FixMode.ALL).corruptions()).isEqualTo(1);
            assertThat(disk.needCheckInFile()).isTrue();
        }
    }

    @Test
    void aReadOnlyImageIsNeverWrittenTo() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, SPAN).features(QedHeader.NEED_CHECK);
        image.data(0, 5);
        TestDisk disk = TestDisk.open(image.build(), OpenOptions.readOnly());
        assertThat(disk.read(0, CLUSTER)).containsOnly(5);
        disk.device.flush();
        TestDisk.failure(Errno.EPERM, () -> disk.write(1, 0, 512));
        pass(disk, 60);
        assertThat(disk.device.check(FixMode.ALL).isClean()).isTrue();
        disk.close();
        assertThat(disk.changes(0)).isEmpty();
    }

    @Test
    void afterTheCloseTheTimerDoesNothing() throws Exception {
        TestDisk disk = disk();
        disk.write(1, 0, CLUSTER);
        disk.device.node().close();
        int start = disk.log.size();
        pass(disk, 60);
        assertThat(disk.changes(start)).isEmpty();
        assertThat(disk.needCheckInFile()).isFalse();
    }
}
