// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
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
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whichever request to the image's file fails, from the opening on: what was acknowledged is read while the image is open, what was flushed
 * after it is opened again, and the image makes sense.
 */
class FaultTest {
    private static final long SIZE = 256 << 10;
    private static final byte[] BASE = Pattern.bytes(9_000_000, 0, 200_000);

    static Stream<Arguments> faults() {
        Predicate<Request> changes = request -> request.kind().changes();
        Predicate<Request> flushes = Request.of(Kind.FLUSH);
        Predicate<Request> reads = Request.of(Kind.READ);
        return Stream.of("write-through", "buffered")
                .flatMap(mode -> Stream.of(
                        Arguments.of("a write fails once", mode, Fault.once(changes)),
                        Arguments.of(
                                "a write fails once, half done",
                                mode,
                                Fault.once(changes).with(Effect.HALF)),
                        Arguments.of(
                                "a write fails once, though done",
                                mode,
                                Fault.once(changes).with(Effect.ALL)),
                        Arguments.of("writes fail from then on", mode, Fault.always(changes)),
                        Arguments.of(
                                "the disk is full", mode, Fault.always(changes).with(Errno.ENOSPC)),
                        Arguments.of("a flush fails once", mode, Fault.once(flushes)),
                        Arguments.of("flushes fail from then on", mode, Fault.always(flushes)),
                        Arguments.of("a read fails once", mode, Fault.once(reads)),
                        Arguments.of("reads fail from then on", mode, Fault.always(reads))));
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("faults")
    void atEveryRequestNothingThatWasFlushedIsLost(String name, String mode, Fault fault) throws Exception {
        for (Shape shape : List.of(
                new Shape(2, SIZE, 8192, 4096, 4096, false),
                new Shape(1, SIZE, 4096, 16384, 4096, false),
                new Shape(2, SIZE, 16384, 0, 4096, false))) {
            int number = 0;
            while (failAt(fault.at(number), shape, FvdImages.readWrite(mode))) {
                number++;
            }
            assertThat(number).as("requests of the kind").isGreaterThan(3);
        }
    }

    /** Whether there was such a request. */
    private boolean failAt(Fault fault, Shape shape, OpenOptions options) throws Exception {
        byte[] base = shape.blockSize() > 0 ? BASE : new byte[0];
        FvdImages images = new FvdImages(shape, base);
        RequestLog log = new RequestLog();
        RecordingDriver recorder = new RecordingDriver(FvdImages.IMAGE, images.image(), log);
        FaultDriver faulty = new FaultDriver(recorder);
        images.with(faulty, images.data());
        DiskModel model = new DiskModel(SIZE, DiskModel.Content.of(base), 1);
        Timeline timeline = new Timeline(model, log);
        FakeTimers timers = new FakeTimers();
        faulty.arm(fault);
        attempt(() -> session(images.open(options.withTimers(timers)), timeline, timers, model, faulty, fault));
        String where = fault + " " + shape;
        long flushed = timeline.flushedAt(log.size());
        expectAfterReopen(where, images, images.image().snapshot(), model, flushed);
        SparseBytes durable =
                new CrashStates(log, List.of(recorder)).nothingButFlushed().file(FvdImages.IMAGE);
        expectAfterReopen(where + ", then power lost", images, durable, model, flushed);
        return faulty.failures() > 0;
    }

    private static void session(
            BlockDevice device, Timeline timeline, FakeTimers timers, DiskModel model, FaultDriver faulty, Fault fault)
            throws BlockException {
        try {
            workload(device, timeline, timers);
            faulty.disarm();
            expectLive(device, model, fault);
            if (!fault.once() && faulty.failures() > 0) {
                faulty.arm(fault.at(0));
            }
        } finally {
            attempt(device::close);
        }
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

    /** A little of everything, more than the journal has room for; what fails is left at that. */
    private static void workload(BlockDevice device, Timeline timeline, FakeTimers timers) {
        attempt(() -> timeline.write(device, 1000, 3000));
        attempt(() -> timeline.write(device, 20480, 12288));
        attempt(() -> timeline.flush(device));
        attempt(() -> timeline.write(device, 21000, 5000));
        attempt(() -> timeline.write(device, 190_000, 20_000));
        attempt(() -> timeline.zero(device, 40960, 9000));
        attempt(() -> timeline.flush(device));
        timers.advance(Duration.ofSeconds(2));
        for (int i = 0; i < 10; i++) {
            long at = 60_000 + 11_000L * i;
            attempt(() -> timeline.write(device, at, 512));
        }
        timers.advance(Duration.ofSeconds(2));
        attempt(() -> timeline.flush(device));
        attempt(() -> timeline.write(device, 0, 30000));
        attempt(() -> timeline.write(device, 240_000, 700));
    }

    /** The device that saw the fault reads every write that succeeded. */
    private static void expectLive(BlockDevice device, DiskModel model, Fault fault) throws BlockException {
        try {
            model.verify(ModelRun.reader(device));
        } catch (BlockException e) {
            throw e;
        } catch (Exception | AssertionError e) {
            throw new AssertionError(fault + ", still open: " + e.getMessage(), e);
        }
    }

    private static void expectAfterReopen(
            String where, FvdImages images, SparseBytes content, DiskModel model, long flushed) throws Exception {
        MemoryDriver file = new MemoryDriver(content.copy());
        images.with(file, images.data());
        byte[] guest;
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            guest = Guest.bytes(device);
            model.verify(
                    (offset, target, count) -> System.arraycopy(guest, (int) offset, target, 0, count),
                    Long.MAX_VALUE,
                    flushed);
        } catch (AssertionError | BlockException e) {
            throw new AssertionError(where + ", opened again: " + e.getMessage(), e);
        }
        images.expectSound(file, images.data(), guest);
    }
}
