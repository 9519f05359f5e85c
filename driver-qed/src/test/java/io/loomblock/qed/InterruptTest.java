// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.qed.TestDisk.Running;
import io.loomblock.testkit.BlockingDriver.Hold;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** An interrupt ends a request only while it waits and has published nothing. */
@Tag("jars")
class InterruptTest {
    private static final int CLUSTER = 4096;
    private static final long SPAN = 4 << 20;

    private static TestDisk disk() throws Exception {
        TestDisk disk = TestDisk.create(CLUSTER, 2, 4 * SPAN);
        disk.write(1, 0, 2 * CLUSTER);
        disk.device.flush();
        return disk;
    }

    private static void interrupted(Running running) throws Exception {
        TestDisk.failure(Errno.EINTR, running::end);
    }

    @Test
    void aRequestThatWaitsForAClusterGivesUpAndNobodyElseDoes() throws Exception {
        try (TestDisk disk = disk()) {
            try (Hold hold = disk.blocking.hold(Request.of(Kind.WRITE))) {
                Running first = TestDisk.start(() -> disk.write(2, 8 * CLUSTER, 512));
                hold.awaitHeld();
                Running second = TestDisk.start(() -> disk.write(3, 8 * CLUSTER + 512, 512))
                        .awaitParked();
                Running third = TestDisk.start(() -> disk.write(4, 8 * CLUSTER + 1024, 512))
                        .awaitParked();
                second.thread.interrupt();
                interrupted(second);
                hold.release();
                first.end();
                third.end();
            }
            disk.assertHolds(2, 8 * CLUSTER, 512);
            disk.assertHolds(0, 8 * CLUSTER + 512, 512);
            disk.assertHolds(4, 8 * CLUSTER + 1024, 512);
        }
    }

    @Test
    void oneThatGivesUpHasWrittenNothingNotEvenInPlace() throws Exception {
        try (TestDisk disk = disk()) {
            try (Hold hold = disk.blocking.hold(Request.of(Kind.WRITE))) {
                Running first = TestDisk.start(() -> disk.write(2, 2 * CLUSTER, CLUSTER));
                hold.awaitHeld();
                // Its first cluster is there, its second is being made by the other.
                Running second = TestDisk.start(() -> disk.write(3, CLUSTER, 2 * CLUSTER))
                        .awaitParked();
                second.thread.interrupt();
                interrupted(second);
                hold.release();
                first.end();
            }
            disk.assertHolds(1, 0, 2 * CLUSTER);
            disk.assertHolds(2, 2 * CLUSTER, CLUSTER);
        }
    }

    @Test
    void aRequestThatWaitsForTheEndOfADrainedSectionGivesUp() throws Exception {
        try (TestDisk disk = disk()) {
            try (BlockDevice.Drained drained = disk.device.drain()) {
                Running write = TestDisk.start(() -> disk.write(2, 0, 512)).awaitParked();
                write.thread.interrupt();
                interrupted(write);
            }
            disk.write(3, 0, 512);
        }
    }

    @Test
    void startedWorkComesToItsEndAndTheFlagStays() throws Exception {
        try (TestDisk disk = disk()) {
            // Nothing fails: at each request to the file an interrupt comes.
            disk.faults.arm(Fault.always(request -> {
                Thread.currentThread().interrupt();
                return false;
            }));
            Running write = TestDisk.start(() -> {
                disk.write(2, SPAN - CLUSTER, 2 * CLUSTER);
                disk.device.writeZeroes(2 * SPAN, CLUSTER, 0);
                disk.device.flush();
                assertThat(Thread.currentThread().isInterrupted()).isTrue();
            });
            write.end();
            disk.faults.disarm();
            disk.assertHolds(2, SPAN - CLUSTER, 2 * CLUSTER);
        }
    }

    @Test
    void aFlagThatWasSetBeforeFailsNothing() throws Exception {
        try (TestDisk disk = disk()) {
            Running all = TestDisk.start(() -> {
                Thread.currentThread().interrupt();
                disk.write(2, 100 * CLUSTER, CLUSTER);
                disk.write(3, 2 * SPAN, 100);
                disk.write(4, 0, 100);
                disk.assertHolds(2, 100 * CLUSTER, CLUSTER);
                disk.device.writeZeroes(3 * SPAN, SPAN, 0);
                disk.device.flush();
                disk.device.drain().close();
                assertThat(disk.device.check(FixMode.NONE).isClean()).isTrue();
                assertThat(Thread.currentThread().isInterrupted()).isTrue();
            });
            all.end();
        }
    }

    @Test
    void interruptsInAStormCorruptNothing() throws Exception {
        long seed = System.nanoTime();
        try (TestDisk disk = disk()) {
            Running[] writers = new Running[8];
            for (int i = 0; i < writers.length; i++) {
                int self = i;
                writers[i] = TestDisk.start(() -> {
                    Random random = new Random(seed + self);
                    for (int round = 0; round < 300; round++) {
                        try {
                            disk.write(100 + self, random.nextInt(64) * (long) CLUSTER, 3 * CLUSTER);
                        } catch (BlockException e) {
                            assertThat(e.errno()).as("seed %d: %s", seed, e).isEqualTo(Errno.EINTR);
                        }
                        Thread.interrupted();
                    }
                });
            }
            Random random = new Random(seed);
            for (boolean running = true; running; ) {
                writers[random.nextInt(writers.length)].thread.interrupt();
                Thread.yield();
                running = false;
                for (Running writer : writers) {
                    running |= !writer.isDone();
                }
            }
            for (Running writer : writers) {
                writer.end();
            }
            disk.device.flush();
            assertThat(disk.device.check(FixMode.NONE).corruptions()).isZero();
        }
    }
}
