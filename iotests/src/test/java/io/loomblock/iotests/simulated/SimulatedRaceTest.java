// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.simulated;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.testkit.Simulation.Weather;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every format under races on simulated storage that does requests in random order, late, not at all or by halves, and that may be lost at any
 * moment: each byte is what some write put there, and what was flushed is there.
 *
 * <p>A failure names the seed, which repeats it as far as threads let it.
 */
@Timeout(600)
class SimulatedRaceTest {
    private static final boolean SOAK = Boolean.getBoolean("loomblock.soak");
    private static final int SEEDS = SOAK ? 150 : 3;
    private static final int SESSIONS = SOAK ? 5 : 2;
    private static final int REQUESTS = SOAK ? 100 : 20;

    static Stream<Arguments> images() {
        return Stream.of(
                Arguments.of("qed, clusters of 4 KiB", RaceImage.qed(4096, false)),
                Arguments.of("qed, clusters of 64 KiB over a backing file", RaceImage.qed(65_536, true)),
                Arguments.of("qed, clusters of 4 KiB over a backing file", RaceImage.qed(4096, true)),
                Arguments.of("qed, copying on read", RaceImage.qed(16_384, true).copyingOnRead()),
                Arguments.of(
                        "add-cow, copying on read", RaceImage.addCow(16_384).copyingOnRead()),
                Arguments.of("add-cow, clusters of 4 KiB", RaceImage.addCow(4096)),
                Arguments.of("add-cow, clusters of 64 KiB", RaceImage.addCow(65_536)),
                Arguments.of("fvd 1, table, write-through", RaceImage.fvd(1, 16_384, 0, false, "write-through")),
                Arguments.of("fvd 1, bitmap, buffered", RaceImage.fvd(1, 0, 8192, true, "buffered")),
                Arguments.of("fvd 1, table and bitmap, buffered", RaceImage.fvd(1, 4096, 8192, false, "buffered")),
                Arguments.of("fvd 1, table and bitmap, no journal", RaceImage.fvd(1, 16_384, 7680, true, "none")),
                Arguments.of("fvd 2, table, buffered", RaceImage.fvd(2, 16_384, 0, true, "buffered")),
                Arguments.of("fvd 2, bitmap, write-through", RaceImage.fvd(2, 0, 4096, false, "write-through")),
                Arguments.of("fvd 2, table and bitmap, buffered", RaceImage.fvd(2, 16_384, 4096, false, "buffered")),
                Arguments.of(
                        "fvd 2, table and bitmap, write-through",
                        RaceImage.fvd(2, 2048, 65_536, true, "write-through")),
                Arguments.of("fvd 1, fetching, write-through", RaceImage.fetching(1, 0, 8192, "write-through")),
                Arguments.of("fvd 2, fetching, buffered", RaceImage.fetching(2, 16_384, 4096, "buffered")),
                Arguments.of("fvd 2, neither, no journal", RaceImage.fvd(2, 0, 0, false, "none")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("images")
    void slowAndDisorderly(String name, RaceImage image) throws Exception {
        race(image, 0, 0);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("images")
    void someRequestsFail(String name, RaceImage image) throws Exception {
        race(image, 15, 0);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("images")
    void someFlushesFailToo(String name, RaceImage image) throws Exception {
        race(image, 5, 30);
    }

    private static void race(RaceImage image, int faults, int flushFaults) throws Exception {
        for (int seed = 1; seed <= SEEDS; seed++) {
            try {
                int done = new Race(image, new Weather(seed, faults, flushFaults), REQUESTS).run(SESSIONS);
                assertThat(done).as("requests to files").isPositive();
            } catch (AssertionError | Exception e) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
            }
        }
    }
}
