// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.MIB;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the tools make of arguments that are no use, or not quite what an image can have. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ToolArgumentTest {
    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"-1", "300", "12m", "4k", "route66"})
    @DisplayName("iotest 021: patterns that are no bytes")
    void iotest021PatternsThatAreNoBytes(String pattern) throws Exception {
        PortImages images = new PortImages(directory, "qed");
        images.create("disk", MIB);
        for (String command : new String[] {"read", "write", "aio_read", "aio_write"}) {
            ToolRun run = ToolRun.io("qed", images.path("disk"), command + " -P " + pattern + " 0 512");
            assertThat(run.all()).as(command).contains(pattern + " is not a valid pattern byte");
            assertThat(run.exit()).as(command).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "raw,1024,1024",
        "raw,1234,1536",
        "qed,1024,1024",
        "qed,1234,1536",
        "add-cow,1024,1024",
        "add-cow,1234,1536",
        "fvd,1024,1024",
        "fvd,1234,1536"
    })
    @DisplayName("iotest 104: sizes that are no whole sectors are rounded up")
    void iotest104SizesAreRoundedUp(String format, String size, String rounded) throws Exception {
        PortImages images = new PortImages(directory, format);
        List<String> words = new ArrayList<>(List.of("create", "-q", "-f", format));
        words.addAll(images.words("disk"));
        words.addAll(List.of(images.path("disk"), size));
        assertThat(ToolRun.img(words.toArray(String[]::new))).isEqualTo(new ToolRun(0, "", ""));
        assertThat(ToolRun.img("info", "-f", format, images.path("disk")).out()).contains("(" + rounded + " bytes)");
    }
}
