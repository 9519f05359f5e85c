// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli;

import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * The run from which Java learns what the tools need, for an AOT cache or a class-data archive: what each tool is used for most, on
 * small images of every format.
 */
final class Rehearsal {
    private static final List<String> FORMATS = List.of("raw", "qed", "add-cow", "fvd");

    private static final String SIZE = "8M";

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
        String image = path(format);
        String raw = image + ".raw";
        create(format, image);
        // As a guest writes, then as it reads: often enough for what is done for each request to count as hot.
        run(
                "img",
                "bench",
                "-w",
                "-s",
                "16k",
                "-S",
                "1040k",
                "-c",
                "3000",
                "-d",
                "16",
                "--flush-interval=64",
                "-f",
                format,
                image);
        run("img", "bench", "-s", "4k", "-c", "20000", "-d", "32", "-f", format, image);
        run("img", "info", image);
        run("img", "info", "--output=json", "-f", format, image);
        run("img", "map", "-f", format, image);
        if (!format.equals("raw")) {
            run("img", "check", image);
        }
        run("img", "convert", "-f", format, "-O", "raw", image, raw);
        run("img", "compare", "-f", format, "-F", "raw", image, raw);
        if (!format.equals("add-cow")) {
            run("img", "convert", "-f", "raw", "-O", format, raw, image + ".back");
        }
        run("io", "-f", format, "-c", "write -P 7 4k 64k", "-c", "read -P 7 4k 64k", image);
    }

    private void create(String format, String image) {
        if (format.equals("add-cow")) {
            run("img", "create", "-f", "raw", image + ".data", SIZE);
            run(
                    "img",
                    "create",
                    "-f",
                    format,
                    "-b",
                    path("raw"),
                    "-F",
                    "raw",
                    "-o",
                    "image_file=" + image + ".data",
                    image);
        } else {
            run("img", "create", "-f", format, image, SIZE);
        }
    }

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    private void run(String... words) {
        failed = failed || Main.run(words, silent) != 0;
    }
}
