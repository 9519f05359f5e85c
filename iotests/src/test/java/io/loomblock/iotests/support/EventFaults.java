// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Limits;
import io.loomblock.testkit.CrashStates;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;

/**
 * A workload on an image one of whose files fails at a debug event: nothing that was flushed is lost, nothing wrong is read, and the image
 * opens again without corruption.
 *
 * @param format of the image
 * @param files what it consists of and is written to: first the file by which it is opened
 * @param options to open it with, but for the format and the clock
 * @param size the largest that the disk becomes
 * @param shown what the disk reads as before anything is written, and zeros after that
 * @param mostCorruptions that a check finds where a change of size was interrupted, though nothing is lost
 * @param workload what is done
 * @param create makes the files anew, those that are only read among them
 */
public record EventFaults(
        String format,
        List<String> files,
        OpenOptions options,
        long size,
        byte[] shown,
        long mostCorruptions,
        Workload workload,
        Callable<TestFiles> create) {
    /** How often a fault comes that does not go away. */
    public static final int FOR_GOOD = 0;

    private static final int SECTOR = 512;

    /** What is done to an image. */
    @FunctionalInterface
    public interface Workload {
        /** All steps; what is written goes through {@code timeline}. */
        List<Step> steps(BlockDevice device, Timeline timeline, FakeTimers timers);
    }

    /** Hears of events in place of a fault injector. */
    private static final class Listener extends ForwardingDriver {
        private final Set<DebugEvent> heard = EnumSet.noneOf(DebugEvent.class);

        Listener(BlockDriver below) {
            super(below);
        }

        @Override
        public Limits limits() {
            return super.limits().withAlignment(SECTOR, 1);
        }

        @Override
        public boolean hearsEvents() {
            return true;
        }

        @Override
        public void debugEvent(DebugEvent event) {
            heard.add(event);
        }
    }

    /** The events that this file hears of while nothing fails. */
    public Set<DebugEvent> events(String file) throws Exception {
        TestFiles all = create.call();
        Listener listener = new Listener(all.memory(file));
        all.put(file, listener);
        FakeTimers timers = new FakeTimers();
        try (BlockDevice device = open(all, timers)) {
            Timeline timeline = new Timeline(model(), new RequestLog());
            int failed = Step.runAll(workload.steps(device, timeline, timers));
            assertThat(failed).as("steps that fail without a fault").isZero();
        }
        return listener.heard;
    }

    /** Has every event come that this file hears of, followed by every kind of fault in it. */
    public void failEverywhere(String file) throws Exception {
        for (DebugEvent event : events(file)) {
            for (Errno errno : new Errno[] {Errno.EIO, Errno.ENOSPC}) {
                for (int times : new int[] {1, 2, FOR_GOOD}) {
                    try {
                        failAt(file, event, errno, times);
                    } catch (AssertionError | BlockException e) {
                        String what = file + " " + event + " " + errno + " " + times + " times (0 for good): ";
                        throw new AssertionError(what + e.getMessage(), e);
                    }
                }
            }
        }
    }

    /** Lets so many requests to a file after an event fail, or all for {@link #FOR_GOOD}, and judges what comes of it. */
    private void failAt(String file, DebugEvent event, Errno errno, int times) throws Exception {
        TestFiles all = create.call();
        RequestLog log = new RequestLog();
        Map<String, MemoryDriver> memory = new LinkedHashMap<>();
        List<RecordingDriver> recorders = new ArrayList<>();
        for (String name : files) {
            memory.put(name, all.memory(name));
            recorders.add(new RecordingDriver(name, all.memory(name), log));
        }
        recorders.forEach(recorder -> all.put(recorder.name(), recorder));
        all.inject(file, rules(event, errno, times));
        DiskModel model = model();
        Timeline timeline = new Timeline(model, log);
        use(all, timeline, model, times);
        long flushed = timeline.flushedAt(log.size());
        expectAfterReopen("opened again", name -> memory.get(name).snapshot(), model, flushed);
        CrashStates.State durable = new CrashStates(log, recorders).nothingButFlushed();
        expectAfterReopen("opened after power loss", durable::file, model, flushed);
    }

    /** The opening may be what fails. */
    private void use(TestFiles all, Timeline timeline, DiskModel model, int times) throws Exception {
        FakeTimers timers = new FakeTimers();
        List<BlockDevice> opened = new ArrayList<>();
        if (!((Step) () -> opened.add(open(all, timers))).succeeds()) {
            return;
        }
        BlockDevice device = opened.get(0);
        try {
            Step.runAll(workload.steps(device, timeline, timers));
            expectLive(device, model, times);
        } finally {
            ((Step) device::close).succeeds();
        }
    }

    /** A rule that holds once for each time. */
    private static String[] rules(DebugEvent event, Errno errno, int times) {
        List<String> rules = new ArrayList<>(List.of("align", String.valueOf(SECTOR)));
        for (int i = 0; i < Math.max(1, times); i++) {
            String rule = "inject-error." + i;
            rules.addAll(List.of(rule + ".event", event.eventName()));
            rules.addAll(List.of(rule + ".errno", String.valueOf(errno.number())));
            rules.addAll(List.of(rule + ".once", times == FOR_GOOD ? "off" : "on"));
        }
        return rules.toArray(String[]::new);
    }

    private DiskModel model() {
        return new DiskModel(size, DiskModel.Content.of(shown), 1);
    }

    private BlockDevice open(TestFiles all, FakeTimers timers) throws BlockException {
        return all.open(files.get(0), format, options.withTimers(timers));
    }

    /**
     * What can be read is right; what holds for good may make every read fail. Else reads go on, also where nothing is written any more
     * because a sector of metadata could not be put right.
     */
    private void expectLive(BlockDevice device, DiskModel model, int times) throws Exception {
        // The faults may have waited for these very reads.
        for (int left = times; left >= 0; left--) {
            try {
                verify(device, model, Long.MAX_VALUE);
                return;
            } catch (BlockException e) {
                if (left == 0 && times != FOR_GOOD) {
                    throw e;
                }
            }
        }
    }

    private static void verify(BlockDevice device, DiskModel model, long flushed) throws Exception {
        long end = Math.min(device.length(), model.size());
        model.verify(ModelRun.reader(device), 0, end, Long.MAX_VALUE, flushed);
    }

    private void expectAfterReopen(String when, Function<String, SparseBytes> contents, DiskModel model, long flushed)
            throws Exception {
        TestFiles all = create.call();
        for (String name : files) {
            all.put(name, contents.apply(name).copy());
        }
        try (BlockDevice device = all.open(
                files.get(0), format, options.withTimers(new FakeTimers()).withCopyOnRead(false))) {
            CheckResult result = device.check(FixMode.NONE);
            assertThat(result.corruptions()).as("corruptions").isLessThanOrEqualTo(mostCorruptions);
            assertThat(result.checkErrors()).as("check errors").isZero();
            verify(device, model, flushed);
        } catch (AssertionError | BlockException e) {
            throw new AssertionError(when + ": " + e.getMessage(), e);
        }
    }
}
