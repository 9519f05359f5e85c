// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.Simulation.Guest;
import io.loomblock.testkit.Simulation.Weather;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Simulated storage does one request at a time, out of order, the same for the same seed; fails some; and is lost when told. */
class SimulatedDeviceTest {
    private static final int GUESTS = 5;
    private static final int REQUESTS = 20;

    private final AtomicInteger failed = new AtomicInteger();
    private final AtomicInteger succeeded = new AtomicInteger();

    private List<Guest> guests(SimulatedDevice device) {
        List<Guest> guests = new ArrayList<>();
        for (int i = 0; i < GUESTS; i++) {
            int number = i;
            guests.add(() -> {
                try (AlignedBuffer buffer = AlignedBuffer.allocate(4096)) {
                    for (int j = 0; j < REQUESTS; j++) {
                        request(device, number * 65536L + j * 512L, IoVector.of(buffer, 0, 512));
                    }
                }
            });
        }
        return guests;
    }

    private void request(SimulatedDevice device, long offset, IoVector vector) {
        try {
            device.coWritev(offset, 512, vector, 0, 0);
            succeeded.incrementAndGet();
        } catch (BlockException e) {
            failed.incrementAndGet();
        }
    }

    private List<String> race(Weather weather) throws Exception {
        Simulation simulation = new Simulation(weather);
        simulation.run(guests(new SimulatedDevice("file", new MemoryDriver(), simulation)));
        return simulation.done();
    }

    @Test
    void aSeedRepeatsItself() throws Exception {
        List<String> first = race(new Weather(7, 100, 0));
        assertThat(race(new Weather(7, 100, 0))).isEqualTo(first);
        assertThat(race(new Weather(8, 100, 0))).isNotEqualTo(first);
        assertThat(first).hasSize(GUESTS * REQUESTS);
    }

    @Test
    void requestsOfDifferentThreadsOvertakeOneAnother() throws Exception {
        List<String> done = race(Weather.fair(1));
        assertThat(done.subList(0, GUESTS))
                .isNotEqualTo(done.stream().sorted().limit(GUESTS).toList());
        assertThat(done.subList(GUESTS, 2 * GUESTS)).as("all in turn").isNotEqualTo(done.subList(0, GUESTS));
        assertThat(failed).hasValue(0);
    }

    @Test
    void soManyFailAsAreToFail() throws Exception {
        race(new Weather(3, 300, 0));
        assertThat(failed.get()).isBetween(GUESTS * REQUESTS / 10, GUESTS * REQUESTS / 2);
        assertThat(failed.get() + succeeded.get()).isEqualTo(GUESTS * REQUESTS);
    }

    @Test
    void whatIsLostFailsAndChangesNothing() throws Exception {
        Simulation simulation = new Simulation(Weather.fair(4));
        MemoryDriver memory = new MemoryDriver();
        AtomicInteger lost = new AtomicInteger(-1);
        simulation.run(guests(new SimulatedDevice("file", memory, simulation)), 40, () -> lost.set(succeeded.get()));
        assertThat(lost).hasValue(40);
        assertThat(succeeded).hasValue(40);
        assertThat(failed).hasValue(GUESTS * REQUESTS - 40);
    }

    @Test
    void aGuestThatFailsFailsTheRun() {
        Simulation simulation = new Simulation(Weather.fair(5));
        assertThatThrownBy(() -> simulation.run(List.of(() -> {
                    throw new IllegalStateException("thrown by the test");
                })))
                .hasMessageContaining("seed 5")
                .hasRootCauseMessage("thrown by the test");
    }
}
