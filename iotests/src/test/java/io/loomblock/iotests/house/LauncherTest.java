// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.house;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the launcher tells Java of AOT caches, class-data archives and compilers, shown by a Java that only writes down what it is told. */
@Timeout(60)
class LauncherTest {
    private static final String JAVA = """
            #!/bin/sh
            echo "$@" >>"$CALLS"
            for option; do
                case $option in
                    -XX:AOTCacheOutput=* | -XX:ArchiveClassesAtExit=*) [ -e "$REFUSE" ] || echo classes >"${option#*=}" ;;
                esac
            done
            """;

    private static final String FIRST_COMPILER = "-XX:TieredStopAtLevel=1";

    @TempDir
    Path directory;

    private Path target;
    private Path library;
    private Path calls;
    private String options = "";
    private String drivers = "";

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
    void aCacheIsMadeByARehearsalOnceAndUsed() throws Exception {
        List<String> first = run();
        assertThat(first).hasSize(2);
        assertThat(first.get(0))
                .contains("-XX:AOTCacheOutput=" + archive("25.0.3+9") + ".")
                .contains(" --rehearse ");
        assertThat(first.get(1))
                .contains("-XX:AOTCache=" + archive("25.0.3+9") + " ")
                .endsWith(" img info x");
        assertThat(run()).containsExactly(first.get(1));
        assertThat(archives()).containsExactly(archive("25.0.3+9"));
    }

    @Test
    void whatDoesNotKnowCachesMakesAClassDataArchive() throws Exception {
        useBuild("21.0.9+10");
        assertThat(run()).hasSize(2).first().asString().contains("-XX:ArchiveClassesAtExit=");
        assertThat(run()).hasSize(1).last().asString().contains("-XX:SharedArchiveFile=" + archive("21.0.9+10"));
    }

    @Test
    void anotherLibraryMakesAnotherArchive() throws Exception {
        run();
        Files.setLastModifiedTime(library, FileTime.from(Instant.now().plusSeconds(60)));
        assertThat(run()).hasSize(2);
    }

    @Test
    void whereNoneCanBeMadeJavaKeepsItsOwn() throws Exception {
        Files.createFile(directory.resolve("refuse"));
        assertThat(run()).hasSize(2).last().asString().doesNotContain("AOTCache");
        // And that is not tried again.
        assertThat(run()).hasSize(1).last().asString().doesNotContain("AOTCache");
        assertThat(leftovers()).isEmpty();
    }

    /** Of a full disk, say, which has room again. */
    @Test
    void aFailureIsForgottenAfterADay() throws Exception {
        Path refuse = Files.createFile(directory.resolve("refuse"));
        run();
        Path failed = target.resolve(archive("25.0.3+9").getFileName() + ".failed");
        expire(failed);
        assertThat(run()).hasSize(2).last().asString().doesNotContain("AOTCache");
        assertThat(run()).as("it failed again").hasSize(1);
        expire(failed);
        Files.delete(refuse);
        assertThat(run()).hasSize(2).last().asString().contains("-XX:AOTCache=");
        assertThat(failed).doesNotExist();
    }

    /** Ages the mark, and what it has to be newer than, by more than a day. */
    private void expire(Path failed) throws IOException {
        Instant now = Instant.now();
        for (Path jar : List.of(target.resolve("loomblock-cli.jar"), library)) {
            Files.setLastModifiedTime(jar, FileTime.from(now.minus(Duration.ofDays(3))));
        }
        Files.setLastModifiedTime(failed, FileTime.from(now.minus(Duration.ofHours(25))));
    }

    @Test
    void whatCannotBeWrittenAmongTheJarsIsInTheUsersCache() throws Exception {
        assumeThat(System.getProperty("user.name")).isNotEqualTo("root");
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("r-xr-xr-x"));
        try {
            assertThat(run()).hasSize(2).last().asString().contains("-XX:AOTCache=" + directory.resolve("cache"));
        } finally {
            Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    @Test
    void optionsThatDoNotGoTogetherWithACacheAreUsedWithoutOne() throws Exception {
        options = "-Djdk.util.jar.version=21";
        assertThat(run()).hasSize(1).last().asString().contains(options).doesNotContain("AOTCache");
        options = "-Xmx64m";
        assertThat(run()).hasSize(2).last().asString().contains(options).contains("-XX:AOTCache=");
    }

    @Test
    void driversOfTheUsersOwnAreBehindOursOnTheClassPath() throws Exception {
        Files.createFile(directory.resolve("mine.jar"));
        Files.createDirectory(directory.resolve("lib"));
        drivers = "mine.jar:lib/*";
        assertThat(run())
                .hasSize(1)
                .last()
                .asString()
                .contains(" -cp " + target.resolve("loomblock-cli.jar") + ":mine.jar:lib/* io.loomblock.cli.Main ")
                .contains("--add-exports")
                .doesNotContain("AOTCache")
                .endsWith(" img info x");
    }

    @ParameterizedTest
    @CsvSource({
        "gone.jar, gone.jar",
        "tool:gone.jar:none, gone.jar",
        "gone/*, gone/*",
        "tool/*:with space.jar, with space.jar"
    })
    void driversThatAreMissingAreNamed(String path, String missing) throws Exception {
        drivers = path;
        Path errors = directory.resolve("errors");
        Process process = start(ProcessBuilder.Redirect.to(errors.toFile()), "img", "info", "x");
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(1);
        assertThat(errors).hasContent("loomblock: LOOMBLOCK_DRIVERS: " + missing + ": no such file\n");
        assertThat(calls).doesNotExist();
    }

    @Test
    void theUserMayChooseAnotherCollector() throws Exception {
        assertThat(run()).last().asString().contains("-XX:+UseSerialGC");
        options = "-XX:+UseG1GC";
        assertThat(run())
                .hasSize(1)
                .last()
                .asString()
                .contains(options)
                .doesNotContain("-XX:+UseSerialGC")
                .doesNotContain("AOTCache");
    }

    @Test
    void startsAtTheSameTimeMakeOneThatIsWhole() throws Exception {
        List<Process> processes = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            processes.add(start("img", "info", "x"));
        }
        for (Process process : processes) {
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isZero();
        }
        assertThat(archives()).containsExactly(archive("25.0.3+9"));
        assertThat(leftovers()).isEmpty();
    }

    @Test
    void theSecondCompilerIsForMuchOfTheSame() throws Exception {
        assertThat(run("img", "info", "x")).last().asString().contains(FIRST_COMPILER);
        assertThat(run("img", "bench", "-c", "8000", "x")).last().asString().contains(FIRST_COMPILER);
        assertThat(run("img", "bench", "-f", "raw", "-c", "100000", "x"))
                .last()
                .asString()
                .doesNotContain(FIRST_COMPILER);
        assertThat(run("-v", "img", "bench", "-c1000000", "x"))
                .last()
                .asString()
                .doesNotContain(FIRST_COMPILER);
    }

    @Test
    void whatWasHotInTheRehearsalIsCompiledAtOnceForBenchAlone() throws Exception {
        String unlike = "-XX:-AOTReplayTraining";
        assertThat(run("img", "info", "x")).last().asString().contains(unlike);
        assertThat(run("img", "bench", "-c", "8000", "x")).last().asString().doesNotContain(unlike);
        assertThat(run("img", "bench", "-c", "100000", "x")).last().asString().doesNotContain(unlike);
    }

    @Test
    void anEmptyArchiveIsNotUsed() throws Exception {
        Files.createFile(archive("25.0.3+9"));
        assertThat(run()).hasSize(2).last().asString().contains("-XX:AOTCache=");
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
        return target.resolve("loomblock-cli-" + build + (build.startsWith("21") ? ".jsa" : ".aot"));
    }

    private List<Path> archives() throws IOException {
        try (Stream<Path> files = Files.list(target)) {
            return files.filter(file -> file.getFileName().toString().matches(".*[.](aot|jsa)"))
                    .toList();
        }
    }

    /** What was made on the way to an archive. */
    private List<Path> leftovers() throws IOException {
        try (Stream<Path> files = Files.list(target)) {
            return files.filter(file -> file.getFileName().toString().matches(".*[.](aot|jsa)[.]\\d.*"))
                    .toList();
        }
    }

    private void useBuild(String build) throws IOException {
        Files.writeString(
                directory.resolve("jdk/release"),
                "JAVA_VERSION=\"" + build.replaceAll("[+].*", "") + "\"\nJAVA_RUNTIME_VERSION=\"" + build + "\"\n");
    }

    /** What Java was told, call by call, when the user looks at an image. */
    private List<String> run() throws Exception {
        return run("img", "info", "x");
    }

    private List<String> run(String... words) throws Exception {
        Files.deleteIfExists(calls);
        Process process = start(words);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
        return Files.readAllLines(calls);
    }

    private Process start(String... words) throws IOException {
        return start(ProcessBuilder.Redirect.INHERIT, words);
    }

    private Process start(ProcessBuilder.Redirect errors, String... words) throws IOException {
        List<String> command = new ArrayList<>(List.of("sh", "tool/loomblock"));
        command.addAll(List.of(words));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .inheritIO()
                .redirectError(errors);
        builder.environment().put("JAVA_HOME", directory.resolve("jdk").toString());
        builder.environment().put("CALLS", calls.toString());
        builder.environment().put("LOOMBLOCK_JAVA_OPTS", options);
        builder.environment().put("LOOMBLOCK_DRIVERS", drivers);
        builder.environment().put("REFUSE", directory.resolve("refuse").toString());
        builder.environment().put("XDG_CACHE_HOME", directory.resolve("cache").toString());
        return builder.start();
    }
}
