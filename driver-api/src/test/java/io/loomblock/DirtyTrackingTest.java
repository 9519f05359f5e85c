// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.driver.BlockDriver;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a device's requests leave in its dirty bitmaps, alone and many at once. */
@Timeout(60)
class DirtyTrackingTest {
    private static final OpenOptions RAW = OpenOptions.readWrite().withFormat("raw");
    private static final int SIZE = 1 << 20;

    private static MemoryDriver disk() {
        MemoryDriver memory = new MemoryDriver();
        memory.truncate(SIZE, true, PreallocationMode.OFF);
        return memory;
    }

    @Test
    void writesZerosAndDiscardsAreRecordedReadsAreNot() throws Exception {
        try (BlockDevice device = TestImages.open("disk", disk(), RAW)) {
            DirtyBitmap bitmap = device.createDirtyBitmap("b", 512);
            device.read(0, ByteBuffer.allocate(512));
            assertThat(bitmap.count()).isZero();
            device.write(1000, ByteBuffer.allocate(100));
            assertThat(bitmap.nextArea(0, SIZE, SIZE)).isEqualTo(new DirtyBitmap.Area(512, 1024));
            bitmap.clear();
            device.writeZeroes(4096, 4096, 0);
            assertThat(bitmap.nextArea(0, SIZE, SIZE)).isEqualTo(new DirtyBitmap.Area(4096, 4096));
            bitmap.clear();
            device.discard(8192, 512);
            assertThat(bitmap.nextArea(0, SIZE, SIZE)).isEqualTo(new DirtyBitmap.Area(8192, 512));
        }
    }

    @Test
    void aFailedWriteIsRecordedARefusedOneIsNot() throws Exception {
        FaultDriver faulty = new FaultDriver(disk());
        try (BlockDevice device = TestImages.open("disk", faulty, RAW)) {
            DirtyBitmap bitmap = device.createDirtyBitmap(null, 512);
            faulty.arm(FaultDriver.Fault.once(Request.of(Kind.WRITE)).with(FaultDriver.Effect.HALF));
            assertThatThrownBy(() -> device.write(0, ByteBuffer.allocate(4096))).isInstanceOf(BlockException.class);
            assertThat(bitmap.count()).isEqualTo(4096);
            bitmap.clear();
            assertThatThrownBy(() -> device.write(SIZE, ByteBuffer.allocate(1))).isInstanceOf(BlockException.class);
            assertThat(bitmap.count()).isZero();
        }
    }

    /** On a file that grows a failed write makes nothing longer, whatever it was for. */
    @Test
    void aWriteFarPastTheEndThatFailsIsNotRecorded() throws Exception {
        BlockDriver limited = new ForwardingDriver(disk()) {
            @Override
            public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
                    throws BlockException {
                requireNear(offset);
                super.coWritev(offset, bytes, qiov, qiovOffset, flags);
            }

            @Override
            public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
                requireNear(offset);
                super.coWriteZeroes(offset, bytes, flags);
            }

            private void requireNear(long offset) throws BlockException {
                if (offset > 1L << 40) {
                    throw new BlockException(Errno.EFBIG);
                }
            }
        };
        try (BlockDevice device = BlockDevice.of(TestImages.node("disk", limited, RAW), RAW)) {
            DirtyBitmap bitmap = device.createDirtyBitmap("b", 512);
            assertThatThrownBy(() -> device.write(1L << 60, ByteBuffer.allocate(512)))
                    .isInstanceOf(BlockException.class);
            assertThatThrownBy(() -> device.writeZeroes(1L << 60, 512, 0)).isInstanceOf(BlockException.class);
            device.discard(1L << 60, 512);
            assertThat(bitmap.count()).isZero();
            assertThat(bitmap.length()).isEqualTo(SIZE);
            device.write(SIZE, ByteBuffer.allocate(512));
            assertThat(bitmap.nextArea(0, 2 * SIZE, SIZE)).isEqualTo(new DirtyBitmap.Area(SIZE, 512));
        }
    }

    @Test
    void aWriteIsRecordedWhenItIsDoneNotBefore() throws Exception {
        BlockingDriver blocking = new BlockingDriver(disk());
        try (BlockDevice device = TestImages.open("disk", blocking, RAW);
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            DirtyBitmap bitmap = device.createDirtyBitmap("b", 512);
            BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.WRITE));
            Future<?> write = executor.submit(() -> {
                device.write(0, ByteBuffer.allocate(512));
                return null;
            });
            hold.awaitHeld();
            assertThat(bitmap.count()).isZero();
            hold.release();
            write.get(30, TimeUnit.SECONDS);
            assertThat(bitmap.count()).isEqualTo(512);
        }
    }

    @Test
    void bitmapsFollowTheSizeOfTheDisk() throws Exception {
        try (BlockDevice device = TestImages.open("disk", disk(), RAW)) {
            DirtyBitmap bitmap = device.createDirtyBitmap("b", 0);
            assertThat(bitmap.granularity()).isEqualTo(64 << 10);
            device.truncate(4L * SIZE, true, PreallocationMode.OFF);
            assertThat(bitmap.length()).isEqualTo(4L * SIZE);
            device.write(3L * SIZE, ByteBuffer.allocate(1));
            assertThat(bitmap.nextDirty(0, 4L * SIZE)).isEqualTo(3L * SIZE);
            device.truncate(SIZE, true, PreallocationMode.OFF);
            assertThat(bitmap.count()).isZero();
        }
    }

    @Test
    void namesAreUniqueAndRemovedBitmapsStandStill() throws Exception {
        try (BlockDevice device = TestImages.open("disk", disk(), RAW)) {
            DirtyBitmap first = device.createDirtyBitmap("first", 512);
            DirtyBitmap anonymous = device.createDirtyBitmap(null, 1024);
            assertThat(device.dirtyBitmap("first")).isSameAs(first);
            assertThat(device.dirtyBitmap("second")).isNull();
            assertThat(device.dirtyBitmaps()).containsExactly(first, anonymous);
            assertThatThrownBy(() -> device.createDirtyBitmap("first", 512))
                    .isInstanceOf(BlockException.class)
                    .hasMessage("Bitmap already exists: first");
            device.removeDirtyBitmap(first);
            device.write(0, ByteBuffer.allocate(512));
            assertThat(first.count()).isZero();
            assertThat(anonymous.count()).isEqualTo(1024);
            assertThatThrownBy(() -> device.removeDirtyBitmap(first)).isInstanceOf(BlockException.class);
            device.removeDirtyBitmap(anonymous);
            device.write(4096, ByteBuffer.allocate(512));
            assertThat(anonymous.count()).isEqualTo(1024);
            for (long granularity : new long[] {1, 256, 513, 1L << 32, -512}) {
                assertThatIllegalArgumentException().isThrownBy(() -> device.createDirtyBitmap("x", granularity));
            }
            assertThatIllegalArgumentException().isThrownBy(() -> device.createDirtyBitmap("", 512));
        }
    }

    /** What a mirror relies on: clear, then read; in the end nothing is dirty and the copy is equal. */
    @Test
    void aCopierThatClearsAndThenReadsLosesNoWrite() throws Exception {
        long seed = System.nanoTime();
        byte[] copy = new byte[SIZE];
        AtomicInteger running = new AtomicInteger(8);
        try (BlockDevice device = TestImages.open("disk", disk(), RAW);
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            DirtyBitmap bitmap = device.createDirtyBitmap("mirror", 512);
            List<Future<?>> writers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                Random random = new Random(seed + i);
                writers.add(executor.submit(() -> {
                    writeAtRandom(device, random);
                    running.decrementAndGet();
                    return null;
                }));
            }
            boolean last;
            do {
                last = running.get() == 0;
                copyDirty(device, bitmap, copy);
            } while (!last);
            for (Future<?> writer : writers) {
                writer.get(30, TimeUnit.SECONDS);
            }
            byte[] disk = new byte[SIZE];
            device.read(0, ByteBuffer.wrap(disk));
            assertThat(Arrays.mismatch(disk, copy)).as("seed %d", seed).isEqualTo(-1);
            assertThat(bitmap.count()).isZero();
        }
    }

    private static void writeAtRandom(BlockDevice device, Random random) throws BlockException {
        for (int n = 0; n < 2000; n++) {
            int length = 1 + random.nextInt(3000);
            long offset = random.nextInt(SIZE - length);
            if (random.nextInt(8) == 0) {
                device.writeZeroes(offset, length, 0);
            } else {
                byte[] data = new byte[length];
                random.nextBytes(data);
                device.write(offset, ByteBuffer.wrap(data));
            }
        }
    }

    private static void copyDirty(BlockDevice device, DirtyBitmap bitmap, byte[] copy) throws BlockException {
        for (var area = bitmap.nextArea(0, SIZE, 16 << 10);
                area != null;
                area = bitmap.nextArea(area.end(), SIZE, 16 << 10)) {
            bitmap.clear(area.offset(), area.length());
            device.read(area.offset(), ByteBuffer.wrap(copy, (int) area.offset(), (int) area.length()));
        }
    }
}
