// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import io.loomblock.cli.Console;
import io.loomblock.cli.Main;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs the img tool in this process. */
public final class Img {
    private Img() {}

    /** What a run gave. */
    public record Result(List<String> arguments, int exit, String out, String err) {
        /** Fails the test unless the exit code is this one. */
        public Result expectExit(int expected) {
            if (exit != expected) {
                throw new AssertionError(arguments + " ended with " + exit + ", not " + expected + "\n" + out + err);
            }
            return this;
        }
    }

    /** Runs it with these arguments, the sub-command first. */
    public static Result run(Object... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(
                "loomblock-img",
                false,
                InputStream.nullInputStream(),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
        String[] words = new String[arguments.length + 1];
        words[0] = "img";
        for (int i = 0; i < arguments.length; i++) {
            words[i + 1] = arguments[i].toString();
        }
        int exit = Main.run(words, console);
        return new Result(
                List.of(words), exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }
}
