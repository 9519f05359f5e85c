// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.addcow;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.iotests.support.AddCowImages;
import io.loomblock.iotests.support.Step;
import io.loomblock.iotests.support.Timeline;
import io.loomblock.testkit.CrashStates;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Effect;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each request that a workload makes to any of the three files fails, one after the other, once or for good: nothing that was flushed is
 * lost, reads go on, stale bytes never show, and the image opens again.
 */
class FaultTest {
    /** Which file fails. */
    private enum Which {
        ADD_COW,
        DATA,
        BACKING
    }

    static Stream<Arguments> faults() {
        Predicate<Request> changes = request -> request.kind().changes();
        Predicate<Request> flushes = Request.of(Kind.FLUSH);
        Predicate<Request> reads = Request.of(Kind.READ);
        Stream<Arguments> written = Stream.of(Which.ADD_COW, Which.DATA)
                .flatMap(which -> Stream.of(
                        Arguments.of("a write fails once", which, Fault.once(changes)),
                        Arguments.of(
                                "a write fails once, half done",
                                which,
                                Fault.once(changes).with(Effect.HALF)),
                        Arguments.of(
                                "a write fails once, though done",
                                which,
                                Fault.once(changes).with(Effect.ALL)),
                        Arguments.of("writes fail from then on", which, Fault.always(changes)),
                        Arguments.of(
                                "the disk is full", which, Fault.always(changes).with(Errno.ENOSPC)),
                        Arguments.of("a flush fails once", which, Fault.once(flushes)),
                        Arguments.of("flushes fail from then on", which, Fault.always(flushes))));
        Stream<Arguments> read = Stream.of(Which.ADD_COW, Which.BACKING)
                .flatMap(which -> Stream.of(
                        Arguments.of("a read fails once", which, Fault.once(reads)),
                        Arguments.of("reads fail from then on", which, Fault.always(reads))));
        return Stream.concat(written, read);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("faults")
    void atEveryRequestNothingThatWasFlushedIsLost(String name, Which which, Fault fault) throws Exception {
        int requests = 0;
        for (Workloads workload : Workloads.values()) {
            int number = 0;
            while (failAt(workload, which, fault.at(number))) {
                number++;
            }
            requests += number;
        }
        assertThat(requests).as("requests of the kind").isGreaterThan(10);
    }

    /** Whether there was such a request. */
    private static boolean failAt(Workloads workload, Which which, Fault fault) throws Exception {
        TestFiles files = workload.create();
        RequestLog log = new RequestLog();
        MemoryDriver imageFile = files.memory(AddCowImages.NAME);
        MemoryDriver dataFile = files.memory(AddCowImages.DATA);
        RecordingDriver image = new RecordingDriver("image", imageFile, log);
        RecordingDriver data = new RecordingDriver("data", dataFile, log);
        FaultDriver imageFaults = new FaultDriver(image);
        FaultDriver dataFaults = new FaultDriver(Workloads.punching(data));
        FaultDriver baseFaults = new FaultDriver(files.memory(AddCowImages.BASE));
        files.put(AddCowImages.NAME, imageFaults)
                .put(AddCowImages.DATA, dataFaults)
                .put(AddCowImages.BASE, baseFaults);
        FaultDriver faulty =
                switch (which) {
                    case ADD_COW -> imageFaults;
                    case DATA -> dataFaults;
                    case BACKING -> baseFaults;
                };
        DiskModel model = new DiskModel(Workloads.GROWN, DiskModel.Content.of(Workloads.SHOWN), 1);
        Timeline timeline = new Timeline(model, log);
        BlockDevice device = AddCowImages.open(files, Workloads.OPTIONS);
        boolean happened;
        try {
            faulty.arm(fault);
            Step.runAll(workload.steps(device, timeline, new FakeTimers()));
            faulty.disarm();
            happened = faulty.failures() > 0;
            expectLive(device, model, workload + " " + fault);
            if (!fault.once()) {
                faulty.arm(fault.at(0));
            }
        } finally {
            ((Step) device::close).succeeds();
        }
        String where = workload + " " + which + " " + fault;
        long flushed = timeline.flushedAt(log.size());
        expectAfterReopen(workload, where, imageFile.snapshot(), dataFile.snapshot(), model, flushed);
        CrashStates.State durable = new CrashStates(log, List.of(image, data)).nothingButFlushed();
        expectAfterReopen(
                workload, where + ", then power lost", durable.file("image"), durable.file("data"), model, flushed);
        return happened;
    }

    /** The device that saw the fault reads every write that succeeded. */
    private static void expectLive(BlockDevice device, DiskModel model, String fault) throws Exception {
        try {
            long size = Math.min(device.length(), model.size());
            model.verify(ModelRun.reader(device), 0, size, Long.MAX_VALUE, Long.MAX_VALUE);
        } catch (AssertionError | BlockException e) {
            throw new AssertionError(fault + ", still open: " + e.getMessage(), e);
        }
    }

    private static void expectAfterReopen(
            Workloads workload, String where, SparseBytes image, SparseBytes data, DiskModel model, long flushed)
            throws Exception {
        TestFiles files = AddCowImages.of(image, data, Workloads.BASE);
        try (BlockDevice device = AddCowImages.open(files, Workloads.OPTIONS)) {
            AddCowImages.expectSound(device, workload.mostLeaks(), workload.mostBehind());
            long size = Math.min(device.length(), model.size());
            model.verify(ModelRun.reader(device), 0, size, Long.MAX_VALUE, flushed);
        } catch (AssertionError | BlockException e) {
            throw new AssertionError(where + ", opened again: " + e.getMessage(), e);
        }
    }
}
