// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.loomblock.driver.NodeOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests in the Flight Recorder: nothing while off, one event each while on. */
class RequestEventsTest {
    private static final OpenOptions NULL =
            OpenOptions.readWrite().withFormat("null-co").withNodeOptions(NodeOptions.NONE.with("size", "1048576"));

    @TempDir
    Path directory;

    private static void requests(BlockDevice device) throws BlockException {
        IoVector vector = IoVector.of(AlignedBuffer.allocate(4096));
        device.read(512, 1024, vector, 0);
        device.write(1024, 2048, vector, 0, 0);
        device.writeZeroes(4096, 4096, 0);
        device.discard(8192, 512);
        device.flush();
        assertThatThrownBy(() -> device.read(1 << 20, vector)).isInstanceOf(BlockException.class);
    }

    private List<RecordedEvent> record(boolean enabled) throws Exception {
        Path file = directory.resolve("requests.jfr");
        try (BlockDevice device = BlockDevice.open("null-co://", NULL);
                Recording recording = new Recording()) {
            // The event types are loaded before the recorder starts.
            requests(device);
            if (enabled) {
                for (String type : List.of("Read", "Write", "WriteZeroes", "Discard", "Flush")) {
                    recording.enable("io.loomblock." + type);
                }
            }
            recording.start();
            requests(device);
            recording.stop();
            recording.dump(file);
        }
        List<RecordedEvent> events = new ArrayList<>(RecordingFile.readAllEvents(file));
        events.removeIf(event -> !event.getEventType().getName().startsWith("io.loomblock."));
        return events;
    }

    @Test
    void aRecordingThatDoesNotAskGetsNone() throws Exception {
        assertThat(record(false)).isEmpty();
    }

    @Test
    void eachRequestIsOneEventWithItsPlaceSizeAndError() throws Exception {
        List<String> seen = new ArrayList<>();
        for (RecordedEvent event : record(true)) {
            assertThat(event.getString("device")).isEqualTo("json:{\"driver\": \"null-co\", \"size\": 1048576}");
            assertThat(event.getStackTrace()).isNull();
            assertThat(event.getDuration()).isPositive();
            seen.add(String.format(
                    "%s %d %d %d",
                    event.getEventType().getName(),
                    event.getLong("offset"),
                    event.getLong("bytes"),
                    event.getInt("errno")));
        }
        assertThat(seen)
                .containsExactlyInAnyOrder(
                        "io.loomblock.Read 512 1024 0",
                        "io.loomblock.Write 1024 2048 0",
                        "io.loomblock.WriteZeroes 4096 4096 0",
                        "io.loomblock.Discard 8192 512 0",
                        "io.loomblock.Flush 0 0 0",
                        "io.loomblock.Read 1048576 4096 5");
    }

    @Test
    void aRequestThatIsTurnedAwayIsAnEventToo() throws Exception {
        Path file = directory.resolve("requests.jfr");
        BlockDevice device = BlockDevice.open("null-co://", NULL);
        requests(device);
        device.close();
        try (Recording recording = new Recording()) {
            recording.enable("io.loomblock.Read");
            recording.start();
            assertThatThrownBy(() -> device.read(512, IoVector.of(AlignedBuffer.allocate(4096))))
                    .isInstanceOf(BlockException.class);
            assertThatThrownBy(() -> device.read(512, ByteBuffer.allocate(100))).isInstanceOf(BlockException.class);
            recording.stop();
            recording.dump(file);
        }
        assertThat(RecordingFile.readAllEvents(file).stream()
                        .filter(event -> event.getEventType().getName().equals("io.loomblock.Read"))
                        .map(event -> event.getLong("bytes") + " " + event.getInt("errno")))
                .containsExactlyInAnyOrder("4096 9", "100 9");
    }

    @Test
    void aRequestAllocatesNothingWhileEverythingIsOff() throws Exception {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (BlockDevice device = BlockDevice.open("null-co://", NULL)) {
            IoVector vector = IoVector.of(AlignedBuffer.allocate(4096));
            long allocated = Long.MAX_VALUE;
            // Counters grow while threads meet in them, and the compiler needs its time: the best of several rounds
            // counts.
            for (int round = 0; round < 20 && allocated > 0; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 1000; i++) {
                    device.read(0, 4096, vector, 0);
                    device.write(0, 4096, vector, 0, 0);
                    device.writeZeroes(0, 4096, 0);
                    device.discard(0, 4096);
                }
                allocated = threads.getCurrentThreadAllocatedBytes() - before;
            }
            assertThat(allocated).isLessThan(4000);
        }
    }
}
