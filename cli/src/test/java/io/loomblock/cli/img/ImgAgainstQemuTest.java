// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.testkit.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same command lines through our tool and through qemu-img, on the same images: the same output, messages and exit codes.
 *
 * <p>Left out of the comparison: what 8.1 prints and 7.2 does not ({@link ImgRun#withoutNewerParts}), and space on disk, which is
 * the file system's business and which Java 21 cannot tell.
 */
@Timeout(value = 600, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ImgAgainstQemuTest {
    @TempDir
    Path directory;

    private Path ours;
    private Path theirs;

    @BeforeEach
    void makeImages() throws IOException {
        ours = Files.createDirectory(directory.resolve("ours"));
        theirs = Files.createDirectory(directory.resolve("theirs"));
        ImgFixtures.make(theirs);
        try (Stream<Path> files = Files.list(theirs)) {
            for (Path file : files.toList()) {
                Files.copy(file, ours.resolve(file.getFileName()));
            }
        }
    }

    /** Conversions whose target is a QED image; where clusters lie in it is the driver's choice, what is allocated is not. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "-O qed @a.raw",
                "-O qed -S 0 @a.raw",
                "-O qed -S 64k @a.raw",
                "-O qed -S 512 @longer.raw",
                "-O qed -W -m 16 @longer.raw",
                "-O qed @a.qed",
                "-O qed -S 0 @a.qed",
                "-O qed @p.qed",
                "-O qed -o cluster_size=4k,table_size=16 @a.raw",
                "-O qed -B @a.raw -F raw @a.raw",
                "-O qed -B @o.qed -F qed @p.qed",
                "-O qed -B @a.raw -F raw @o.qed",
                "-O qed -B @small.raw -F raw @short.qed",
                "-O qed @a.raw @f.qed @odd.raw",
                "-n -O qed @p.qed"
            })
    void convertedImagesAreAllocatedAlike(String arguments) {
        if (arguments.startsWith("-n")) {
            for (Path at : List.of(ours, theirs)) {
                Tools.qemuImg(at, "create", "-q", "-f", "qed", "new.qed", "5M").expectExit(0);
                Tools.qemuIo(at, "-f", "qed", "-c", "write -P 7 0 5M", "new.qed")
                        .expectExit(0);
            }
        }
        String line = "convert " + arguments + " @new.qed";
        assertThat(ours(line)).isEqualTo(theirs(line)).isEqualTo(new ImgRun.Result(0, "", ""));
        Tools.qemuImg(ours, "check", "new.qed").expectExit(0);
        Tools.qemuImg(directory, "compare", "ours/new.qed", "theirs/new.qed").expectExit(0);
        assertThat(map(ours)).isEqualTo(map(theirs));
    }

    private static List<String> map(Path at) {
        Tools.Result map = Tools.qemuImg(at, "map", "--output=json", "-f", "qed", "new.qed");
        return ImgRun.runs(map.expectExit(0).out());
    }

    static Stream<String> groups() {
        return ImgCommandLines.GROUPS.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("groups")
    void commandLinesAnswerAlike(String group) {
        SoftAssertions answers = new SoftAssertions();
        for (String line : ImgCommandLines.GROUPS.get(group)) {
            String expected = ImgRun.describe(line, theirs(line), theirs);
            answers.assertThat(ImgRun.describe(line, ours(line), ours)).isEqualTo(expected);
        }
        answers.assertAll();
    }

    private ImgRun.Result ours(String line) {
        return ImgRun.ours(ImgRun.words(line, ours));
    }

    private ImgRun.Result theirs(String line) {
        Tools.Result result = Tools.qemuImg(theirs, ImgRun.words(line, theirs));
        return new ImgRun.Result(result.exit(), result.out(), result.err());
    }
}
