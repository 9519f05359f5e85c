// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static io.loomblock.iotests.support.QedImages.readWrite;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.iotests.support.Timeline;
import io.loomblock.testkit.CrashStates;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Effect;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each request that a workload makes to the file fails, one after the other, once or for good: nothing that was flushed is lost, reads
 * go on, and the image opens again without corruption (acceptance row 33).
 */
class FaultTest {
    private static final int CLUSTER = 4096;
    /** What one L2 table of one cluster maps. */
    private static final int SPAN = 2 << 20;

    private static final long SIZE = SPAN + (64 << 10);
    private static final long GROWN = SIZE + (64 << 10);
    private static final long SMALL_BUDGET = 64 << 10;

    private static final byte[] BASE = Pattern.bytes(9_000_000, 0, SPAN + 10_000);

    @TempDir
    Path directory;

    static Stream<Arguments> faults() {
        Predicate<Request> changes = request -> request.kind().changes();
        Predicate<Request> flushes = Request.of(Kind.FLUSH);
        Predicate<Request> reads = Request.of(Kind.READ);
        return Stream.of(false, true)
                .flatMap(overlay -> Stream.of(
                        Arguments.of("a write fails once", overlay, Fault.once(changes)),
                        Arguments.of(
                                "a write fails once, half done",
                                overlay,
                                Fault.once(changes).with(Effect.HALF)),
                        Arguments.of(
                                "a write fails once, though done",
                                overlay,
                                Fault.once(changes).with(Effect.ALL)),
                        Arguments.of("writes fail from then on", overlay, Fault.always(changes)),
                        Arguments.of(
                                "writes fail from then on, half done",
                                overlay,
                                Fault.always(changes).with(Effect.HALF)),
                        Arguments.of(
                                "the disk is full",
                                overlay,
                                Fault.always(changes).with(Errno.ENOSPC)),
                        Arguments.of("a flush fails once", overlay, Fault.once(flushes)),
                        Arguments.of("flushes fail from then on", overlay, Fault.always(flushes)),
                        Arguments.of("a read fails once", overlay, Fault.once(reads)),
                        Arguments.of("reads fail from then on", overlay, Fault.always(reads))));
    }

    @ParameterizedTest(name = "{0}, overlay {1}")
    @MethodSource("faults")
    void atEveryRequestNothingThatWasFlushedIsLost(String name, boolean overlay, Fault fault) throws Exception {
        QedImages.raw(directory, "base.raw", BASE);
        int number = 0;
        while (failAt(fault.at(number), overlay)) {
            number++;
        }
        assertThat(number).as("requests of the kind").isGreaterThan(3);
    }

    /** Whether there was such a request. */
    private boolean failAt(Fault fault, boolean overlay) throws Exception {
        byte[] base = overlay ? BASE : new byte[0];
        Path name = directory.resolve("test.qed");
        MemoryDriver file;
        if (overlay) {
            file = QedImages.createOver(name, "base.raw", SIZE, CLUSTER, 1);
        } else {
            file = QedImages.create(SIZE, CLUSTER, 1);
        }
        RequestLog log = new RequestLog();
        RecordingDriver recorder = new RecordingDriver("image", file, log);
        FaultDriver faulty = new FaultDriver(recorder);
        DiskModel model = new DiskModel(GROWN, DiskModel.Content.of(base), 1);
        Timeline timeline = new Timeline(model, log);
        FakeTimers timers = new FakeTimers();
        BlockDevice device =
                TestImages.open(name.toString(), faulty, readWrite(timers).withMetadataBudget(SMALL_BUDGET));
        boolean happened;
        try {
            faulty.arm(fault);
            workload(device, timeline, timers);
            faulty.disarm();
            happened = faulty.failures() > 0;
            expectLive(device, model, fault);
            if (!fault.once()) {
                faulty.arm(fault.at(0));
            }
        } finally {
            attempt(device::close);
        }
        String where = fault + " overlay " + overlay;
        expectAfterReopen(where, file.snapshot(), name, model, timeline.flushedAt(log.size()));
        SparseBytes durable =
                new CrashStates(log, List.of(recorder)).nothingButFlushed().file("image");
        expectAfterReopen(where + ", then power lost", durable, name, model, timeline.flushedAt(log.size()));
        return happened;
    }

    /** A step that may fail. */
    private interface Step {
        void run() throws BlockException;
    }

    private static void attempt(Step step) {
        try {
            step.run();
        } catch (BlockException e) {
            assertThat(e.errno()).isIn(Errno.EIO, Errno.ENOSPC, Errno.EPERM);
        }
    }

    /** A little of everything; what fails is left at that. */
    private static void workload(BlockDevice device, Timeline timeline, FakeTimers timers) {
        attempt(() -> timeline.write(device, 1000, 3000));
        attempt(() -> timeline.write(device, 20480, 12288));
        attempt(() -> timeline.flush(device));
        attempt(() -> timeline.write(device, 21000, 5000));
        attempt(() -> timeline.write(device, SPAN - 6000, 12000));
        attempt(() -> timeline.zero(device, 40960, 9000));
        attempt(() -> timeline.flush(device));
        attempt(() -> timeline.zero(device, 20480, 4096));
        attempt(() -> timeline.write(device, 44000, 600));
        timers.advance(Duration.ofSeconds(6));
        attempt(() -> timeline.write(device, 65536, 512));
        attempt(() -> timeline.flush(device));
        attempt(() -> timeline.write(device, 0, 30000));
        attempt(() -> device.truncate(GROWN, true, PreallocationMode.OFF));
        attempt(() -> timeline.write(device, SIZE - 700, 1400));
        attempt(() -> timeline.flush(device));
        attempt(() -> timeline.write(device, 100_000, 700));
    }

    /** The device that saw the fault reads every write that succeeded. */
    private static void expectLive(BlockDevice device, DiskModel model, Fault fault) throws Exception {
        try {
            long size = Math.min(device.length(), model.size());
            model.verify(ModelRun.reader(device), 0, size, Long.MAX_VALUE, Long.MAX_VALUE);
        } catch (AssertionError | BlockException e) {
            throw new AssertionError(fault + ", still open: " + e.getMessage(), e);
        }
    }

    private static void expectAfterReopen(String where, SparseBytes content, Path name, DiskModel model, long flushed)
            throws Exception {
        MemoryDriver file = new MemoryDriver(content.copy());
        try (BlockDevice device =
                TestImages.open(name.toString(), file, readWrite().withMetadataBudget(SMALL_BUDGET))) {
            QedImages.expectNoCorruption(device);
            long size = Math.min(device.length(), model.size());
            model.verify(ModelRun.reader(device), 0, size, Long.MAX_VALUE, flushed);
        } catch (AssertionError | BlockException e) {
            throw new AssertionError(where + ", opened again: " + e.getMessage(), e);
        }
        QedImages.expectSound(file);
    }
}
