// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Errors are one line that names the image and the reason; stack traces come only where the user asks for them. */
class MainTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int run(String... args) {
        return Main.run(
                args,
                new Console(
                        "loomblock-img",
                        false,
                        InputStream.nullInputStream(),
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8)));
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void anErrorIsOneLine() {
        assertThat(run("img", "info", "/nonexist/x.qed")).isOne();
        assertThat(err())
                .isEqualTo("loomblock-img: Could not open '/nonexist/x.qed': Could not open '/nonexist/x.qed':"
                        + " No such file or directory\n");
    }

    @Test
    void theStackTraceComesOnRequest() {
        run("-v", "img", "info", "/nonexist/x.qed");
        assertThat(err()).contains("\tat io.loomblock.", "Caused by: ");
        err.reset();
        run("img", "-v", "info", "/nonexist/x.qed");
        assertThat(err()).contains("\tat io.loomblock.");
    }

    @Test
    void aMalformedImageIsRefusedWithItsNameAndTheReason(@TempDir Path directory) throws IOException {
        Path image = directory.resolve("bad.qed");
        byte[] header = new byte[64];
        header[0] = 'Q';
        header[1] = 'E';
        header[2] = 'D';
        Files.write(image, header);
        for (String command : new String[] {"info", "check", "map"}) {
            err.reset();
            assertThat(run("img", command, image.toString())).isOne();
            assertThat(err()).isEqualTo("loomblock-img: Could not open '" + image + "': QED cluster size is invalid\n");
        }
        assertThat(Files.readAllBytes(image)).isEqualTo(header);
        assertThat(out.size()).isZero();
    }

    @Test
    void aChainThatContainsItselfIsRefused(@TempDir Path directory) {
        String one = directory.resolve("one.qed").toString();
        String two = directory.resolve("two.qed").toString();
        run("img", "create", "-q", "-u", "-f", "qed", "-b", two, "-F", "qed", one, "1M");
        run("img", "create", "-q", "-u", "-f", "qed", "-b", one, "-F", "qed", two, "1M");
        assertThat(err()).isEmpty();
        assertThat(run("img", "check", one)).isOne();
        assertThat(err())
                .startsWith("loomblock-img: Could not open '" + one + "': ")
                .endsWith("Backing file '" + one + "' creates an infinite loop.\n")
                .hasLineCount(1);
    }

    @Test
    void aChainIsNotFollowedInCirclesByOtherNamesOfAFile(@TempDir Path directory) {
        String image = directory.resolve("self.qed").toString();
        run("img", "create", "-q", "-u", "-f", "qed", "-b", "./self.qed", "-F", "qed", image, "1M");
        assertThat(run("img", "info", "--backing-chain", image)).isOne();
        assertThat(err())
                .isEqualTo("loomblock-img: Backing file '" + directory + "/./self.qed' creates an infinite loop.\n");
    }

    @Test
    void aChainIsNotFollowedToWhatOnlyAnImageNames(@TempDir Path directory) {
        String image = directory.resolve("disk.qed").toString();
        run("img", "create", "-q", "-u", "-f", "qed", "-b", "null-co://", "-F", "raw", image, "1M");
        assertThat(run("img", "info", image)).isZero();
        assertThat(run("img", "info", "--backing-chain", image)).isOne();
        assertThat(err())
                .startsWith("loomblock-img: Could not open 'null-co://': Opening 'null-co://' is not allowed")
                .hasLineCount(1);
    }

    @Test
    void unknownCommandsGetAHint() {
        assertThat(run("foo")).isOne();
        assertThat(err())
                .isEqualTo("loomblock-img: Command not found: foo\n"
                        + "Try 'loomblock-img --help' for more information\n");
    }

    @Test
    void helpAndVersionAreSuccesses() {
        assertThat(run("--version")).isZero();
        assertThat(run("--help")).isZero();
        assertThat(run("img", "--help")).isZero();
        assertThat(run("img", "create", "-h")).isZero();
        assertThat(err()).isEmpty();
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("loomblock version ", "Supported formats: ", "qed");
    }
}
