// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static io.loomblock.iotests.support.QedImages.readOnly;
import static io.loomblock.iotests.support.QedImages.readWrite;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.iotests.support.Timeline;
import io.loomblock.testkit.CrashStates;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A crash at any point of a random workload leaves an image that opens, repairs itself, and reads as it should (acceptance row 34).
 *
 * <p>Every prefix of the requests that reached the file, and for power loss every subset of what was not flushed, as {@link CrashStates}
 * enumerates them.
 */
class CrashTest {
    private static final boolean SOAK = Boolean.getBoolean("loomblock.soak");
    private static final int SAMPLES = SOAK ? 40 : 6;
    private static final int SEEDS = SOAK ? 40 : 1;
    private static final int REQUESTS = SOAK ? 40 : 22;

    /** Where the second L2 table of the smallest kind begins. */
    private static final long BORDER = 2 << 20;
    /** Requests stay within this much of the beginning, and of the border, to be looked at quickly. */
    private static final int WINDOW = 48 << 10;

    /** Metadata memory where an image is only looked at, so that opening costs little. */
    private static final long SMALL_BUDGET = 64 << 10;

    private static final long SIZE = BORDER + WINDOW;
    private static final long GROWN = SIZE + WINDOW;

    @TempDir
    Path directory;

    private byte[] base = new byte[0];
    private Path name = Path.of("test.qed");
    private CacheMode cache = CacheMode.WRITEBACK;

    @ParameterizedTest(name = "clusters {0}, table of {1}")
    @CsvSource({"4096, 1", "4096, 2", "65536, 1"})
    void anImageSurvives(int clusterSize, int tableSize) throws Exception {
        for (int seed = 1; seed <= SEEDS; seed++) {
            crash(TestImages.create("qed", QedImages.options(SIZE, clusterSize, tableSize)), seed);
        }
    }

    /** The backing file is shorter than the disk, and not a multiple of anything. */
    @ParameterizedTest(name = "clusters {0}, table of {1}")
    @CsvSource({"4096, 1", "65536, 1"})
    void anOverlaySurvives(int clusterSize, int tableSize) throws Exception {
        base = Pattern.bytes(1_000_000, 0, (int) BORDER + 11_111);
        QedImages.raw(directory, "base.raw", base);
        name = directory.resolve("test.qed");
        for (int seed = 1; seed <= SEEDS; seed++) {
            crash(QedImages.createOver(name, "base.raw", SIZE, clusterSize, tableSize), seed);
        }
    }

    /** An image that was used before, so that tables exist and the end of its file is not even. */
    @ParameterizedTest(name = "seed {0}")
    @CsvSource({"1", "2"})
    void anImageWithTablesAndAnUnevenEndSurvives(int seed) throws Exception {
        MemoryDriver file = QedImages.create(SIZE, 4096, 1);
        byte[] guest = new byte[(int) SIZE];
        try (BlockDevice device = QedImages.open(file, readWrite())) {
            for (int at = 0; at < SIZE; at += 30_000) {
                byte[] bytes = Pattern.bytes(2_000_000, at, (int) Math.min(7_000, SIZE - at));
                System.arraycopy(bytes, 0, guest, at, bytes.length);
                device.write(at, ByteBuffer.wrap(bytes));
            }
        }
        SparseBytes grown = file.snapshot();
        grown.write(grown.length(), Pattern.bytes(3, 0, 1000), 0, 1000);
        base = guest;
        crash(new MemoryDriver(grown), seed);
    }

    /** No flush is needed then: what has returned is there. */
    @ParameterizedTest(name = "clusters {0}, table of {1}")
    @CsvSource({"4096, 1", "65536, 1"})
    void withoutAWriteCacheEveryWriteThatReturnedSurvives(int clusterSize, int tableSize) throws Exception {
        cache = CacheMode.WRITETHROUGH;
        for (int seed = 1; seed <= SEEDS; seed++) {
            crash(QedImages.create(SIZE, clusterSize, tableSize), seed);
        }
    }

    private void crash(MemoryDriver file, long seed) throws Exception {
        RequestLog log = new RequestLog();
        RecordingDriver recorder = new RecordingDriver("image", file, log);
        DiskModel model = new DiskModel(GROWN, DiskModel.Content.of(base), seed * 1000);
        Timeline timeline = new Timeline(model, log, !cache.writeback());
        workload(recorder, timeline, new Random(seed));
        CrashStates states = new CrashStates(log, List.of(recorder));
        int killed = states.afterKill(state -> judge(state, model, timeline, seed));
        int lost = states.afterPowerLoss(seed, SAMPLES, state -> judge(state, model, timeline, seed));
        assertThat(killed).isGreaterThan(20);
        assertThat(lost).isGreaterThan(killed);
    }

    private void workload(RecordingDriver file, Timeline timeline, Random random) throws BlockException {
        FakeTimers timers = new FakeTimers();
        try (BlockDevice device =
                TestImages.open(name.toString(), file, readWrite(timers).withCache(cache))) {
            for (int i = 0; i < REQUESTS; i++) {
                request(device, timeline, timers, random, i);
            }
        }
    }

    private static void request(BlockDevice device, Timeline timeline, FakeTimers timers, Random random, int i)
            throws BlockException {
        switch (random.nextInt(10)) {
            case 0, 1, 2, 3 -> {
                int length = 512 * (1 + random.nextInt(40));
                timeline.write(device, place(device, random, length) & -512, length);
            }
            case 4 -> {
                int length = 1 + random.nextInt(6000);
                timeline.write(device, place(device, random, length), length);
            }
            case 5 -> timeline.write(device, BORDER - 8192, 16384);
            case 6 -> {
                int length = 512 * (1 + random.nextInt(80));
                timeline.zero(device, place(device, random, length) & -512, length);
            }
            case 7, 8 -> timeline.flush(device);
            default -> {
                timers.advance(Duration.ofSeconds(6));
                if (i > REQUESTS / 2 && device.length() < GROWN) {
                    device.truncate(GROWN, true, PreallocationMode.OFF);
                }
            }
        }
    }

    /** A place for this many bytes at the beginning, or near the border of the tables. */
    private static long place(BlockDevice device, Random random, int length) throws BlockException {
        if (random.nextBoolean()) {
            return random.nextInt(WINDOW);
        }
        long start = BORDER - WINDOW;
        return start + random.nextInt((int) (device.length() - start - length) + 1);
    }

    private void judge(CrashStates.State state, DiskModel model, Timeline timeline, long seed) throws Exception {
        long crashed = timeline.crashedAt(state.position());
        long flushed = timeline.flushedAt(state.position());
        try {
            readOnlyNeverReadsWrong(state, model, crashed, flushed);
            MemoryDriver file = new MemoryDriver(state.file("image"));
            try (BlockDevice device =
                    TestImages.open(name.toString(), file, readWrite().withMetadataBudget(SMALL_BUDGET))) {
                QedImages.expectNoCorruption(device);
                verify(model, (offset, target, count) -> read(device, offset, target, count), crashed, flushed);
                allocateAndLookAgain(device, model, crashed, flushed);
            }
            QedImages.expectSound(file);
        } catch (AssertionError | BlockException e) {
            throw new AssertionError("seed " + seed + ", " + state.description() + ": " + e.getMessage(), e);
        }
    }

    private static void verify(DiskModel model, DiskModel.Reader disk, long crashed, long flushed) throws Exception {
        model.verify(disk, 0, 2 * WINDOW, crashed, flushed);
        model.verify(disk, BORDER - WINDOW, GROWN, crashed, flushed);
    }

    /** Whatever the crash has left, space that is allocated after it must not be somebody's already. */
    private static void allocateAndLookAgain(BlockDevice device, DiskModel model, long crashed, long flushed)
            throws Exception {
        long last = device.length() - 8192;
        byte[] old = new byte[8192];
        device.read(last, ByteBuffer.wrap(old));
        device.write(last, ByteBuffer.wrap(Pattern.bytes(77, last, 8192)));
        device.flush();
        verify(
                model,
                (offset, target, count) -> {
                    read(device, offset, target, count);
                    overlay(offset, target, count, last, old);
                },
                crashed,
                flushed);
        QedImages.expectNoCorruption(device);
    }

    private static void overlay(long offset, byte[] target, int count, long at, byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            long inside = at + i - offset;
            if (inside >= 0 && inside < count) {
                target[(int) inside] = bytes[i];
            }
        }
    }

    /** Reads; what a disk that has not grown yet lacks is zeros. */
    private static void read(BlockDevice device, long offset, byte[] target, int count) throws BlockException {
        int inside = (int) Math.max(0, Math.min(count, device.length() - offset));
        device.read(offset, ByteBuffer.wrap(target, 0, inside));
        Arrays.fill(target, inside, count, (byte) 0);
    }

    /** Nothing is repaired then: parts may give EIO, but none reads as what it never was, and nothing is written. */
    private void readOnlyNeverReadsWrong(CrashStates.State state, DiskModel model, long crashed, long flushed)
            throws Exception {
        MemoryDriver file = new MemoryDriver(state.file("image").copy());
        RequestLog log = new RequestLog();
        RecordingDriver recorder = new RecordingDriver("image", file, log);
        try (BlockDevice device =
                TestImages.open(name.toString(), recorder, readOnly().withMetadataBudget(SMALL_BUDGET))) {
            verify(
                    model,
                    (offset, target, count) -> {
                        try {
                            read(device, offset, target, count);
                        } catch (BlockException e) {
                            assertThat(e.errno()).isEqualTo(Errno.EIO);
                            throw new Unreadable();
                        }
                    },
                    crashed,
                    flushed);
        } catch (Unreadable e) {
            // What follows the unreadable part is looked at after the repair.
        }
        assertThat(log.entries()).noneMatch(entry -> entry.kind().changes());
    }

    private static final class Unreadable extends Exception {
        private static final long serialVersionUID = 1L;
    }
}
