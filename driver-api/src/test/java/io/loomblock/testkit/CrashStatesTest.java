// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The enumerator of crash states gives every state that there can be, and none that there can't. */
class CrashStatesTest {
    private final RequestLog log = new RequestLog();

    private RecordingDriver recorder(String name) {
        return new RecordingDriver(name, new MemoryDriver(), log);
    }

    private static void write(Node node, long sector, int sectors, int value) throws Exception {
        try (AlignedBuffer buffer = AlignedBuffer.allocate(sectors * 512)) {
            buffer.fill(0, sectors * 512, (byte) value);
            node.coWritev(sector * 512, IoVector.of(buffer));
        }
    }

    /** The first byte of each sector, and the length in sectors. */
    private static String picture(SparseBytes file) {
        StringBuilder text = new StringBuilder();
        byte[] one = new byte[1];
        for (long at = 0; at < file.length(); at += 512) {
            file.read(at, one, 0, 1);
            text.append((char) (one[0] == 0 ? '.' : one[0]));
        }
        return text.toString();
    }

    @Test
    void aKilledProcessLeavesEveryPrefix() throws Exception {
        RecordingDriver file = recorder("f");
        Node node = TestImages.node("f", file, OpenOptions.readWrite());
        write(node, 0, 1, 'a');
        write(node, 2, 1, 'b');
        node.truncate(512, true, PreallocationMode.OFF);
        List<String> seen = new ArrayList<>();
        new CrashStates(log, List.of(file)).afterKill(s -> seen.add(picture(s.file("f"))));
        assertThat(seen).containsExactly("", "a", "a.b", "a");
    }

    @Test
    void powerLossLeavesEverySubsetOfWhatWasNotFlushed() throws Exception {
        RecordingDriver file = recorder("f");
        Node node = TestImages.node("f", file, OpenOptions.readWrite());
        write(node, 0, 1, 'a');
        node.flush();
        write(node, 0, 1, 'b');
        write(node, 1, 2, 'c');
        Set<String> seen = new TreeSet<>();
        int states = new CrashStates(log, List.of(file))
                .afterPowerLoss(1, 0, s -> seen.add(s.position() + ":" + picture(s.file("f"))));
        assertThat(seen).containsExactlyInAnyOrder("1:a", "3:b", "4:ac", "4:bc", "4:a.c", "4:b.c", "4:acc", "4:bcc");
        assertThat(states).isEqualTo(8);
    }

    @Test
    void aFlushOfOneFileLeavesTheOtherOpen() throws Exception {
        RecordingDriver one = recorder("one");
        RecordingDriver two = recorder("two");
        Node first = TestImages.node("one", one, OpenOptions.readWrite());
        Node second = TestImages.node("two", two, OpenOptions.readWrite());
        write(first, 0, 1, 'a');
        write(second, 0, 1, 'b');
        second.flush();
        write(second, 1, 1, 'c');
        Set<String> last = new TreeSet<>();
        new CrashStates(log, List.of(one, two)).afterPowerLoss(1, 0, s -> {
            if (s.position() == log.size()) {
                last.add(picture(s.file("one")) + "/" + picture(s.file("two")));
            }
        });
        assertThat(last).containsExactlyInAnyOrder("/bc", "a/bc");
    }

    @Test
    void manyOutstandingGroupsAreSampledWithEachLostAndEachKept() throws Exception {
        RecordingDriver file = recorder("f");
        Node node = TestImages.node("f", file, OpenOptions.readWrite());
        for (int i = 0; i < 12; i++) {
            write(node, i, 1, 'a' + i);
        }
        Set<String> last = new TreeSet<>();
        new CrashStates(log, List.of(file)).afterPowerLoss(1, 5, s -> {
            if (s.position() == 12) {
                last.add(picture(s.file("f")));
            }
        });
        assertThat(last).contains("abcdefghijkl", "abcdefghijk", ".bcdefghijkl", "...........l");
        assertThat(last.size()).isBetween(14, 19);
    }
}
