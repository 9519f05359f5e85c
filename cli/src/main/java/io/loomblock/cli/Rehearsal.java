// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli;

import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The run from which Java learns what the tools need, for an AOT cache or a class-data archive: what each tool is used for most, on
 * small images of every format.
 */
final class Rehearsal {
    private static final List<String> FORMATS = List.of("raw", "qed", "add-cow", "fvd");

    /** The command lines for an image of each format, in order: {@code RAW} is the image of the first. */
    private static final List<Line> LINES = List.of(
            new Line("img create -f FORMAT IMAGE 8M", "add-cow"),
            new Line("img create -f raw IMAGE.data 8M", "raw", "qed", "fvd"),
            new Line("img create -f FORMAT -b RAW -F raw -o image_file=IMAGE.data IMAGE", "raw", "qed", "fvd"),
            // As a guest writes, then as it reads: often enough for what is done for each request to count as hot.
            new Line("img bench -w -s 16k -S 1040k -c 3000 -d 16 --flush-interval=64 -f FORMAT IMAGE"),
            new Line("img bench -s 4k -c 20000 -d 32 -f FORMAT IMAGE"),
            new Line("img info IMAGE"),
            new Line("img info --output=json -f FORMAT IMAGE"),
            new Line("img map -f FORMAT IMAGE"),
            new Line("img check IMAGE", "raw"),
            new Line("img convert -f FORMAT -O raw IMAGE IMAGE.raw"),
            new Line("img compare -f FORMAT -F raw IMAGE IMAGE.raw"),
            new Line("img convert -f raw -O FORMAT IMAGE.raw IMAGE.back", "add-cow"),
            new Line("io -f FORMAT -c write~-P~7~4k~64k -c read~-P~7~4k~64k IMAGE"),
            // As a guest fills a new disk.
            new Line("img create -f FORMAT IMAGE.large 3G", "add-cow"),
            new Line("img bench -w -s 4k -S 1040k -c 3000 -d 16 --flush-interval=64 -f FORMAT IMAGE.large", "add-cow"),
            new Line("img create -f FORMAT -b RAW.large -F raw IMAGE.over", "raw", "add-cow"),
            new Line(
                    "img bench -w -s 4k -S 1040k -c 3000 -d 16 --flush-interval=64 -f FORMAT IMAGE.over",
                    "raw",
                    "add-cow"),
            new Line("img resize -f FORMAT IMAGE 16M", "raw"));

    private static final Pattern PLACES = Pattern.compile("FORMAT|IMAGE|RAW");

    /**
     * A command line, of which {@code ~} stands for a space inside of a word.
     *
     * @param notFor the formats that it is not for
     */
    private record Line(String words, List<String> notFor) {
        Line(String words, String... notFor) {
            this(words, List.of(notFor));
        }

        String[] with(Map<String, String> values) {
            return Arrays.stream(words.split(" "))
                    .map(word -> PLACES.matcher(word.replace('~', ' '))
                            .replaceAll(place -> Matcher.quoteReplacement(values.get(place.group()))))
                    .toArray(String[]::new);
        }
    }

    private final Console silent;
    private final Path directory;
    private boolean failed;

    private Rehearsal(Path directory) {
        this.directory = directory;
        this.silent = new Console(
                "rehearsal",
                false,
                InputStream.nullInputStream(),
                new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8),
                System.err);
    }

    /**
     * Makes images in an empty directory and leaves them there.
     *
     * @return an exit code: 0 if every tool did what it should
     */
    static int run(Path directory) {
        Rehearsal rehearsal = new Rehearsal(directory);
        FORMATS.forEach(rehearsal::rehearse);
        return rehearsal.failed ? ToolException.FAILURE : 0;
    }

    private void rehearse(String format) {
        Map<String, String> values = Map.of("FORMAT", format, "IMAGE", path(format), "RAW", path(FORMATS.get(0)));
        for (Line line : LINES) {
            if (!failed && !line.notFor.contains(format)) {
                failed = Main.run(line.with(values), silent) != 0;
            }
        }
    }

    private String path(String name) {
        return directory.resolve(name).toString();
    }
}
