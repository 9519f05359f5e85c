// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.NodeOptions;
import io.loomblock.iotests.support.EventFaults;
import io.loomblock.iotests.support.EventReasons;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.Step;
import io.loomblock.iotests.support.Timeline;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.TestFiles;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every step that FVD announces fails, once, twice and for good, with an error and on a full disk, in each of the files that hear of it. */
class DebugEventFaultTest {
    private static final int SIZE = 256 << 10;
    private static final int GROWN = SIZE + 65_536;
    private static final int SHRUNK = 203_776;
    private static final byte[] BASE = Pattern.bytes(9_000_000, 0, 200_000);
    private static final String OTHER_BASE = "other.raw";

    /** Why an event never comes here. */
    private static final Map<String, Predicate<DebugEvent>> NEVER = Map.of(
            "FVD has no tables of tables, and no reference counts",
            event -> event.name().matches("L1_.*|L2_.*|REF.*"),
            "what a chunk takes is there before it is written",
            event -> event.name().startsWith("CLUSTER_"),
            "a check looks at the table as requests do",
            event -> event.name().startsWith("CHECK_"),
            "what does not fit is placed anew",
            event -> event == DebugEvent.BITMAP_GROW,
            "needs a crash: aRecoveryThatFailsCanBeRepeated",
            event -> event == DebugEvent.JOURNAL_REPLAY);

    /** What is done, to which kind of image. */
    private enum Case {
        /** All that guests do, on an image that copies and fetches. */
        REQUESTS(new Shape(2, SIZE, 8192, 4096, 4096, false), "buffered"),
        WRITE_THROUGH(new Shape(2, SIZE, 16384, 8192, 4096, true), "write-through"),
        FIRST_LAYOUT(new Shape(1, SIZE, 4096, 7680, 4096, false), "buffered"),
        WITHOUT_JOURNAL(new Shape(2, SIZE, 8192, 4096, -1, true), "auto"),
        /** Changes of the image as a whole. */
        CHANGES(new Shape(2, SIZE, 8192, 4096, 4096, false), "buffered") {
            @Override
            List<Step> steps(BlockDevice device, Timeline timeline, FakeTimers timers) {
                return changes(device, timeline);
            }
        },
        /** The same with data in a file of its own, as the disk has it: that file hears of its steps, not the other one. */
        CHANGES_APART(new Shape(2, SIZE, 0, 4096, 4096, true), "buffered") {
            @Override
            List<Step> steps(BlockDevice device, Timeline timeline, FakeTimers timers) {
                return changes(device, timeline);
            }
        };

        final Shape shape;
        final String mode;

        Case(Shape shape, String mode) {
            this.shape = shape;
            this.mode = mode;
        }

        List<Step> steps(BlockDevice device, Timeline timeline, FakeTimers timers) {
            return List.of(
                    () -> timeline.write(device, 1000, 3000),
                    () -> timeline.write(device, 20_480, 12_288),
                    () -> timeline.flush(device),
                    () -> timeline.write(device, 21_000, 5000),
                    () -> Guest.read(device, 60_000, 20_000),
                    () -> timers.advance(Duration.ZERO),
                    () -> timeline.write(device, 62_000, 300),
                    () -> timeline.zero(device, 40_960, 9000),
                    () -> timeline.flush(device),
                    () -> timeline.write(device, 120_000, 60_000),
                    () -> timers.advance(Duration.ofSeconds(2)),
                    () -> timeline.write(device, 100_000, 700),
                    () -> device.check(FixMode.ALL),
                    () -> timers.advance(Duration.ofSeconds(6)),
                    () -> timeline.write(device, 0, 30_000),
                    () -> timeline.write(device, SIZE - 700, 500),
                    () -> timeline.flush(device),
                    () -> timeline.discard(device, 0, 8192),
                    () -> timeline.write(device, 230_000, 700));
        }

        private static List<Step> changes(BlockDevice device, Timeline timeline) {
            return List.of(
                    () -> timeline.write(device, 1000, 3000),
                    () -> timeline.write(device, 20_480, 12_288),
                    () -> device.changeBackingFile(OTHER_BASE, "raw"),
                    () -> timeline.flush(device),
                    () -> device.check(FixMode.ALL),
                    () -> timeline.empty(device),
                    () -> timeline.write(device, 40_000, 700),
                    () -> device.truncate(GROWN, true, PreallocationMode.OFF),
                    () -> timeline.write(device, SIZE - 700, 1400),
                    () -> timeline.write(device, SHRUNK - 700, 1400),
                    () -> timeline.shrink(device, SHRUNK),
                    () -> device.truncate(GROWN, true, PreallocationMode.OFF),
                    () -> timeline.write(device, SHRUNK - 700, 400),
                    () -> timeline.flush(device));
        }

        private boolean isOfChanges() {
            return this == CHANGES || this == CHANGES_APART;
        }

        List<String> written() {
            return shape.dataFile() ? List.of(FvdImages.IMAGE, FvdImages.DATA) : List.of(FvdImages.IMAGE);
        }

        TestFiles create() throws BlockException {
            CreateOptions options = shape.options();
            if (!isOfChanges()) {
                options = options.with("copy_on_read", "on").with("prefetch_start_delay", 5);
            }
            TestFiles files = new FvdImages(shape, BASE, options).files();
            files.put(OTHER_BASE, BASE);
            return files;
        }

        EventFaults faults() {
            OpenOptions options = OpenOptions.readWrite()
                    .withCopyOnRead(this == WRITE_THROUGH || this == FIRST_LAYOUT)
                    .withMetadataBudget(0)
                    .withNodeOptions(NodeOptions.of(Map.of("journal-mode", mode, "force", "on")));
            return new EventFaults("fvd", written(), options, GROWN, BASE, 0, this::steps, this::create);
        }
    }

    @Test
    void everyEventComesUnlessThereIsAReason() throws Exception {
        Set<DebugEvent> coming = EnumSet.noneOf(DebugEvent.class);
        for (Case each : Case.values()) {
            for (String file : each.written()) {
                coming.addAll(each.faults().events(file));
            }
        }
        EventReasons.expectEveryEvent(coming, NEVER);
    }

    @Test
    void theFileWhoseLengthChangesHearsOfIt() throws Exception {
        EventFaults faults = Case.CHANGES_APART.faults();
        assertThat(faults.events(FvdImages.DATA)).contains(DebugEvent.GROW, DebugEvent.SHRINK);
        assertThat(faults.events(FvdImages.IMAGE))
                .doesNotContain(DebugEvent.GROW, DebugEvent.GROW_ZERO, DebugEvent.SHRINK);
    }

    @ParameterizedTest
    @EnumSource(Case.class)
    void whereverItFailsNothingThatWasFlushedIsLost(Case each) throws Exception {
        for (String file : each.written()) {
            each.faults().failEverywhere(file);
        }
    }

    @Test
    void aRecoveryThatFailsCanBeRepeated() throws Exception {
        FvdImages images = new FvdImages(Case.REQUESTS.shape, BASE);
        MemoryDriver crashed;
        byte[] content;
        try (BlockDevice device = images.open(FvdImages.readWrite("write-through"))) {
            Guest.write(device, 10_000, 50_000, 7);
            content = Guest.bytes(device);
            crashed = new MemoryDriver(images.image().snapshot());
        }
        images.with(crashed, images.data());
        for (DebugEvent event : List.of(
                DebugEvent.JOURNAL_REPLAY,
                DebugEvent.TABLE_UPDATE,
                DebugEvent.BITMAP_UPDATE,
                DebugEvent.JOURNAL_WRITE,
                DebugEvent.HEADER_UPDATE)) {
            images.files()
                    .inject(
                            FvdImages.IMAGE,
                            "inject-error.0.event",
                            event.eventName(),
                            "inject-error.0.errno",
                            String.valueOf(Errno.EIO.number()),
                            "inject-error.0.once",
                            "off");
            BlockException failure = catchThrowableOfType(
                    BlockException.class,
                    () -> images.open(FvdImages.readWrite()).close());
            assertThat(failure).as("%s", event).isNotNull();
            assertThat(failure.errno()).isEqualTo(Errno.EIO);
        }
        images.files().inject(FvdImages.IMAGE);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            assertThat(Guest.bytes(device)).isEqualTo(content);
        }
        images.expectSound(crashed, images.data(), content);
    }
}
