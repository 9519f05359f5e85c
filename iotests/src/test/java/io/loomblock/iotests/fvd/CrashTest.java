// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.Timeline;
import io.loomblock.testkit.CrashStates;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * After a kill at any moment, and after a loss of power with any part of what was not flushed, an image opens, and holds in each sector what
 * it was given; the recovery itself may be cut off too.
 */
class CrashTest {
    private static final boolean SOAK = Boolean.getBoolean("loomblock.soak");
    private static final int SEEDS = SOAK ? 20 : 1;
    private static final int SAMPLES = SOAK ? 40 : 2;
    /** Of so many losses of power one is judged. */
    private static final int SPARSE = SOAK ? 1 : 4;

    private static final int HOLE = 24 << 10;

    private static final int REQUESTS = SOAK ? 60 : 10;

    private static final long SIZE = 240 << 10;
    private static final long TINY = 4096;
    private static final String IMAGE = FvdImages.IMAGE;
    private static final String DATA = FvdImages.DATA;

    private FvdImages images;
    /** Whether guests read too, which leaves copies. */
    private boolean reads;

    private OpenOptions options = FvdImages.readWrite();

    @ParameterizedTest(name = "version {0}, chunk {1}, block {2}, data file {3}, {4}")
    @CsvSource({
        "1, 16384, 0, false, write-through",
        "1, 0, 8192, false, write-through",
        "1, 4096, 8192, false, write-through",
        "1, 16384, 7680, true, write-through",
        "2, 16384, 4096, false, write-through",
        "2, 2048, 65536, true, write-through",
        "2, 512, 131072, false, write-through",
        "1, 4096, 8192, false, buffered",
        "2, 16384, 4096, false, buffered",
        "2, 2048, 65536, true, buffered",
        "2, 512, 131072, false, buffered"
    })
    void everySectorIsWhatItWasGiven(int version, int chunk, int block, boolean dataFile, String mode)
            throws Exception {
        Shape shape = new Shape(version, SIZE, chunk, block, TINY, dataFile);
        for (long seed = 1; seed <= SEEDS; seed++) {
            options = FvdImages.readWrite(mode);
            images = new FvdImages(shape, base(block));
            crash(seed);
        }
    }

    /** With holes in it, over which bits need not wait for data. */
    private static byte[] base(int block) {
        byte[] base = block == 0 ? new byte[0] : Pattern.bytes(1_000_000, 0, (int) SIZE - 50_000);
        for (int hole = HOLE; hole < base.length; hole += 2 * HOLE) {
            Arrays.fill(base, hole, Math.min(hole + HOLE, base.length), (byte) 0);
        }
        return base;
    }

    /** Copies are stored between the requests, until all has been fetched and the header says so. */
    @ParameterizedTest(name = "version {0}, chunk {1}, block {2}, data file {3}, {4}")
    @CsvSource({
        "1, 0, 8192, false, write-through",
        "1, 4096, 7680, true, buffered",
        "2, 16384, 4096, false, write-through",
        "2, 16384, 4096, true, buffered",
        "2, 2048, 65536, false, write-through",
        "2, 4096, 32768, false, buffered"
    })
    void copiesMayBeForgottenButDoNoHarm(int version, int chunk, int block, boolean dataFile, String mode)
            throws Exception {
        Shape shape = new Shape(version, SIZE, chunk, block, TINY, dataFile);
        for (long seed = 1; seed <= SEEDS; seed++) {
            options = FvdImages.readWrite(mode);
            images = new FvdImages(
                            shape,
                            base(block),
                            shape.options().with("copy_on_read", "on").with("prefetch_start_delay", 1))
                    .withPrefetchUnit(Math.ceilDiv(48 << 10, block) * block);
            reads = true;
            crash(seed);
        }
    }

    private void crash(long seed) throws Exception {
        RequestLog log = new RequestLog();
        RecordingDriver image = new RecordingDriver(IMAGE, images.image(), log);
        RecordingDriver data = new RecordingDriver(DATA, images.data(), log);
        DiskModel model = new DiskModel(SIZE, DiskModel.Content.of(images.base()), seed * 1000);
        Timeline timeline = new Timeline(model, log);
        images.with(image, data);
        workload(timeline, new Random(seed));
        CrashStates states = new CrashStates(log, List.of(image, data));
        int killed = states.afterKill(state -> judge(state, model, timeline, seed));
        int[] number = {0};
        int lost = states.afterPowerLoss(seed, SAMPLES, state -> {
            if (number[0]++ % SPARSE == 0) {
                judge(state, model, timeline, seed);
            }
        });
        assertThat(killed).isGreaterThan(20);
        assertThat(lost).isGreaterThan(killed);
    }

    /** The opening that recovers an image, and the closing after it, are cut off at every point of theirs. */
    @ParameterizedTest(name = "version {0}, chunk {1}, block {2}, data file {3}")
    @CsvSource({"1, 4096, 8192, false", "2, 16384, 4096, true"})
    void aRecoveryMayBeCutOffItself(int version, int chunk, int block, boolean dataFile) throws Exception {
        byte[] base = Pattern.bytes(1_000_000, 0, (int) SIZE - 50_000);
        images = new FvdImages(new Shape(version, SIZE, chunk, block, TINY, dataFile), base);
        RequestLog log = new RequestLog();
        RecordingDriver image = new RecordingDriver(IMAGE, images.image(), log);
        RecordingDriver data = new RecordingDriver(DATA, images.data(), log);
        DiskModel model = new DiskModel(SIZE, DiskModel.Content.of(base), 5000);
        Timeline timeline = new Timeline(model, log);
        images.with(image, data);
        workload(timeline, new Random(5));
        int[] number = {0};
        new CrashStates(log, List.of(image, data)).afterPowerLoss(5, 0, state -> {
            if (number[0]++ % (SOAK ? 4 : 48) == 0) {
                cutOffRecovery(state, model, timeline);
            }
        });
        assertThat(number[0]).isGreaterThan(96);
    }

    private void cutOffRecovery(CrashStates.State crashed, DiskModel model, Timeline timeline) throws Exception {
        RequestLog log = new RequestLog();
        RecordingDriver image = new RecordingDriver(IMAGE, new MemoryDriver(crashed.file(IMAGE)), log);
        RecordingDriver data = new RecordingDriver(DATA, new MemoryDriver(crashed.file(DATA)), log);
        images.with(image, data).open(options).close();
        long at = timeline.crashedAt(crashed.position());
        long flushed = timeline.flushedAt(crashed.position());
        new CrashStates(log, List.of(image, data)).afterPowerLoss(6, 1, state -> {
            images.with(new MemoryDriver(state.file(IMAGE)), new MemoryDriver(state.file(DATA)));
            try (BlockDevice device = images.open(FvdImages.readOnly())) {
                verify(model, Guest.bytes(device), at, flushed);
            } catch (AssertionError | BlockException e) {
                throw new AssertionError(crashed.description() + "; recovery: " + state.description(), e);
            }
        });
    }

    private void workload(Timeline timeline, Random random) throws BlockException {
        FakeTimers timers = new FakeTimers();
        // The second session begins with a journal full of records of the first.
        for (int session = 0; session < 2; session++) {
            try (BlockDevice device = images.open(options.withTimers(timers))) {
                for (int i = 0; i < REQUESTS; i++) {
                    request(device, timeline, timers, random);
                    if (reads) {
                        read(device, timers, random);
                    }
                }
            }
        }
    }

    private static void read(BlockDevice device, FakeTimers timers, Random random) throws BlockException {
        int length = 512 * (1 + random.nextInt(40));
        Guest.read(device, random.nextInt((int) SIZE - length) & -512, length);
        if (random.nextBoolean()) {
            timers.advance(Duration.ZERO);
        }
    }

    private static void request(BlockDevice device, Timeline timeline, FakeTimers timers, Random random)
            throws BlockException {
        switch (random.nextInt(8)) {
            case 0, 1, 2 -> {
                int length = 512 * (1 + random.nextInt(60));
                timeline.write(device, random.nextInt((int) SIZE - length) & -512, length);
            }
            case 3 -> {
                int length = 1 + random.nextInt(6000);
                timeline.write(device, random.nextInt((int) SIZE - length), length);
            }
            case 4 -> timeline.write(device, SIZE - 51_200, 20_000);
            case 5 -> {
                int length = 512 * (1 + random.nextInt(80));
                timeline.zero(device, random.nextInt((int) SIZE - length) & -512, length);
            }
            case 6 -> timeline.flush(device);
            default -> timers.advance(Duration.ofSeconds(2));
        }
    }

    private void judge(CrashStates.State state, DiskModel model, Timeline timeline, long seed) throws Exception {
        long crashed = timeline.crashedAt(state.position());
        long flushed = timeline.flushedAt(state.position());
        try {
            readOnlyShowsTheSame(state, model, crashed, flushed);
            MemoryDriver image = new MemoryDriver(state.file(IMAGE));
            MemoryDriver data = new MemoryDriver(state.file(DATA));
            recover(image, data, model, crashed, flushed);
        } catch (AssertionError | BlockException e) {
            throw new AssertionError("seed " + seed + ", " + state.description() + ": " + e.getMessage(), e);
        }
    }

    private void recover(MemoryDriver image, MemoryDriver data, DiskModel model, long crashed, long flushed)
            throws Exception {
        images.with(image, data);
        byte[] content;
        try (BlockDevice device = images.open(options)) {
            content = Guest.bytes(device);
            verify(model, content, crashed, flushed);
            // Whatever the crash has left, storage that is taken after it must not be somebody's already.
            for (int at = 0; at < SIZE - 3000; at += 30_000) {
                byte[] bytes = Pattern.bytes(77, at, 3000);
                device.write(at, ByteBuffer.wrap(bytes));
                System.arraycopy(bytes, 0, content, at, bytes.length);
            }
            assertThat(Guest.bytes(device)).isEqualTo(content);
        }
        images.expectSound(image, data, content);
    }

    /** The journal is replayed in memory then, and nothing written. */
    private void readOnlyShowsTheSame(CrashStates.State state, DiskModel model, long crashed, long flushed)
            throws Exception {
        RequestLog log = new RequestLog();
        images.with(
                new RecordingDriver(IMAGE, new MemoryDriver(state.file(IMAGE).copy()), log),
                new RecordingDriver(DATA, new MemoryDriver(state.file(DATA).copy()), log));
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            verify(model, Guest.bytes(device), crashed, flushed);
        }
        assertThat(log.entries()).noneMatch(entry -> entry.kind().changes());
    }

    private static void verify(DiskModel model, byte[] content, long crashed, long flushed) throws Exception {
        model.verify(
                (offset, target, count) -> System.arraycopy(content, (int) offset, target, 0, count), crashed, flushed);
    }
}
