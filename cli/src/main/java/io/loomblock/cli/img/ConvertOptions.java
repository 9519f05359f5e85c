// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.cli.Console;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.GetOpt.LongOption;
import io.loomblock.cli.OptionList;
import io.loomblock.cli.ToolException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The command line of {@code img convert}, parsed and checked as far as that goes without opening anything. */
final class ConvertOptions {
    private static final int TARGET_IMAGE_OPTS = 300;
    private static final int TARGET_IS_ZERO = 301;
    private static final int SALVAGE = 302;
    private static final int BITMAPS = 303;
    private static final int SKIP_BROKEN = 304;

    private static final int MAX_WORKERS = 16;
    private static final long SECTOR = 512;
    private static final long MAX_SPARSE = 16L << 20;

    boolean help;

    @Nullable
    String format;

    /** Null if it is not said: raw then, except for a target that options describe. */
    @Nullable
    String outFormat;

    @Nullable
    String optionList;

    @Nullable
    String backingFile;

    @Nullable
    String backingFormat;

    @Nullable
    String snapshot;

    String sourceCache = "writeback";
    String targetCache = "unsafe";
    long minSparse = 4096;
    long rate;
    int workers = 8;
    boolean outOfOrder;
    boolean skipCreate;
    boolean targetIsZero;
    boolean compress;
    boolean bitmaps;
    boolean salvage;
    boolean progress;
    boolean quiet;
    boolean forceShare;
    boolean imageOpts;
    boolean targetImageOpts;
    List<String> sources = List.of();

    @Nullable
    String target;

    private boolean copyOffloading;
    private boolean sparseGiven;
    private boolean skipBroken;

    private ConvertOptions() {}

    static ConvertOptions parse(String[] args, Console console) throws ToolException {
        GetOpt options = new GetOpt(
                args,
                "hf:O:B:CcF:o:l:S:pt:T:qnm:WUr:",
                LongOption.flag("help", 'h'),
                LongOption.valued("object", ImgOptions.OBJECT),
                LongOption.flag("image-opts", ImgOptions.IMAGE_OPTS),
                LongOption.flag("force-share", 'U'),
                LongOption.flag("target-image-opts", TARGET_IMAGE_OPTS),
                LongOption.flag("salvage", SALVAGE),
                LongOption.flag("target-is-zero", TARGET_IS_ZERO),
                LongOption.flag("bitmaps", BITMAPS),
                LongOption.valued("rate-limit", 'r'),
                LongOption.flag("skip-broken-bitmaps", SKIP_BROKEN));
        ConvertOptions parsed = new ConvertOptions();
        for (int option = options.next(); option != GetOpt.END && !parsed.help; option = options.next()) {
            if (!parsed.flag(option)) {
                parsed.valued(option, options, console);
            }
        }
        String[] operands = options.operands();
        int last = operands.length - 1;
        if (last >= 1) {
            parsed.target = operands[last];
        }
        parsed.sources = Arrays.asList(operands).subList(0, Math.max(last, 0));
        if (!parsed.help) {
            parsed.check();
        }
        return parsed;
    }

    private boolean flag(int option) {
        switch (option) {
            case 'h' -> help = true;
            case 'C' -> copyOffloading = true;
            case 'c' -> compress = true;
            case 'p' -> progress = true;
            case 'q' -> quiet = true;
            case 'n' -> skipCreate = true;
            case 'W' -> outOfOrder = true;
            case 'U' -> forceShare = true;
            case SALVAGE -> salvage = true;
            case TARGET_IS_ZERO -> targetIsZero = true;
            case BITMAPS -> bitmaps = true;
            case SKIP_BROKEN -> skipBroken = true;
            case ImgOptions.IMAGE_OPTS -> imageOpts = true;
            case TARGET_IMAGE_OPTS -> targetImageOpts = true;
            default -> {
                return false;
            }
        }
        return true;
    }

    private void valued(int option, GetOpt options, Console console) throws ToolException {
        switch (option) {
            case 'f' -> format = options.argument();
            case 'O' -> outFormat = options.argument();
            case 'B' -> backingFile = options.argument();
            case 'F' -> backingFormat = options.argument();
            case 'o' -> optionList = OptionList.join(optionList, options.argument());
            case 'l' -> snapshot = SnapshotName.check(options.argument(), console);
            case 'S' -> minSparse = sparse(options.argument(), console);
            case 't' -> targetCache = options.argument();
            case 'T' -> sourceCache = options.argument();
            case 'm' -> workers = workers(options.argument());
            case 'r' -> rate = ImgOptions.size(options.argument(), "rate limit", console);
            default -> throw ImgOptions.misuse(option, options);
        }
    }

    private long sparse(String text, Console console) throws ToolException {
        long size = ImgOptions.size(text, "buffer size for sparse output", console);
        if (size % SECTOR != 0 || size > MAX_SPARSE) {
            throw ToolException.failure(
                    "Invalid buffer size for sparse output specified. Valid sizes are multiples of 512 up to "
                            + MAX_SPARSE + ". Select 0 to disable sparse detection (fully allocates output).");
        }
        sparseGiven = true;
        return size;
    }

    private static int workers(String text) throws ToolException {
        int workers = -1;
        try {
            workers = Integer.decode(text);
        } catch (NumberFormatException e) {
            // Falls through to the message for numbers out of range, which is the same.
            workers = 0;
        }
        if (workers < 1 || workers > MAX_WORKERS) {
            throw ToolException.failure(
                    "Invalid number of coroutines. Allowed number of coroutines is between 1 and " + MAX_WORKERS);
        }
        return workers;
    }

    /** The format of a target that is made, or named by its file. */
    String targetFormat() {
        return outFormat == null ? "raw" : outFormat;
    }

    private void check() throws ToolException {
        if (skipCreate && optionList != null) {
            throw ToolException.failure("-o has no effect when skipping image creation");
        }
        if (skipBroken && !bitmaps) {
            throw ToolException.failure("Use of --skip-broken-bitmaps requires --bitmaps");
        }
        if (copyOffloading && sparseGiven) {
            throw ToolException.failure("Cannot enable copy offloading when -S is used");
        }
        if (copyOffloading && compress) {
            throw ToolException.failure("Cannot enable copy offloading when -c is used");
        }
        if (targetIsZero && !skipCreate) {
            throw ToolException.failure("--target-is-zero requires use of -n flag");
        }
        if (targetImageOpts && !skipCreate) {
            throw ToolException.failure("--target-image-opts requires use of -n flag");
        }
        if (target == null && !OptionList.asksForHelp(optionList)) {
            throw ToolException.failure("Must specify image file name");
        }
    }
}
