// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a run of the io tool, ours or QEMU's, printed and returned. */
record Ran(int exit, String out, String err) {
    /** Runs our tool in this process. */
    static Ran io(String input, List<String> args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exit = IoCommand.run(
                "qemu-io",
                args.toArray(new String[0]),
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
        return new Ran(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** Runs commands on an image of a format. */
    static Ran commands(String format, Path image, String... commands) {
        return io("", arguments(format, image.toString(), commands));
    }

    static List<String> arguments(String format, String image, String... commands) {
        List<String> args = new ArrayList<>(List.of("-f", format));
        for (String command : commands) {
            args.add("-c");
            args.add(command);
        }
        args.add(image);
        return args;
    }

    /** The same with figures of time replaced, as two runs never agree on them. */
    Ran withoutTimes() {
        String steady = out.replaceAll("(?m)^(.*), 1 ops; .*$", "$1, 1 ops; TIME")
                .replaceAll("(?m)^(\\d+),1,\\d+:\\d\\d:\\d\\d\\.\\d\\d,.*$", "$1,1,TIME");
        return new Ran(exit, steady, err);
    }
}
