// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.house;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the launcher tells Java of class-data archives, shown by a Java that only writes down what it is told. */
@Timeout(60)
class LauncherTest {
    private static final String JAVA = """
            #!/bin/sh
            echo "$@" >>"$CALLS"
            for option; do
                case $option in
                    -XX:ArchiveClassesAtExit=*) [ -e "$REFUSE" ] || echo classes >"${option#*=}" ;;
                esac
            done
            """;

    @TempDir
    Path directory;

    private Path target;
    private Path library;
    private Path calls;

    @BeforeEach
    void install() throws IOException {
        target = Files.createDirectories(directory.resolve("tool/cli/target"));
        library = Files.createDirectories(target.resolve("lib")).resolve("library.jar");
        calls = directory.resolve("calls");
        FileTime built = FileTime.from(Instant.now().minusSeconds(60));
        for (Path jar : List.of(target.resolve("loomblock-cli.jar"), library)) {
            Files.setLastModifiedTime(Files.createFile(jar), built);
        }
        Files.copy(Path.of(System.getProperty("loomblock.root"), "loomblock"), directory.resolve("tool/loomblock"));
        Files.createDirectories(directory.resolve("jdk/bin"));
        Path java = Files.writeString(directory.resolve("jdk/bin/java"), JAVA);
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
        useBuild("25.0.3+9");
    }

    @Test
    void anArchiveIsMadeOnceAndUsed() throws Exception {
        assertThat(run()).hasSize(3).last().asString().contains("-XX:SharedArchiveFile=" + archive("25.0.3+9"));
        assertThat(run()).hasSize(1).last().asString().contains("-XX:SharedArchiveFile=" + archive("25.0.3+9"));
        assertThat(archives()).containsExactly(archive("25.0.3+9"));
    }

    @Test
    void anotherLibraryMakesAnotherArchive() throws Exception {
        run();
        Files.setLastModifiedTime(library, FileTime.from(Instant.now().plusSeconds(60)));
        assertThat(run()).hasSize(3);
    }

    @Test
    void whereNoneCanBeMadeJavaKeepsItsOwn() throws Exception {
        Files.createFile(directory.resolve("refuse"));
        assertThat(run()).hasSize(3).last().asString().doesNotContain("SharedArchiveFile");
        // And that is not tried again.
        assertThat(run()).hasSize(1).last().asString().doesNotContain("SharedArchiveFile");
    }

    @Test
    void anEmptyArchiveIsNotUsed() throws Exception {
        Files.createFile(archive("25.0.3+9"));
        assertThat(run()).hasSize(3).last().asString().contains("SharedArchiveFile");
        assertThat(archive("25.0.3+9")).isNotEmptyFile();
    }

    @Test
    void anUpdateOfJavaTakesTheOldArchiveAway() throws Exception {
        run();
        useBuild("26+35");
        run();
        useBuild("25.0.4+7");
        run();
        assertThat(archives()).containsExactlyInAnyOrder(archive("25.0.4+7"), archive("26+35"));
    }

    private Path archive(String build) {
        return target.resolve("loomblock-cli-" + build + ".jsa");
    }

    private List<Path> archives() throws IOException {
        try (Stream<Path> files = Files.list(target)) {
            return files.filter(file -> file.getFileName().toString().contains(".jsa"))
                    .toList();
        }
    }

    private void useBuild(String build) throws IOException {
        Files.writeString(
                directory.resolve("jdk/release"),
                "JAVA_VERSION=\"" + build.replaceAll("[+].*", "") + "\"\nJAVA_RUNTIME_VERSION=\"" + build + "\"\n");
    }

    /** What Java was told, call by call. */
    private List<String> run() throws Exception {
        Files.deleteIfExists(calls);
        ProcessBuilder builder = new ProcessBuilder("sh", "tool/loomblock", "img", "info", "x")
                .directory(directory.toFile())
                .inheritIO();
        builder.environment().put("JAVA_HOME", directory.resolve("jdk").toString());
        builder.environment().put("CALLS", calls.toString());
        builder.environment().put("REFUSE", directory.resolve("refuse").toString());
        Process process = builder.start();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
        return Files.readAllLines(calls);
    }
}
