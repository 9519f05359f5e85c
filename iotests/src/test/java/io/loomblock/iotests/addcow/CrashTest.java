// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.addcow;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.iotests.support.AddCowImages;
import io.loomblock.iotests.support.Step;
import io.loomblock.iotests.support.Timeline;
import io.loomblock.testkit.CrashStates;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A crash at any point of a random workload leaves two files that together read as they should: each sector as the backing file has it or as
 * it was written, never as the stale bytes that the data file held before, and what was flushed is there (C8).
 *
 * <p>Every prefix of the requests to both files, and for power loss every subset of what was not flushed, as {@link CrashStates} enumerates
 * them.
 */
class CrashTest {
    private static final boolean SOAK = Boolean.getBoolean("loomblock.soak");
    private static final int SAMPLES = SOAK ? 40 : 6;
    private static final int SEEDS = SOAK ? 40 : 1;
    private static final int REQUESTS = SOAK ? 60 : 26;
    /** Requests stay in such windows, to be looked at quickly. */
    private static final int WINDOW = 48 << 10;
    /** What one page of the cached bitmap stands for with the smallest clusters. */
    private static final long PAGE_SPAN = 128L << 20;

    private static final OpenOptions READ_ONLY = OpenOptions.readOnly().withMetadataBudget(0);
    private static final OpenOptions READ_WRITE = OpenOptions.readWrite().withMetadataBudget(0);

    /**
     * A disk to crash.
     *
     * @param mostLeaks tables that a change of the size leaves, if there is any
     * @param mostBehind bits behind the end that it leaves
     */
    private record Disk(long size, long grown, int windows, byte[] base, int mostLeaks, int mostBehind) {
        long windowStart(int window) {
            return window * PAGE_SPAN;
        }

        long windowEnd(int window) {
            return Math.min(grown, windowStart(window) + WINDOW);
        }
    }

    /** The backing file ends inside of a cluster; the disk grows into a part that the backing file would show. */
    @ParameterizedTest(name = "clusters {0}, backing of {1}")
    @CsvSource({"4096, 20000", "4096, 49152", "65536, 20000", "65536, 49152"})
    void anOverlaySurvives(int clusterSize, int backing) throws Exception {
        byte[] base = Pattern.bytes(1_000_000, 0, backing);
        int size = 33 * 1024 + 512;
        // Those that hide the backing file are set before there is anything behind it.
        int mostBehind = Math.max(0, Math.ceilDiv(backing, clusterSize) - Math.ceilDiv(size, clusterSize));
        for (int seed = 1; seed <= SEEDS; seed++) {
            crash(new Disk(size, WINDOW, 1, base, 0, mostBehind), clusterSize, seed);
        }
    }

    /** More pages of bitmap than the cache holds: bits are written back for room, not only by flushes (C4). */
    @Test
    void evictionsKeepTheOrderToo() throws Exception {
        int windows = 40;
        for (int seed = 1; seed <= SEEDS; seed++) {
            long size = (windows - 1) * PAGE_SPAN + WINDOW;
            crash(new Disk(size, size, windows, Pattern.bytes(1_000_000, 0, WINDOW), 0, 0), 4096, seed);
        }
    }

    /** The disk shrinks, is written at its new end, and grows again. */
    @ParameterizedTest(name = "clusters {0}")
    @ValueSource(ints = {4096, 65536})
    void aDiskThatShrinksSurvives(int clusterSize) throws Exception {
        byte[] base = Pattern.bytes(1_000_000, 0, WINDOW);
        for (int seed = 1; seed <= SEEDS; seed++) {
            Random random = new Random(seed);
            int cut = 4096 + random.nextInt(60) * 512;
            int mostBehind = WINDOW / clusterSize - Math.ceilDiv(cut, clusterSize);
            Disk disk = new Disk(WINDOW, WINDOW, 1, base, 0, Math.max(0, mostBehind));
            crash(disk, clusterSize, seed, (device, timeline) -> {
                timeline.write(device, 0, WINDOW);
                timeline.flush(device);
                timeline.shrink(device, cut);
                timeline.write(device, cut - 1000, 900);
                timeline.flush(device);
                device.truncate(WINDOW, true, PreallocationMode.OFF);
                timeline.write(device, cut + 700, 3000);
                timeline.flush(device);
                timeline.shrink(device, cut + 512);
            });
        }
    }

    /** Repair, discards and resizes; an image that is emptied, gets other backing files, and parts with its own. */
    @ParameterizedTest
    @EnumSource(Workloads.class)
    void whatIsDoneToTheImageAsAWholeSurvives(Workloads workload) throws Exception {
        Disk disk = new Disk(
                Workloads.SIZE, Workloads.GROWN, 1, Workloads.BASE, workload.mostLeaks(), workload.mostBehind());
        crash(disk, workload.create(), 1, (device, timeline) -> {
            for (Step step : workload.steps(device, timeline, new FakeTimers())) {
                step.run();
            }
        });
    }

    /** What a test does to the disk before it crashes. */
    private interface Workload {
        void run(BlockDevice device, Timeline timeline) throws BlockException;
    }

    private void crash(Disk disk, int clusterSize, long seed) throws Exception {
        Random random = new Random(seed);
        crash(disk, clusterSize, seed, (device, timeline) -> {
            for (int i = 0; i < REQUESTS; i++) {
                request(device, disk, timeline, random, i);
            }
        });
    }

    private void crash(Disk disk, int clusterSize, long seed, Workload workload) throws Exception {
        TestFiles files = AddCowImages.create(disk.size, clusterSize, "raw", disk.base);
        files.put(AddCowImages.DATA, stale(disk));
        crash(disk, files, seed, workload);
    }

    private static void crash(Disk disk, TestFiles files, long seed, Workload workload) throws Exception {
        RequestLog log = new RequestLog();
        RecordingDriver image = new RecordingDriver("image", files.memory(AddCowImages.NAME), log);
        RecordingDriver data = new RecordingDriver("data", files.memory(AddCowImages.DATA), log);
        files.put(AddCowImages.NAME, image).put(AddCowImages.DATA, Workloads.punching(data));
        byte[] visible = Arrays.copyOf(disk.base, (int) Math.min(disk.base.length, disk.size) & -512);
        DiskModel model = new DiskModel(disk.grown, DiskModel.Content.of(visible), seed * 1000);
        Timeline timeline = new Timeline(model, log);
        try (BlockDevice device = AddCowImages.open(files, READ_WRITE)) {
            workload.run(device, timeline);
        }
        CrashStates states = new CrashStates(log, List.of(image, data));
        int killed = states.afterKill(state -> judge(disk, state, model, timeline, seed));
        int lost = states.afterPowerLoss(seed, SAMPLES, state -> judge(disk, state, model, timeline, seed));
        assertThat(killed).isGreaterThan(4);
        assertThat(lost).isGreaterThan(killed);
    }

    /** What the data file held before it became one. */
    private static SparseBytes stale(Disk disk) {
        SparseBytes bytes = new SparseBytes();
        for (int window = 0; window < disk.windows; window++) {
            long start = disk.windowStart(window);
            int length = (int) (Math.min(disk.size, disk.windowEnd(window)) - start);
            bytes.write(start, Pattern.bytes(3_000_000, start, length), 0, length);
        }
        bytes.truncate(disk.size);
        return bytes;
    }

    private static void request(BlockDevice device, Disk disk, Timeline timeline, Random random, int i)
            throws BlockException {
        long start = disk.windowStart(random.nextInt(disk.windows));
        int room = (int) Math.min(WINDOW, device.length() - start);
        int offset = random.nextInt(room);
        int length = Math.min(room - offset, 1 + random.nextInt(i % 3 == 0 ? 14_000 : 3000));
        switch (random.nextInt(10)) {
            case 0, 1, 2 -> {
                int aligned = offset & -512;
                timeline.write(device, start + aligned, Math.min(room - aligned, (length + 511) & -512));
            }
            case 3, 4 -> timeline.write(device, start + offset, length);
            case 5, 6 ->
                timeline.zero(device, start + (offset & -512), Math.min(room - (offset & -512), (length + 511) & -512));
            case 7 -> timeline.flush(device);
            default -> {
                if (i > REQUESTS / 2 && device.length() < disk.grown) {
                    device.truncate(disk.grown, true, PreallocationMode.OFF);
                } else {
                    timeline.write(device, start, Math.min(room, 20_000));
                }
            }
        }
    }

    private static void judge(Disk disk, CrashStates.State state, DiskModel model, Timeline timeline, long seed)
            throws Exception {
        long crashed = timeline.crashedAt(state.position());
        long flushed = timeline.flushedAt(state.position());
        try {
            TestFiles files = AddCowImages.of(state.file("image"), state.file("data"), disk.base);
            try (BlockDevice device = AddCowImages.open(files, READ_ONLY)) {
                verify(disk, model, device, crashed, flushed);
                AddCowImages.expectSound(device, disk.mostLeaks, disk.mostBehind);
            }
            // What is written afterwards changes nothing else.
            try (BlockDevice device = AddCowImages.open(files, READ_WRITE)) {
                byte[] old = new byte[512];
                device.read(1024, ByteBuffer.wrap(old));
                device.write(1024, ByteBuffer.wrap(Pattern.bytes(77, 0, 512)));
                device.write(1024, ByteBuffer.wrap(old));
                boolean hadThisSize = device.length() == disk.grown;
                device.truncate(disk.grown, true, PreallocationMode.OFF);
                // A disk that has this size already keeps what it had for a larger one, or has from that.
                AddCowImages.expectSound(device, hadThisSize ? disk.mostLeaks : 0, hadThisSize ? disk.mostBehind : 0);
                verify(disk, model, device, crashed, flushed);
            }
        } catch (AssertionError | BlockException e) {
            throw new AssertionError("seed " + seed + ", " + state.description() + ": " + e.getMessage(), e);
        }
    }

    private static void verify(Disk disk, DiskModel model, BlockDevice device, long crashed, long flushed)
            throws Exception {
        for (int window = 0; window < disk.windows; window++) {
            model.verify(
                    (offset, target, count) -> read(device, offset, target, count),
                    disk.windowStart(window),
                    disk.windowEnd(window),
                    crashed,
                    flushed);
        }
    }

    /** Reads; what a disk that has not grown yet lacks is zeros. */
    private static void read(BlockDevice device, long offset, byte[] target, int count) throws BlockException {
        int inside = (int) Math.max(0, Math.min(count, device.length() - offset));
        device.read(offset, ByteBuffer.wrap(target, 0, inside));
        Arrays.fill(target, inside, count, (byte) 0);
    }
}
