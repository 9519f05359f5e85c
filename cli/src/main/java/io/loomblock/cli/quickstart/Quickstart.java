// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockException;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.GetOpt.LongOption;
import io.loomblock.driver.Sizes;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** The {@code quickstart} tool: shows the block layer at work, on images that it makes, or on copies or overlays of the user's own. */
public final class Quickstart {
    private static final String EVERY_BYTE = "every byte is verified";

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
     * @param args {@code --seed N} to repeat the requests of another run; images to copy, none to make some
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
        String[] words = Stream.concat(Stream.of(program), Stream.of(args)).toArray(String[]::new);
        GetOpt options = new GetOpt(words, "h", LongOption.flag("help", 'h'), LongOption.valued("seed", 's'));
        Settings seeded = settings;
        for (int option = options.next(); option != GetOpt.END; option = options.next()) {
            OptionalLong seed = option == 's' ? Sizes.parse(options.argument()) : OptionalLong.empty();
            if (seed.isEmpty()) {
                return usage(program, option == 'h' ? out : err, option == 'h' ? 0 : 1);
            }
            seeded = seeded.withSeed(seed.getAsLong());
        }
        Quickstart quickstart = new Quickstart(program, seeded, tampering, out, err);
        quickstart.runIn(List.of(options.operands()));
        out.flush();
        return quickstart.failed ? 1 : 0;
    }

    private static int usage(String program, PrintStream to, int exit) {
        to.print("usage: " + program + " quickstart [--seed N] [IMAGE...]\n"
                + "Makes random requests of images that it makes, or of copies of these; verifies every byte.\n"
                + "Large ones get an overlay instead of a copy, and are verified in part.\n");
        to.flush();
        return exit;
    }

    private void runIn(List<String> paths) {
        try (TemporaryDirectory directory = new TemporaryDirectory()) {
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
        table.begin(settings, EVERY_BYTE);
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
        try (Original original = Original.open(path)) {
            long most = settings.maxCopy();
            onImage(original.isLargerThan(most) ? original.overlayIn(copy, most) : original.copyTo(copy), directory);
        } finally {
            NewImage.delete(copy);
        }
    }

    private void onImage(Subject subject, Path directory) throws Exception {
        if (System.nanoTime() - start > settings.totalTime().toNanos()) {
            throw new Mismatch("not begun", "the time is up");
        }
        table.begin(settings, EVERY_BYTE + ", of large disks a part");
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
        String why = e instanceof BlockException block
                ? block.reason()
                : e instanceof Mismatch mismatch ? String.valueOf(mismatch.getMessage()) : e.toString();
        err.print(program + ": " + name + ": " + why + "\n");
        err.flush();
    }
}
