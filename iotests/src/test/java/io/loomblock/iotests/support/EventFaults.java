// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Limits;
import io.loomblock.testkit.Blkdebug;
import io.loomblock.testkit.CrashStates;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * A little of everything on an image whose file fails at a debug event: nothing that was flushed is lost, nothing wrong is read, and
 * the image opens again without corruption.
 *
 * @param format of the image
 * @param name where it believes to be
 * @param size of its disk, not a multiple of a cluster
 * @param far a place that other metadata is about than at the start
 * @param base what its backing file holds, empty for none
 * @param backingName another name of the backing file that takes a place of its own in the header, or null
 * @param create makes it anew
 */
public record EventFaults(
        String format,
        Path name,
        long size,
        long far,
        byte[] base,
        @Nullable String backingName,
        Callable<MemoryDriver> create) {
    /** How often a fault comes that does not go away. */
    public static final int FOR_GOOD = 0;

    private static final int GROWTH = 64 << 10;
    private static final long SMALL_BUDGET = 64 << 10;
    private static final int SECTOR = 512;

    /** A step that may fail. */
    @FunctionalInterface
    private interface Step {
        void run() throws BlockException;
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

    /** The events that come while nothing fails. */
    public Set<DebugEvent> events() throws Exception {
        Listener listener = new Listener(create.call());
        FakeTimers timers = new FakeTimers();
        try (BlockDevice device = TestImages.open(name.toString(), listener, options(timers))) {
            int failed = workload(device, new Timeline(model(), new RequestLog()), timers);
            assertThat(failed).as("steps that fail without a fault").isZero();
        }
        return listener.heard;
    }

    /** Lets so many requests after an event fail, or all for {@link #FOR_GOOD}, and judges what comes of it. */
    public void failAt(DebugEvent event, Errno errno, int times) throws Exception {
        MemoryDriver file = create.call();
        RequestLog log = new RequestLog();
        RecordingDriver recorder = new RecordingDriver("image", file, log);
        FakeTimers timers = new FakeTimers();
        DiskModel model = model();
        Timeline timeline = new Timeline(model, log);
        BlockDevice device = BlockDevice.openOn(
                Blkdebug.on(name.toString(), recorder, options(timers), rules(event, errno, times)), options(timers));
        try {
            int failed = workload(device, timeline, timers);
            assertThat(failed > 0 || times != FOR_GOOD).as("something fails").isTrue();
            expectLive(device, model, times);
        } finally {
            attempt(device::close);
        }
        expectAfterReopen("opened again", file.snapshot(), model, timeline.flushedAt(log.size()));
        SparseBytes durable =
                new CrashStates(log, List.of(recorder)).nothingButFlushed().file("image");
        expectAfterReopen("opened after power loss", durable, model, timeline.flushedAt(log.size()));
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
        return new DiskModel(size + GROWTH, DiskModel.Content.of(base), 1);
    }

    private OpenOptions options(FakeTimers timers) {
        return OpenOptions.readWrite()
                .withFormat(format)
                .withTimers(timers)
                .withCopyOnRead(base.length > 0)
                .withMetadataBudget(SMALL_BUDGET);
    }

    /** Whether the step succeeded. */
    private static boolean attempt(Step step) {
        try {
            step.run();
            return true;
        } catch (BlockException e) {
            assertThat(e.errno()).isIn(Errno.EIO, Errno.ENOSPC, Errno.EPERM);
            return false;
        }
    }

    /** Does a little of everything; what fails is left at that. How many steps have failed. */
    private int workload(BlockDevice device, Timeline timeline, FakeTimers timers) {
        int failed = 0;
        for (Step step : steps(device, timeline, timers)) {
            failed += attempt(step) ? 0 : 1;
        }
        return failed;
    }

    private List<Step> steps(BlockDevice device, Timeline timeline, FakeTimers timers) {
        return List.of(
                () -> timeline.write(device, 1000, 3000),
                () -> timeline.write(device, 20_480, 12_288),
                () -> timeline.flush(device),
                () -> timeline.write(device, 21_000, 5000),
                () -> timeline.write(device, far - 6000, 12_000),
                () -> timeline.zero(device, 40_960, 9000),
                () -> timeline.flush(device),
                () -> Guest.read(device, 0, 100_000),
                () -> timeline.zero(device, 20_480, 4096),
                () -> timeline.write(device, size - 300, 300),
                () -> timers.advance(Duration.ofSeconds(6)),
                () -> timeline.write(device, 65_536, 512),
                () -> timeline.flush(device),
                () -> device.check(FixMode.ALL),
                () -> changeBackingFile(device),
                () -> timeline.write(device, 0, 30_000),
                () -> device.truncate(size + GROWTH, true, PreallocationMode.OFF),
                () -> timeline.write(device, size - 700, 1400),
                () -> timeline.flush(device),
                () -> timeline.write(device, 100_000, 700));
    }

    private void changeBackingFile(BlockDevice device) throws BlockException {
        if (backingName != null) {
            device.changeBackingFile(backingName, "raw");
        }
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
        long size = Math.min(device.length(), model.size());
        model.verify(ModelRun.reader(device), 0, size, Long.MAX_VALUE, flushed);
    }

    private void expectAfterReopen(String when, SparseBytes content, DiskModel model, long flushed) throws Exception {
        MemoryDriver file = new MemoryDriver(content.copy());
        try (BlockDevice device =
                TestImages.open(name.toString(), file, options(new FakeTimers()).withCopyOnRead(false))) {
            QedImages.expectNoCorruption(device);
            verify(device, model, flushed);
        } catch (AssertionError | BlockException e) {
            throw new AssertionError(when + ": " + e.getMessage(), e);
        }
    }
}
