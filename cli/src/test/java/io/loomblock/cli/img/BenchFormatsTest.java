// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code img bench} on images of every format: what it says, and that its writes are those that it was told to make. */
@Timeout(120)
class BenchFormatsTest {
    private static final int SIZE = 2 << 20;
    private static final int OFFSET = 4096;
    private static final int BYTES = 16 << 10;
    private static final int STEP = 1040 << 10;
    private static final int COUNT = 50;
    private static final byte PATTERN = 90;

    @TempDir
    Path directory;

    static Stream<Arguments> formatsAndWays() {
        return Stream.of("raw", "qed", "add-cow", "fvd")
                .flatMap(format -> Stream.of(
                                "-i threads --flush-interval=8",
                                "-i io_uring --flush-interval=16 --no-drain",
                                "-i io_uring")
                        .map(way -> Arguments.of(format, way)));
    }

    @ParameterizedTest
    @MethodSource("formatsAndWays")
    void writesAreThoseThatWereAskedFor(String format, String way) throws IOException {
        create(format);
        String said = run("bench -w --pattern=" + PATTERN + " -c " + COUNT + " -d 8 -s 16k -S 1040k -o 4k " + way
                + " -f " + format + " @disk");
        String flushes = way.contains("--flush-interval")
                ? "Sending flush every " + way.replaceAll(".*interval=(\\d+).*", "$1") + " requests\n"
                : "";
        assertThat(said)
                .matches(
                        "Sending 50 write requests, 16384 bytes each, 8 in parallel [(]starting at offset 4096, step size 1064960[)]\n"
                                + flushes + "Run completed in \\d+[.]\\d{3} seconds[.]\n");
        Files.write(directory.resolve("expected"), expected());
        assertThat(run("compare -f raw -F " + format + " @expected @disk")).isEqualTo("Images are identical.\n");
        if (!format.equals("raw")) {
            assertThat(run("check -f " + format + " @disk")).contains("No errors were found on the image.");
        }
    }

    @ParameterizedTest
    @MethodSource("formatsAndWays")
    void readsLeaveTheImageAsItIs(String format, String way) throws IOException {
        create(format);
        byte[] before = Files.readAllBytes(directory.resolve("disk"));
        String engine = way.replaceAll(" --.*", "");
        assertThat(run("bench -c 100 -d 4 -s 8k " + engine + " -f " + format + " @disk"))
                .startsWith(
                        "Sending 100 read requests, 8192 bytes each, 4 in parallel (starting at offset 0, step size 8192)\n");
        assertThat(Files.readAllBytes(directory.resolve("disk"))).isEqualTo(before);
    }

    /** Requests wrap around at the end of the disk, where one may reach past it: what does fails, so none of these does. */
    private static byte[] expected() {
        byte[] disk = new byte[SIZE];
        for (long i = 0; i < COUNT; i++) {
            int at = (int) ((OFFSET + i * STEP) % SIZE);
            for (int j = at; j < at + BYTES; j++) {
                disk[j] = PATTERN;
            }
        }
        return disk;
    }

    private void create(String format) {
        if (format.equals("add-cow")) {
            run("create -q -f raw @data " + SIZE);
            run("create -q -f raw @base " + SIZE);
            run("create -q -f add-cow -b @base -F raw -o image_file=data @disk");
        } else {
            run("create -q -f " + format + " @disk " + SIZE);
        }
    }

    private String run(String line) {
        ImgRun.Result result = ImgRun.ours(ImgRun.words(line, directory));
        assertThat(result.err()).isEmpty();
        assertThat(result.exit()).isZero();
        return result.out();
    }
}
