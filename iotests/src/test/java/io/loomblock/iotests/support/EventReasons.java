// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.driver.DebugEvent;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Why events never come where a format's faults are tested: a new event fails these tests until it comes, or a reason is written down. */
public final class EventReasons {
    /** What holds for every format. */
    private static final Map<String, Predicate<DebugEvent>> COMMON = Map.of(
            "nothing is compressed",
            event -> event.name().contains("COMPRESSED"),
            "there is no room for the state of a machine",
            event -> event.name().startsWith("VMSTATE_"),
            "no step",
            event -> event == DebugEvent.NONE);

    private EventReasons() {}

    /**
     * Fails unless every event comes, or has a reason not to, and none has both.
     *
     * @param own the format's own reasons, and which events each is about
     */
    public static void expectEveryEvent(Set<DebugEvent> coming, Map<String, Predicate<DebugEvent>> own) {
        Set<DebugEvent> excused = Arrays.stream(DebugEvent.values())
                .filter(event -> Stream.of(COMMON, own)
                        .flatMap(reasons -> reasons.values().stream())
                        .anyMatch(reason -> reason.test(event)))
                .collect(Collectors.toSet());
        assertThat(coming).doesNotContainAnyElementsOf(excused);
        excused.addAll(coming);
        assertThat(excused).containsExactlyInAnyOrder(DebugEvent.values());
    }
}
