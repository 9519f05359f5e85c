// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import static io.loomblock.addcow.TestDisk.BASE;
import static io.loomblock.addcow.TestDisk.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.Errno;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Who waits for whom: requests in a cluster that is being copied, and nobody else. */
@Tag("jars")
class BlockedRequestTest {
    private static final int CLUSTER = 65536;
    private static final int SIZE = 16 * CLUSTER;

    /** R4 */
    @Test
    void aBlockedWriteHoldsUpNoOtherAllocatedCluster() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 0, 4 * CLUSTER);
            try (BlockingDriver.Hold hold = disk.data.blocking.hold(Request.of(Kind.WRITE, 0, CLUSTER))) {
                TestDisk.Running held = TestDisk.start(() -> disk.write(2, 0, 512));
                hold.awaitHeld();
                disk.write(3, CLUSTER, 512);
                disk.write(4, 1024, 512);
                disk.assertHolds(3, CLUSTER, 512);
                disk.assertHolds(4, 1024, 512);
                disk.assertHolds(BASE, 8 * CLUSTER, CLUSTER);
                disk.write(5, 9 * CLUSTER + 100, 100);
                assertThat(held.isDone()).isFalse();
                hold.release();
                held.end();
            }
        }
    }

    @Test
    void aBlockedCopyHoldsUpNothingInOtherClusters() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, CLUSTER, CLUSTER);
            try (BlockingDriver.Hold hold = disk.backing.blocking.hold(Request.of(Kind.READ, 0, CLUSTER))) {
                TestDisk.Running held = TestDisk.start(() -> disk.write(2, 512, 512));
                hold.awaitHeld();
                disk.write(3, CLUSTER + 512, 512);
                disk.write(4, 2 * CLUSTER + 512, 512);
                disk.device.writeZeroes(4L * CLUSTER, 2 * CLUSTER, 0);
                disk.device.flush();
                disk.assertHolds(BASE, 10 * CLUSTER, CLUSTER);
                disk.assertHolds(4, 2 * CLUSTER + 512, 512);
                assertThat(disk.device.blockStatus(0, SIZE).isAllocated()).isFalse();
                assertThat(held.isDone()).isFalse();
                hold.release();
                held.end();
            }
            disk.assertHolds(2, 512, 512);
            disk.assertHolds(BASE, 0, 512);
        }
    }

    /** Reads of the very cluster that is being copied show what it was. */
    @Test
    void readsDoNotWaitForACopy() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            try (BlockingDriver.Hold hold = disk.data.blocking.hold(Request.of(Kind.WRITE, 0, CLUSTER))) {
                TestDisk.Running held = TestDisk.start(() -> disk.write(2, 512, 512));
                hold.awaitHeld();
                disk.assertHolds(BASE, 0, CLUSTER);
                hold.release();
                held.end();
            }
        }
    }

    /** R5 */
    @Test
    void theGuestsDataWinsOverACopyThatBeganBefore() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            try (BlockingDriver.Hold hold = disk.backing.blocking.hold(Request.of(Kind.READ))) {
                TestDisk.Running first = TestDisk.start(() -> disk.write(1, 0, 512));
                hold.awaitHeld();
                TestDisk.Running second = TestDisk.start(() -> disk.write(2, 5 * 512, 512));
                TestDisk.Running whole = TestDisk.start(() -> disk.write(3, 3 * CLUSTER, CLUSTER));
                whole.end();
                second.awaitParked();
                assertThat(second.isDone()).isFalse();
                hold.release();
                first.end();
                second.end();
            }
            disk.assertHolds(1, 0, 512);
            disk.assertHolds(BASE, 512, 4 * 512);
            disk.assertHolds(2, 5 * 512, 512);
            disk.assertHolds(BASE, 6 * 512, CLUSTER - 6 * 512);
        }
    }

    /** A write of a whole cluster copies nothing itself, but must not be overwritten by the copy of another. */
    @Test
    void aWholeClusterWaitsForACopyInIt() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            try (BlockingDriver.Hold hold = disk.backing.blocking.hold(Request.of(Kind.READ))) {
                TestDisk.Running first = TestDisk.start(() -> disk.write(1, 512, 512));
                hold.awaitHeld();
                TestDisk.Running whole = TestDisk.start(() -> disk.write(2, 0, 2 * CLUSTER));
                whole.awaitParked();
                assertThat(whole.isDone()).isFalse();
                hold.release();
                first.end();
                whole.end();
            }
            disk.assertHolds(2, 0, 2 * CLUSTER);
        }
    }

    @Test
    void anInterruptEndsAWaitForACopyAndChangesNothing() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            try (BlockingDriver.Hold hold = disk.backing.blocking.hold(Request.of(Kind.READ))) {
                TestDisk.Running first = TestDisk.start(() -> disk.write(1, 512, 512));
                hold.awaitHeld();
                TestDisk.Running second = TestDisk.start(() -> disk.write(2, 1024, 512));
                second.awaitParked();
                second.thread.interrupt();
                failure(Errno.EINTR, second::end);
                hold.release();
                first.end();
            }
            disk.assertHolds(BASE, 1024, 512);
        }
    }

    /** R11: once its bits are in memory, a rewrite reads nothing and waits for nothing, not even a flush that is under way. */
    @Test
    void aRewriteTakesNoLockThatAFlushHolds() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 0, 2 * CLUSTER);
            try (BlockingDriver.Hold hold = disk.file.blocking.hold(Request.of(Kind.WRITE))) {
                TestDisk.Running flush = TestDisk.start(disk.device::flush);
                hold.awaitHeld();
                int start = disk.log.size();
                disk.write(2, CLUSTER, 512);
                assertThat(disk.log.since(start))
                        .extracting(Object::toString)
                        .containsExactly("write data.raw 512@65536");
                disk.assertHolds(2, CLUSTER, 512);
                // Nor does an allocation.
                disk.write(3, 8 * CLUSTER, CLUSTER);
                hold.release();
                flush.end();
            }
        }
    }
}
