// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.CheckResult;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.DiskModel.Content;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.ModelRun.Plan;
import io.loomblock.testkit.Pattern;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** 32 threads at once, in one cluster, across tables, with timers, drains and little memory, judged by a model. */
@Tag("jars")
class StressTest {
    private static final int CLUSTER = 4096;
    private static final long SPAN = 4 << 20;
    private static final OpenOptions LITTLE_MEMORY = OpenOptions.readWrite().withMetadataBudget(0);

    private static void reopen(TestDisk disk, DiskModel model, long seed, byte[] base) throws Exception {
        disk.device.flush();
        CheckResult result = disk.device.check(FixMode.NONE);
        assertThat(result.isClean()).as("seed %d: %s", seed, result).isTrue();
        try (TestDisk again =
                base == null ? TestDisk.open(disk.memory.snapshot()) : TestDisk.open(disk.memory.snapshot(), base)) {
            ModelRun.verify(again.device, model, seed);
        }
    }

    @Test
    void inOneCluster() throws Exception {
        long seed = System.nanoTime();
        for (int round = 0; round < 20; round++) {
            try (TestDisk disk = TestDisk.create(CLUSTER, 1, CLUSTER)) {
                DiskModel model = new DiskModel(CLUSTER, Content.ZEROS, 1);
                new ModelRun(disk.device, model, Plan.of(seed + round, 20).withMaxBytes(2048)).run();
                reopen(disk, model, seed, null);
            }
        }
    }

    @Test
    void acrossTables() throws Exception {
        long seed = System.nanoTime();
        try (TestDisk disk = TestDisk.open(TestDisk.image(CLUSTER, 1, 8 << 20), LITTLE_MEMORY)) {
            // Tables of one cluster of 4 KiB map 2 MiB.
            DiskModel model = new DiskModel(8 << 20, Content.ZEROS, 1);
            new ModelRun(disk.device, model, Plan.of(seed, 60)).run();
            reopen(disk, model, seed, null);
        }
    }

    @Test
    void overABackingFile() throws Exception {
        long seed = System.nanoTime();
        int size = 3 << 20;
        byte[] base = Pattern.bytes(12345, 0, 2_000_001);
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 1, size, base)) {
            DiskModel model = new DiskModel(size, Content.of(base), 1);
            new ModelRun(disk.device, model, Plan.of(seed, 60)).run();
            reopen(disk, model, seed, base);
        }
    }

    @Test
    void whileTheTimerFiresAndTheDiskIsDrainedAndChecked() throws Exception {
        long seed = System.nanoTime();
        try (TestDisk disk = TestDisk.open(TestDisk.image(CLUSTER, 2, 4 * SPAN), LITTLE_MEMORY)) {
            AtomicBoolean stop = new AtomicBoolean();
            TestDisk.Running clock = TestDisk.start(() -> {
                while (!stop.get()) {
                    disk.timers.advance(Duration.ofSeconds(5));
                    letOthersRun();
                }
            });
            TestDisk.Running drains = TestDisk.start(() -> {
                while (!stop.get()) {
                    disk.device.drain().close();
                    assertThat(disk.device.check(FixMode.ALL).corruptions()).isZero();
                    letOthersRun();
                }
            });
            DiskModel model = new DiskModel(4 * SPAN, Content.ZEROS, 1);
            new ModelRun(disk.device, model, Plan.of(seed, 40)).run();
            stop.set(true);
            clock.end();
            drains.end();
            reopen(disk, model, seed, null);
        }
    }

    /**
     * Parks for a moment. A virtual thread that only yields goes to the end of its carrier's own queue, and two that do so in turns keep
     * both carriers of a small machine from all others.
     */
    private static void letOthersRun() {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
    }

    @Test
    void manyTablesInLittleMemory() throws Exception {
        int tables = 300;
        try (TestDisk disk = TestDisk.open(TestDisk.image(CLUSTER, 1, tables * 2L << 20), LITTLE_MEMORY)) {
            for (int i = 0; i < tables; i++) {
                disk.write(i + 1, i * (2L << 20) + i * 512, 1000);
            }
            disk.device.flush();
            for (int i = 0; i < tables; i++) {
                disk.assertHolds(i + 1, i * (2L << 20) + i * 512, 1000);
            }
            try (TestDisk again = TestDisk.open(disk.memory.snapshot(), LITTLE_MEMORY)) {
                for (int i = tables - 1; i >= 0; i--) {
                    again.assertHolds(i + 1, i * (2L << 20) + i * 512, 1000);
                }
            }
            assertThat(disk.device.check(FixMode.NONE).isClean()).isTrue();
        }
    }

    @Test
    void tenImagesOfSixteenTebibytesInLittleMemory() throws Exception {
        TestDisk[] disks = new TestDisk[10];
        long size = 16L << 40;
        for (int i = 0; i < disks.length; i++) {
            disks[i] = TestDisk.open(
                    TestDisk.image(65536, 4, size), OpenOptions.readWrite().withMetadataBudget(64 << 10));
        }
        for (TestDisk disk : disks) {
            for (long at = 0; at < size; at += size / 64) {
                disk.write(at + 1, at, 512);
            }
            for (long at = 0; at < size; at += size / 64) {
                disk.assertHolds(at + 1, at, 512);
            }
        }
        for (TestDisk disk : disks) {
            disk.close();
        }
    }
}
