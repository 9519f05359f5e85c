// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.addcow;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.driver.DebugEvent;
import io.loomblock.iotests.support.AddCowImages;
import io.loomblock.iotests.support.EventFaults;
import io.loomblock.iotests.support.EventReasons;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every step that add-cow announces fails, once, twice and for good, with an error and on a full disk, in each of the three files that hear
 * of it.
 */
class DebugEventFaultTest {
    private static final List<String> WRITTEN = List.of(AddCowImages.NAME, AddCowImages.DATA);

    /** Why an event never comes here. */
    private static final Map<String, Predicate<DebugEvent>> NEVER = Map.of(
            "add-cow has no tables of tables",
            event -> event.name().matches("L1_.*|L2_.*|REF.*"),
            "what a cluster takes in the data file is there before it is written",
            event -> event.name().startsWith("CLUSTER_ALLOC"),
            "what the disk grows over is bits, and counts as an update of the bitmap",
            event -> event == DebugEvent.GROW_ZERO,
            "FVD's alone",
            event -> event.name().matches("TABLE_.*|JOURNAL_.*|COR_STORE|PREFETCH_STORE"));

    private static EventFaults image(Workloads workload) {
        return new EventFaults(
                "add-cow",
                WRITTEN,
                Workloads.OPTIONS.withCopyOnRead(workload == Workloads.REQUESTS),
                Workloads.GROWN,
                Workloads.SHOWN,
                workload.mostBehind(),
                workload,
                workload::create);
    }

    @Test
    void everyEventComesUnlessThereIsAReason() throws Exception {
        Set<DebugEvent> coming = EnumSet.noneOf(DebugEvent.class);
        for (Workloads workload : Workloads.values()) {
            for (String file : WRITTEN) {
                coming.addAll(image(workload).events(file));
            }
        }
        EventReasons.expectEveryEvent(coming, NEVER);
    }

    @Test
    void theBackingFileHearsOfReads() throws Exception {
        assertThat(image(Workloads.REQUESTS).events(AddCowImages.BASE))
                .contains(DebugEvent.READ_BACKING_AIO, DebugEvent.COW_READ);
    }

    @ParameterizedTest
    @EnumSource(Workloads.class)
    void whereverItFailsNothingThatWasFlushedIsLost(Workloads workload) throws Exception {
        for (String file : List.of(AddCowImages.NAME, AddCowImages.DATA, AddCowImages.BASE)) {
            image(workload).failEverywhere(file);
        }
    }
}
