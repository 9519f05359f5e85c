// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * Runs programs of QEMU for comparison.
 *
 * <p>Where a program is not installed the test is skipped with a message; with the system property or environment variable {@value
 * #REQUIRE} set to true it fails instead.
 */
public final class Tools {
    private static final String REQUIRE = "LOOMBLOCK_REQUIRE_TOOLS";
    private static final long PATIENCE_SECONDS = 120;

    private Tools() {}

    /**
     * What a program did.
     *
     * @param out what it wrote on standard output
     * @param err what it wrote on standard error
     */
    public record Result(List<String> command, int exit, String out, String err) {
        /** Fails the test unless the exit code is this one. */
        public Result expectExit(int expected) {
            if (exit != expected) {
                throw new AssertionError(command + " ended with " + exit + ", not " + expected + "\n" + out + err);
            }
            return this;
        }

        /** Both outputs. */
        public String text() {
            return out + err;
        }
    }

    /** Runs {@code qemu-img} in a directory. */
    public static Result qemuImg(Path directory, String... arguments) {
        return run(directory, "qemu-img", arguments);
    }

    /** Runs {@code qemu-io} in a directory. */
    public static Result qemuIo(Path directory, String... arguments) {
        return run(directory, "qemu-io", arguments);
    }

    /** Runs a program that the test needs, or skips the test. */
    public static Result run(Path directory, String program, String... arguments) {
        require(program);
        List<String> command = new ArrayList<>(List.of(program));
        command.addAll(List.of(arguments));
        return run(directory, command);
    }

    /** Skips or fails the test if this program is missing. */
    public static void require(String program) {
        if (isInstalled(program)) {
            return;
        }
        String message = program + " is not installed; the comparison with it is left out";
        if (isRequired()) {
            throw new AssertionError(message + ", but " + REQUIRE + " is set");
        }
        Assumptions.abort(message);
    }

    private static boolean isRequired() {
        String property = System.getProperty(REQUIRE, System.getProperty("loomblock.requireTools"));
        return Boolean.parseBoolean(property != null ? property : System.getenv(REQUIRE));
    }

    private static boolean isInstalled(String program) {
        String path = System.getenv("PATH");
        for (String directory : (path == null ? "" : path).split(":")) {
            if (!directory.isEmpty() && Files.isExecutable(Path.of(directory, program))) {
                return true;
            }
        }
        return false;
    }

    private static Result run(Path directory, List<String> command) {
        try {
            Path out = Files.createTempFile("tool", ".out");
            Path err = Files.createTempFile("tool", ".err");
            try {
                ProcessBuilder builder = new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile());
                builder.environment().put("LC_ALL", "C");
                Process process = builder.start();
                process.getOutputStream().close();
                if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                    throw new AssertionError(command + " does not end");
                }
                return new Result(command, process.exitValue(), text(out), text(err));
            } finally {
                Files.delete(out);
                Files.delete(err);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while a program runs", e);
        }
    }

    private static String text(Path file) throws IOException {
        return Files.readString(file, StandardCharsets.UTF_8);
    }
}
