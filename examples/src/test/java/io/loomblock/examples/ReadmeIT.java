// SPDX-License-Identifier: Apache-2.0
package io.loomblock.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands of the README's section "Examples", after its build, do what they say; run elsewhere, so that no image is left among the sources. */
class ReadmeIT {
    private static final Path ROOT = Path.of(System.getProperty("loomblock.root"));

    /** What the commands find below the directory that they are run in. */
    private static final List<String> USED = List.of("examples", "bin/loomblock-img", "bin/loomblock-io");

    @TempDir
    Path directory;

    @Test
    void theCommandsWork() throws Exception {
        Files.createDirectory(directory.resolve("bin"));
        for (String used : USED) {
            Files.createSymbolicLink(directory.resolve(used), ROOT.resolve(used));
        }
        Files.writeString(directory.resolve("commands"), commands());
        Path output = directory.resolve("output");
        ProcessBuilder shell = new ProcessBuilder("sh", "-eu", "commands")
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        String java = System.getProperty("java.home");
        shell.environment().put("JAVA_HOME", java);
        shell.environment().merge("PATH", java + "/bin", (path, bin) -> bin + ":" + path);
        Process process = shell.start();
        boolean ended = process.waitFor(2, TimeUnit.MINUTES);
        process.destroyForcibly();
        for (String used : USED) {
            Files.delete(directory.resolve(used));
        }
        assertThat(ended && process.exitValue() == 0)
                .as(Files.readString(output))
                .isTrue();
        assertThat(output)
                .content()
                .contains("WRITE 1000 operations 65536000 bytes")
                .contains("day2.qed: 65536 bytes copied")
                .contains("file format: masked")
                .contains("Images are identical.");
    }

    private static String commands() throws IOException {
        String readme = Files.readString(ROOT.resolve("README.md"));
        String section = readme.substring(readme.indexOf("\n## Examples\n"));
        String block = section.substring(section.indexOf("```sh\n") + 6);
        block = block.substring(0, block.indexOf("```"));
        String build = block.substring(0, block.indexOf('\n') + 1);
        assertThat(build).startsWith("./mvnw ");
        return block.substring(build.length());
    }
}
