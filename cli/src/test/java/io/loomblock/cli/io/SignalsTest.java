// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SignalsTest {
    @TempDir
    Path directory;

    /** The tool in a process of its own. */
    public static void main(String[] args) {
        System.exit(IoCommand.run("io", args, System.in, System.out, System.err));
    }

    @Test
    void abortAndSigraiseEndTheProcessAfterItsOutput() throws Exception {
        assertThat(killedBy("abort")).isEqualTo(128 + 6);
        assertThat(killedBy("sigraise 9")).isEqualTo(128 + 9);
    }

    private int killedBy(String command) throws IOException, InterruptedException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Process process = new ProcessBuilder(
                        java,
                        "-cp",
                        System.getProperty("java.class.path"),
                        SignalsTest.class.getName(),
                        "-c",
                        "help quit",
                        "-c",
                        command,
                        "-c",
                        "help help")
                .directory(directory.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(out).isEqualTo("quit -- exit the program\n");
        return process.exitValue();
    }
}
