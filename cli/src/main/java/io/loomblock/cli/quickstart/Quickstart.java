// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The {@code quickstart} tool: shows the block layer at work, on images that it makes or on copies of the user's own. */
public final class Quickstart {
    private final String program;
    private final Settings settings;
    private final Trial.Tampering tampering;
    private final PrintStream err;
    private final Table table;
    private final long start = System.nanoTime();
    private boolean failed;

    private Quickstart(String program, Settings settings, Trial.Tampering tampering, PrintStream out, PrintStream err) {
        this.program = program;
        this.settings = settings;
        this.tampering = tampering;
        this.err = err;
        this.table = new Table(out);
    }

    /** Work on one image. */
    @FunctionalInterface
    private interface Step {
        void run() throws Exception;
    }

    /**
     * Runs the tool.
     *
     * @param program the name that messages begin with
     * @param args images to copy; none to make some
     * @param in not read
     * @return the exit code: 0, or 1 if a byte was wrong, a check found damage or anything else failed
     */
    public static int run(String program, String[] args, InputStream in, PrintStream out, PrintStream err) {
        return run(program, args, out, err, Settings.normal(System.nanoTime() & 0xffff), Trial.Tampering.NONE);
    }

    static int run(
            String program,
            String[] args,
            PrintStream out,
            PrintStream err,
            Settings settings,
            Trial.Tampering tampering) {
        List<String> paths = List.of(args);
        if (paths.stream().anyMatch(path -> path.startsWith("-"))) {
            out.print("usage: " + program + " quickstart [IMAGE...]\n"
                    + "Makes random requests of images that it makes, or of copies of these; verifies every byte.\n");
            out.flush();
            return paths.equals(List.of("-h")) || paths.equals(List.of("--help")) ? 0 : 1;
        }
        Quickstart quickstart = new Quickstart(program, settings, tampering, out, err);
        quickstart.runIn(paths);
        out.flush();
        return quickstart.failed ? 1 : 0;
    }

    private void runIn(List<String> paths) {
        try (TemporaryDirectory directory = new TemporaryDirectory()) {
            table.begin(settings);
            if (paths.isEmpty()) {
                onMadeImages(directory.path());
            } else {
                paths.forEach(path -> step(path, () -> onCopyOf(path, directory.path())));
            }
            table.end();
        } catch (IOException e) {
            fail("temporary directory", e);
        }
    }

    private void onMadeImages(Path directory) {
        step("images", () -> {
            MadeImages images = MadeImages.in(directory, settings);
            for (Subject subject : images.subjects()) {
                step(subject.name(), () -> onImage(subject, directory));
            }
            images.verifyBase();
        });
    }

    private void onCopyOf(String path, Path directory) throws Exception {
        Path copy = directory.resolve("copy");
        try (Original original = Original.open(path, settings.maxCopy())) {
            onImage(original.copyTo(copy), directory);
        } finally {
            Files.deleteIfExists(copy);
        }
    }

    private void onImage(Subject subject, Path directory) throws Exception {
        if (System.nanoTime() - start > settings.totalTime().toNanos()) {
            throw new Mismatch("not begun", "the time is up");
        }
        table.add(new Trial(subject, settings, tampering).run(directory));
    }

    /** Does the work on one image; the others go on when it fails. */
    private void step(String name, Step step) {
        try {
            step.run();
        } catch (Exception e) {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            fail(name, e);
        }
    }

    private void fail(String name, Exception e) {
        failed = true;
        String why = e instanceof BlockException block ? block.reason() : String.valueOf(e.getMessage());
        err.print(program + ": " + name + ": " + why + "\n");
        err.flush();
    }
}
