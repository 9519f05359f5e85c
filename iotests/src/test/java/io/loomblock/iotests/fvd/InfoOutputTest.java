// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.Img;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code img info} on FVD tells what it can, also of an image part of whose metadata cannot be read. */
@Timeout(60)
class InfoOutputTest {
    private static final int SIZE = 1 << 20;

    private static final String UNREADABLE = "unreadable metadata";

    @TempDir
    Path directory;

    private Path image;

    @BeforeEach
    void createOverlay() throws Exception {
        Files.write(directory.resolve("base.raw"), new byte[SIZE]);
        image = directory.resolve("disk.fvd");
        CreateOptions create =
                CreateOptions.ofSize(SIZE).withBacking("base.raw", "raw").with("chunk_size", 65536);
        BlockDevice.create("fvd", image.toString(), create, OpenOptions.readWrite());
    }

    /** The lines of the tool, the next read after this event failing. */
    private List<String> info(String event) {
        String rule = "\"inject-error\":[{\"event\":\"" + event + "\",\"once\":true}]";
        String file =
                "{\"driver\":\"blkdebug\",\"image\":{\"driver\":\"file\",\"filename\":\"" + image + "\"}," + rule + "}";
        Img.Result result = Img.run("info", "json:{\"driver\":\"fvd\",\"file\":" + file + "}");
        result.expectExit(0);
        return result.out().replace(event, "EVENT").lines().toList();
    }

    private static List<String> without(String fact, List<String> lines) {
        return lines.stream().filter(line -> !line.contains(fact)).toList();
    }

    @ParameterizedTest
    @CsvSource({"bitmap_load, base data in image, bitmap", "table_load, storage used, table"})
    void whatCannotBeReadIsLeftOutAndNothingElse(String event, String fact, String metadata) {
        List<String> all = info("reftable_load");
        assertThat(all).filteredOn(line -> line.contains(fact)).hasSize(1);
        assertThat(all).noneMatch(line -> line.contains(UNREADABLE));
        List<String> some = info(event);
        assertThat(some).containsOnlyOnce("    " + UNREADABLE + ": " + metadata);
        assertThat(without(UNREADABLE, some)).isEqualTo(without(fact, all));
    }
}
