// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The rehearsal ends well, or Java would learn how tools fail; the launcher makes do without what it is for. */
@Timeout(120)
class RehearsalTest {
    @Test
    void everyToolDoesWhatItShould(@TempDir Path directory) throws Exception {
        assertThat(Rehearsal.run(directory)).isZero();
        try (Stream<Path> images = Files.list(directory)) {
            assertThat(images.map(image -> image.getFileName().toString()))
                    .contains("raw", "qed", "add-cow", "fvd", "qed.raw", "fvd.back", "qed.over", "fvd.over");
        }
    }

    @Test
    void whatFailsIsTold(@TempDir Path directory) {
        assertThat(Rehearsal.run(directory.resolve("missing"))).isEqualTo(ToolException.FAILURE);
    }
}
