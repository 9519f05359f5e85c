// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.Accounting;
import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.DirtyBitmap;
import io.loomblock.Errno;
import io.loomblock.ErrorAction;
import io.loomblock.IoStatus;
import io.loomblock.OpenOptions;
import io.loomblock.ThrottleLimits;
import io.loomblock.ThrottleLimits.Rate;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random requests of many threads while all that a device can add is on: a throttle whose limits change, a disk that is full now and
 * then, requests that stop and are made again, drained sections, and a copy that follows the writes by a dirty bitmap.
 */
@Tag("jars")
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class AllFeaturesTest {
    private static final int REQUESTS = Boolean.getBoolean("loomblock.soak") ? 2000 : 40;
    private static final int SIZE = 8 << 20;
    private static final int PIECE = 128 << 10;
    private static final long PAUSE = TimeUnit.MICROSECONDS.toNanos(500);

    private final AtomicBoolean over = new AtomicBoolean();

    @ParameterizedTest(name = "{0}, seed {1}")
    @CsvSource({"raw, 1", "raw, 2", "qed, 3", "qed, 4"})
    void everyByteIsAsTheModelSaysAndTheCopyIsEqual(String format, long seed) throws Exception {
        FaultDriver file = new FaultDriver(TestImages.create(format, CreateOptions.ofSize(SIZE)));
        DiskModel model = new DiskModel(SIZE, DiskModel.Content.ZEROS, 1);
        byte[] copy = new byte[SIZE];
        try (BlockDevice device =
                TestImages.open("disk", file, OpenOptions.readWrite().withFormat(format))) {
            device.errorPolicy(ErrorAction.REPORT, ErrorAction.ENOSPC);
            DirtyBitmap bitmap = device.createDirtyBitmap("copy", 4096);
            Call full = Call.of(() -> fillTheDiskNowAndThen(device, file, new Random(seed)));
            Call limits = Call.of(() -> changeTheLimits(device, new Random(seed)));
            Call drains = Call.of(() -> drainNowAndThen(device));
            Call copier = Call.of(() -> {
                while (!over.get()) {
                    copyDirty(device, bitmap, copy);
                    LockSupport.parkNanos(PAUSE);
                }
            });
            try {
                new ModelRun(device, model, ModelRun.Plan.of(seed, REQUESTS)).run();
            } finally {
                over.set(true);
            }
            for (Call call : new Call[] {full, limits, drains, copier}) {
                call.join();
            }
            copyDirty(device, bitmap, copy);
            assertThat(bitmap.count()).isZero();
            ModelRun.verify(device, model, seed);
            expectEqual(device, copy);
            assertThat(device.ioStatus()).isEqualTo(IoStatus.OK);
            assertThat(device.accounting().of(Accounting.Kind.WRITE).failed()).isZero();
        }
    }

    private void fillTheDiskNowAndThen(BlockDevice device, FaultDriver file, Random random) {
        FaultDriver.Fault full =
                FaultDriver.Fault.once(Request.of(RequestLog.Kind.WRITE)).with(Errno.ENOSPC);
        while (!over.get()) {
            file.arm(full.at(random.nextInt(30)));
            LockSupport.parkNanos(PAUSE);
            device.resume();
        }
        file.disarm();
        device.resume();
    }

    private void changeTheLimits(BlockDevice device, Random random) throws BlockException {
        while (!over.get()) {
            switch (random.nextInt(3)) {
                case 0 ->
                    device.throttle(ThrottleLimits.NONE.withBytes(Rate.of((1 + random.nextInt(4)) * 50_000_000L)));
                case 1 ->
                    device.throttle(ThrottleLimits.NONE
                            .withReadOperations(Rate.of(20_000))
                            .withWriteOperations(Rate.of(10_000).withBurst(40_000, 2))
                            .withOperationSize(65_536));
                default -> device.unthrottle();
            }
            LockSupport.parkNanos(10 * PAUSE);
        }
        device.unthrottle();
    }

    private void drainNowAndThen(BlockDevice device) throws BlockException {
        while (!over.get()) {
            try (BlockDevice.Drained outer = device.drain();
                    BlockDevice.Drained inner = device.drain()) {
                assertThat(device.length()).isEqualTo(SIZE);
            }
            LockSupport.parkNanos(10 * PAUSE);
        }
    }

    private static void copyDirty(BlockDevice device, DirtyBitmap bitmap, byte[] copy) throws BlockException {
        for (var area = bitmap.nextArea(0, SIZE, PIECE);
                area != null;
                area = bitmap.nextArea(area.end(), SIZE, PIECE)) {
            bitmap.clear(area.offset(), area.length());
            device.read(area.offset(), ByteBuffer.wrap(copy, (int) area.offset(), (int) area.length()));
        }
    }

    private static void expectEqual(BlockDevice device, byte[] copy) throws BlockException {
        byte[] disk = new byte[SIZE];
        device.read(0, ByteBuffer.wrap(disk));
        assertThat(Arrays.mismatch(disk, copy)).as("first byte that differs").isEqualTo(-1);
    }
}
