// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static io.loomblock.iotests.support.QedImages.readWrite;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.DebugEvent;
import io.loomblock.iotests.support.EventFaults;
import io.loomblock.iotests.support.EventReasons;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.iotests.support.Step;
import io.loomblock.iotests.support.Timeline;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.Blkdebug;
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
import org.junit.jupiter.params.provider.ValueSource;

/** Every step that QED announces fails, once, twice and for good, with an error and on a full disk (ideas of iotests 026 and 289). */
class DebugEventFaultTest {
    private static final int CLUSTER = 4096;
    /** What one L2 table of one cluster maps. */
    private static final int SPAN = 2 << 20;

    private static final long SIZE = SPAN + (64 << 10) + 512;
    private static final int GROWTH = 64 << 10;
    private static final long SMALL_BUDGET = 64 << 10;
    private static final String NAME = "test.qed";
    /** Another name of the backing file, which takes a place of its own in the header. */
    private static final String LONG_NAME = "./".repeat(300) + "base.raw";

    private static final byte[] BASE = Pattern.bytes(9_000_000, 0, SPAN + 10_000);

    /** Why an event never comes here. */
    private static final Map<String, Predicate<DebugEvent>> NEVER = Map.of(
            "QED has no reference counts",
            event -> event.name().startsWith("REF"),
            "QED allocates at the end of the file and frees nothing",
            event -> event.name().startsWith("CLUSTER_"),
            "QED's L1 table has its final size, and nothing is emptied",
            event -> event.name().matches("L1_GROW_.*|L1_SHRINK_.*|EMPTY_IMAGE_PREPARE"),
            "QED's tables are never copied, and what is copied is read from the backing file",
            EnumSet.of(DebugEvent.L2_ALLOC_COW_READ, DebugEvent.COW_READ)::contains,
            "add-cow's alone",
            event -> event.name().matches("BITMAP_.*|DATA_BARRIER|SHRINK"),
            "FVD's alone",
            event -> event.name().matches("TABLE_.*|JOURNAL_.*|COR_STORE|PREFETCH_STORE|GROW"),
            "needs a corrupt image: aRepairThatFailsCanBeRepeated",
            event -> event == DebugEvent.CHECK_UPDATE);

    private static EventFaults image(boolean overlay) {
        OpenOptions options = OpenOptions.readWrite().withCopyOnRead(overlay).withMetadataBudget(SMALL_BUDGET);
        byte[] shown = overlay ? BASE : new byte[0];
        return new EventFaults(
                "qed",
                List.of(NAME),
                options,
                SIZE + GROWTH,
                shown,
                0,
                (device, timeline, timers) -> steps(device, timeline, timers, overlay),
                () -> create(overlay));
    }

    private static TestFiles create(boolean overlay) throws BlockException {
        TestFiles files = new TestFiles();
        CreateOptions options = QedImages.options(SIZE, CLUSTER, 1);
        if (overlay) {
            files.put("base.raw", BASE);
            files.put(LONG_NAME, BASE);
            options = options.withBacking("base.raw", "raw");
        }
        files.create("qed", NAME, options);
        return files;
    }

    /** A little of everything. */
    private static List<Step> steps(BlockDevice device, Timeline timeline, FakeTimers timers, boolean overlay) {
        return List.of(
                () -> timeline.write(device, 1000, 3000),
                () -> timeline.write(device, 20_480, 12_288),
                () -> timeline.flush(device),
                () -> timeline.write(device, 21_000, 5000),
                () -> timeline.write(device, SPAN - 6000, 12_000),
                () -> timeline.zero(device, 40_960, 9000),
                () -> timeline.flush(device),
                () -> Guest.read(device, 0, 100_000),
                () -> timeline.zero(device, 20_480, 4096),
                () -> timeline.write(device, SIZE - 300, 300),
                () -> timers.advance(Duration.ofSeconds(6)),
                () -> timeline.write(device, 65_536, 512),
                () -> timeline.flush(device),
                () -> device.check(FixMode.ALL),
                () -> changeBackingFile(device, overlay),
                () -> timeline.write(device, 0, 30_000),
                () -> device.truncate(SIZE + GROWTH, true, PreallocationMode.OFF),
                () -> timeline.write(device, SIZE - 700, 1400),
                () -> timeline.flush(device),
                () -> timeline.write(device, 100_000, 700));
    }

    private static void changeBackingFile(BlockDevice device, boolean overlay) throws BlockException {
        if (overlay) {
            device.changeBackingFile(LONG_NAME, "raw");
        }
    }

    @Test
    void everyEventComesUnlessThereIsAReason() throws Exception {
        Set<DebugEvent> coming = EnumSet.copyOf(image(false).events(NAME));
        coming.addAll(image(true).events(NAME));
        EventReasons.expectEveryEvent(coming, NEVER);
    }

    @ParameterizedTest(name = "overlay {0}")
    @ValueSource(booleans = {false, true})
    void whereverItFailsNothingThatWasFlushedIsLost(boolean overlay) throws Exception {
        image(overlay).failEverywhere(NAME);
    }

    @Test
    void aRepairThatFailsCanBeRepeated() throws Exception {
        for (DebugEvent event : new DebugEvent[] {DebugEvent.CHECK_LOAD, DebugEvent.CHECK_UPDATE}) {
            for (String once : new String[] {"on", "off"}) {
                MemoryDriver file = corrupt();
                try (BlockDevice device = BlockDevice.openOn(
                        Blkdebug.on(
                                "test.qed",
                                file,
                                readWrite(),
                                "inject-error.0.event",
                                event.eventName(),
                                "inject-error.0.once",
                                once),
                        readWrite())) {
                    CheckResult result = device.check(FixMode.ALL);
                    boolean retried = event == DebugEvent.CHECK_UPDATE && once.equals("on");
                    assertThat(result.checkErrors() == 0)
                            .as("%s %s", event, once)
                            .isEqualTo(retried);
                } catch (BlockException e) {
                    assertThat(e.errno()).isEqualTo(Errno.EIO);
                    assertThat(once).isEqualTo("off");
                }
                try (BlockDevice device = QedImages.open(file, readWrite())) {
                    device.check(FixMode.ALL);
                    QedImages.expectNoCorruption(device);
                }
            }
        }
    }

    /** An image whose first L2 table has an entry far behind the end of the file. */
    private static MemoryDriver corrupt() throws Exception {
        MemoryDriver file = QedImages.create(SIZE, CLUSTER, 1);
        try (BlockDevice device = QedImages.open(file, readWrite())) {
            Guest.write(device, 0, CLUSTER, 1);
        }
        try (AlignedBuffer entry = AlignedBuffer.allocate(Long.BYTES)) {
            file.coReadv(CLUSTER, Long.BYTES, IoVector.of(entry, 0, Long.BYTES), 0, 0);
            long table = entry.getLong(0);
            entry.putLong(0, 1L << 40);
            file.coWritev(table + 5 * Long.BYTES, Long.BYTES, IoVector.of(entry, 0, Long.BYTES), 0, 0);
        }
        return file;
    }
}
