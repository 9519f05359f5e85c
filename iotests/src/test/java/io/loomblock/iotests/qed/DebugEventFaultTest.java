// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static io.loomblock.iotests.support.QedImages.readWrite;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.driver.DebugEvent;
import io.loomblock.iotests.support.EventFaults;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.Blkdebug;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every step that QED announces fails, once, twice and for good, with an error and on a full disk (ideas of iotests 026 and 289). */
class DebugEventFaultTest {
    private static final int CLUSTER = 4096;
    /** What one L2 table of one cluster maps. */
    private static final int SPAN = 2 << 20;

    private static final long SIZE = SPAN + (64 << 10) + 512;
    private static final byte[] BASE = Pattern.bytes(9_000_000, 0, SPAN + 10_000);

    /** Why an event never comes here. */
    private static final Map<String, Predicate<DebugEvent>> NEVER = Map.of(
            "QED has no reference counts",
            event -> event.name().startsWith("REF"),
            "QED allocates at the end of the file and frees nothing",
            event -> event.name().startsWith("CLUSTER_"),
            "QED's L1 table has its final size, and nothing is emptied",
            event -> event.name().matches("L1_GROW_.*|L1_SHRINK_.*|EMPTY_IMAGE_PREPARE"),
            "QED compresses nothing",
            event -> event.name().contains("COMPRESSED"),
            "QED has no room for the state of a machine",
            event -> event.name().startsWith("VMSTATE_"),
            "QED's tables are never copied, and what is copied is read from the backing file",
            EnumSet.of(DebugEvent.L2_ALLOC_COW_READ, DebugEvent.COW_READ)::contains,
            "add-cow's alone",
            EnumSet.of(DebugEvent.BITMAP_LOAD, DebugEvent.BITMAP_UPDATE, DebugEvent.DATA_BARRIER)::contains,
            "FVD's alone",
            event -> event.name().matches("TABLE_.*|JOURNAL_.*|COR_STORE|PREFETCH_STORE|GROW"),
            "no step",
            event -> event == DebugEvent.NONE,
            "needs a corrupt image: aRepairThatFailsCanBeRepeated",
            event -> event == DebugEvent.CHECK_UPDATE);

    @TempDir
    Path directory;

    private EventFaults image(boolean overlay) throws Exception {
        Path name = directory.resolve("test.qed");
        if (!overlay) {
            return new EventFaults(
                    "qed", name, SIZE, SPAN, new byte[0], null, () -> QedImages.create(SIZE, CLUSTER, 1));
        }
        QedImages.raw(directory, "base.raw", BASE);
        String longName = "./".repeat(300) + "base.raw";
        return new EventFaults(
                "qed",
                name,
                SIZE,
                SPAN,
                BASE,
                longName,
                () -> QedImages.createOver(name, "base.raw", SIZE, CLUSTER, 1));
    }

    @Test
    void everyEventComesUnlessThereIsAReason() throws Exception {
        Set<DebugEvent> coming = EnumSet.copyOf(image(false).events());
        coming.addAll(image(true).events());
        Set<DebugEvent> excused = Arrays.stream(DebugEvent.values())
                .filter(event -> NEVER.values().stream().anyMatch(reason -> reason.test(event)))
                .collect(Collectors.toSet());
        assertThat(coming).doesNotContainAnyElementsOf(excused);
        excused.addAll(coming);
        assertThat(excused).containsExactlyInAnyOrder(DebugEvent.values());
    }

    @ParameterizedTest(name = "overlay {0}")
    @ValueSource(booleans = {false, true})
    void whereverItFailsNothingThatWasFlushedIsLost(boolean overlay) throws Exception {
        EventFaults image = image(overlay);
        for (DebugEvent event : image.events()) {
            for (Errno errno : new Errno[] {Errno.EIO, Errno.ENOSPC}) {
                for (int times : new int[] {1, 2, EventFaults.FOR_GOOD}) {
                    try {
                        image.failAt(event, errno, times);
                    } catch (AssertionError | BlockException e) {
                        String what = event + " " + errno + " " + times + " times (0 for good): ";
                        throw new AssertionError(what + e.getMessage(), e);
                    }
                }
            }
        }
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
