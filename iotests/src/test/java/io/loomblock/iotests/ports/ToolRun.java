// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import io.loomblock.cli.Console;
import io.loomblock.cli.Main;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A run of one of our tools in this process: its exit code, what it printed, and what it complained of. */
record ToolRun(int exit, String out, String err) {
    /** Runs the img tool. */
    static ToolRun img(String... arguments) {
        return run("img", List.of(arguments));
    }

    /** Runs commands of the io tool on an image of this format; writes reach the disk with a flush, as in QEMU's own test runs. */
    static ToolRun io(String format, String image, String... commands) {
        List<String> arguments = new ArrayList<>(List.of("-t", "writeback", "-f", format));
        for (String command : commands) {
            arguments.add("-c");
            arguments.add(command);
        }
        arguments.add(image);
        return run("io", arguments);
    }

    /** Runs the io tool with any words. */
    static ToolRun io(List<String> arguments) {
        return run("io", arguments);
    }

    private static ToolRun run(String tool, List<String> arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        List<String> words = new ArrayList<>(List.of(tool));
        words.addAll(arguments);
        Console console = new Console(
                tool,
                false,
                InputStream.nullInputStream(),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
        int exit = Main.run(words.toArray(String[]::new), console);
        return new ToolRun(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** Everything that was printed, by whichever way. */
    String all() {
        return out + err;
    }
}
