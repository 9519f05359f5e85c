// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An option of a new image that its format does not know is the file's: one that does not fit there stops every format before a file is touched. */
class RefusedOptionsTest {
    private static final String OLD = "somebody's";

    @TempDir
    Path directory;

    @BeforeEach
    void makeFiles() throws IOException {
        Files.createFile(directory.resolve("data"));
        Files.write(directory.resolve("source"), new byte[1 << 20]);
        Files.writeString(directory.resolve("old"), OLD);
    }

    private ImgRun.Result run(String line) {
        return ImgRun.ours(ImgRun.words(line, directory));
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "fvd", "add-cow -o image_file=data"})
    void aFormatHandsOnWhatTheFileRefuses(String format) {
        assertRefused(
                "create -q -f " + format + " -o preallocation=bogus @new 1M", "new: invalid parameter value: bogus");
        assertRefused(
                "create -q -f " + format + " -o preallocation=metadata @new 1M",
                "new: Unsupported preallocation mode: metadata");
        assertRefused("create -q -f " + format + " -o bogus=1 @new 1M", "new: Invalid parameter 'bogus'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "fvd", "add-cow -o image_file=data"})
    void aConversionMakesNoTargetThen(String format) {
        String name = format.split(" ")[0];
        assertRefused(
                "convert -f raw -O " + format + " -o preallocation=bogus @source @new",
                "new: error while converting " + name + ": invalid parameter value: bogus");
        assertRefused("convert -f raw -O " + format + " -o bogus=1 @source @new", "Invalid parameter 'bogus'");
    }

    private void assertRefused(String line, String message) {
        String where = message.startsWith("new") ? directory + "/" : "";
        assertThat(run(line)).isEqualTo(new ImgRun.Result(1, "", "qemu-img: " + where + message + "\n"));
        assertThat(directory.resolve("new")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "fvd", "add-cow -o image_file=data"})
    void aFileThatIsThereStaysAsItWas(String format) throws IOException {
        assertThat(run("create -q -f " + format + " -o preallocation=bogus @old 1M")
                        .exit())
                .isOne();
        assertThat(directory.resolve("old")).hasContent(OLD);
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "fvd", "add-cow -o image_file=data"})
    void whatTheFileTakesIsTaken(String format) {
        String line = "create -q -f " + format + " -o preallocation=full,nocow=off @new 1M";
        assertThat(run(line)).isEqualTo(new ImgRun.Result(0, "", ""));
        assertThat(run("check -q -f " + format.split(" ")[0] + " @new").exit()).isIn(0, 63);
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "add-cow"})
    void noFormatButFvdIsAmended(String format) {
        run("create -q -f " + format + (format.equals("add-cow") ? " -o image_file=data" : "") + " @new 1M");
        assertThat(run("amend -f " + format + " -o bogus=1 @new"))
                .isEqualTo(new ImgRun.Result(
                        1, "", "qemu-img: Format driver '" + format + "' does not support option amendment\n"));
    }

    @Test
    void amendingFvdTakesItsSettingsOnly() {
        run("create -q -f fvd @new 1M");
        assertThat(run("amend -f fvd -o preallocation=off @new"))
                .isEqualTo(new ImgRun.Result(1, "", "qemu-img: Invalid parameter 'preallocation'\n"));
    }
}
