// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.Errno;
import io.loomblock.qed.TestDisk.Running;
import io.loomblock.testkit.BlockingDriver.Hold;
import io.loomblock.testkit.FaultDriver.Effect;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Closing lets requests finish, leaves the image in order, and releases everything whatever fails. spec: qed.md section 9, row 32. */
@Tag("jars")
class CloseTest {
    private static final int CLUSTER = 4096;

    private static TestDisk disk() throws Exception {
        return TestDisk.create(CLUSTER, 2, 16 << 20);
    }

    @Test
    void requestsInFlightFinishAndNewOnesAreRefused() throws Exception {
        TestDisk disk = disk();
        try (Hold hold = disk.blocking.hold(Request.of(Kind.WRITE))) {
            Running first = TestDisk.start(() -> disk.write(1, 0, 512));
            hold.awaitHeld();
            Running second = TestDisk.start(() -> disk.write(2, 512, 512)).awaitParked();
            Running close = TestDisk.start(disk.device::close).awaitParked();
            TestDisk.failure(Errno.EBADF, () -> disk.write(3, 1024, 512));
            TestDisk.failure(Errno.EBADF, () -> disk.read(0, 512));
            TestDisk.failure(Errno.EBADF, disk.device::flush);
            TestDisk.failure(Errno.EBADF, () -> disk.device.drain());
            assertThat(close.isDone()).isFalse();
            hold.release();
            first.end();
            second.end();
            close.end();
        }
        disk.close();
        assertThat(disk.needCheckInFile()).isFalse();
        try (TestDisk again = TestDisk.open(disk.memory.snapshot())) {
            again.assertHolds(1, 0, 512);
            again.assertHolds(2, 512, 512);
            again.assertHolds(0, 1024, 512);
        }
    }

    @Test
    void closingTwiceDoesNothing() throws Exception {
        TestDisk disk = disk();
        disk.write(1, 0, 512);
        disk.close();
        int size = disk.log.size();
        disk.close();
        assertThat(disk.log.size()).isEqualTo(size);
    }

    @Test
    void anImageThatWasOnlyReadIsNotWritten() throws Exception {
        TestDisk disk = disk();
        disk.assertHolds(0, 0, 4096);
        disk.close();
        assertThat(disk.changes(0)).isEmpty();
    }

    @Test
    void eachFailureIsReportedAndTheBitStaysUnlessAllIsWritten() throws Exception {
        int number = 0;
        while (true) {
            TestDisk disk = disk();
            disk.write(1, 0, CLUSTER);
            disk.device.flush();
            disk.write(2, CLUSTER, CLUSTER);
            disk.faults.arm(new Fault(Request.changesAndFlushes(), number, Errno.EIO, false, Effect.NONE));
            if (number == 4) {
                disk.close();
                assertThat(disk.faults.failures()).isZero();
                assertThat(disk.needCheckInFile()).isFalse();
                return;
            }
            TestDisk.failure(Errno.EIO, disk.device::close);
            assertThat(disk.pool.outstanding()).isZero();
            // The last one is the flush that follows the clean header.
            assertThat(disk.needCheckInFile()).isEqualTo(number < 3);
            disk.faults.disarm();
            disk.close();
            try (TestDisk again = TestDisk.open(disk.memory.snapshot())) {
                again.assertHolds(1, 0, CLUSTER);
            }
            number++;
        }
    }
}
