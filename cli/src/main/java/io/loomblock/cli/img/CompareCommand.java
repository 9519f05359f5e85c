// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.GetOpt.LongOption;
import io.loomblock.cli.ToolException;
import io.loomblock.job.ImageComparison;
import io.loomblock.job.ImageComparison.ComparisonException;
import io.loomblock.job.ImageComparison.Result;
import io.loomblock.job.ImageComparison.Step;
import io.loomblock.memory.BufferPool;
import org.jspecify.annotations.Nullable;

/** {@code img compare}: tells whether two images have the same content. */
final class CompareCommand {
    private static final int DIFFERENT = 1;
    private static final int CANNOT_OPEN = 2;
    private static final int NO_STATUS = 3;
    private static final int CANNOT_READ = 4;
    private static final double PROGRESS_STEP = 2;

    private @Nullable String format1;
    private @Nullable String format2;
    private String cache = "writeback";
    private boolean progress;
    private boolean quiet;
    private boolean strict;
    private boolean forceShare;
    private boolean imageOpts;

    private CompareCommand() {}

    static int run(String[] args, Console console) throws ToolException, BlockException {
        GetOpt options = new GetOpt(
                args,
                "hf:F:T:pqsU",
                LongOption.flag("help", 'h'),
                LongOption.valued("object", ImgOptions.OBJECT),
                LongOption.flag("image-opts", ImgOptions.IMAGE_OPTS),
                LongOption.flag("force-share", 'U'));
        CompareCommand command = new CompareCommand();
        for (int option = options.next(); option != GetOpt.END; option = options.next()) {
            switch (option) {
                case 'h' -> {
                    ImgHelp.print(console);
                    return 0;
                }
                case 'f' -> command.format1 = options.argument();
                case 'F' -> command.format2 = options.argument();
                case 'T' -> command.cache = options.argument();
                case 'p' -> command.progress = true;
                case 'q' -> command.quiet = true;
                case 's' -> command.strict = true;
                case 'U' -> command.forceShare = true;
                case ImgOptions.IMAGE_OPTS -> command.imageOpts = true;
                default -> throw ImgOptions.misuse(option, options);
            }
        }
        String[] operands = options.operands();
        if (operands.length != 2) {
            throw ToolException.usage("Expecting two image file names");
        }
        return command.compare(operands[0], operands[1], console);
    }

    private int compare(String name1, String name2, Console console) throws ToolException, BlockException {
        // Quiet wins over progress.
        try (ProgressLine line = new ProgressLine(progress && !quiet, PROGRESS_STEP, console.out())) {
            OpenOptions options = Images.readOnly()
                    .withCache(ImgOptions.cache(cache, "source cache", CANNOT_OPEN))
                    .withForceShare(forceShare);
            try (BlockDevice first = open(name1, options.withFormat(format1), console);
                    BlockDevice second = open(name2, options.withFormat(format2), console)) {
                Result result = ImageComparison.compare(
                        first, second, strict, BufferPool.shared(), new Reporter(line, console));
                return report(result, console);
            } catch (ComparisonException e) {
                throw explain(e, e.first() ? name1 : name2);
            }
        }
    }

    private BlockDevice open(String name, OpenOptions options, Console console) throws ToolException {
        return Images.open(name, imageOpts, options, console, CANNOT_OPEN);
    }

    private int report(Result result, Console console) {
        switch (result.outcome()) {
            case IDENTICAL -> {
                say("Images are identical.", console);
                return 0;
            }
            case CONTENT_DIFFERS -> say("Content mismatch at offset " + result.offset() + "!", console);
            case STATUS_DIFFERS -> say("Strict mode: Offset " + result.offset() + " block status mismatch!", console);
            case SIZE_DIFFERS -> say("Strict mode: Image size mismatch!", console);
        }
        return DIFFERENT;
    }

    private static ToolException explain(ComparisonException e, String name) {
        String reason = e.failure().errno().text();
        return e.step() == Step.STATUS
                ? ToolException.failure("Sector allocation test failed for " + name, NO_STATUS, e)
                : ToolException.failure(
                        "Error while reading offset " + e.offset() + " of " + name + ": " + reason, CANNOT_READ, e);
    }

    private void say(String line, Console console) {
        if (!quiet) {
            console.println(line);
        }
    }

    /** Shows how far it is, and that the sizes differ. */
    private final class Reporter implements ImageComparison.Listener {
        private final ProgressLine line;
        private final Console console;

        Reporter(ProgressLine line, Console console) {
            this.line = line;
            this.console = console;
        }

        @Override
        public void advanced(long done, long total) {
            line.advanced(done, total);
        }

        @Override
        public void sizesDiffer() {
            say("Warning: Image size mismatch!", console);
        }
    }
}
