// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.cli.Console;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.GetOpt.LongOption;
import io.loomblock.cli.ToolException;
import org.jspecify.annotations.Nullable;

/** The command line of {@code img bench}, parsed and checked as far as that goes without opening anything. */
final class BenchOptions {
    private static final int FLUSH_INTERVAL = 300;
    private static final int NO_DRAIN = 301;
    private static final int PATTERN = 302;

    private static final int MAX_BYTE = 0xff;

    boolean help;

    @Nullable
    String format;

    String cache = "writeback";
    /** Requests in all. */
    int count = 75_000;

    int depth = 64;
    /** Bytes of a request. */
    int size = 4096;

    long offset;
    /** Bytes from one request to the next; 0 for its length. */
    int step;

    int pattern;
    int flushInterval;
    boolean drain = true;
    boolean write;
    boolean nativeAio;
    boolean forceShare;
    boolean imageOpts;
    String filename = "";

    private BenchOptions() {}

    static BenchOptions parse(String[] args, Console console) throws ToolException {
        GetOpt options = new GetOpt(
                args,
                "hc:d:f:ni:o:qs:S:t:wU",
                LongOption.flag("help", 'h'),
                LongOption.valued("flush-interval", FLUSH_INTERVAL),
                LongOption.valued("pattern", PATTERN),
                LongOption.flag("no-drain", NO_DRAIN),
                LongOption.valued("object", ImgOptions.OBJECT),
                LongOption.flag("image-opts", ImgOptions.IMAGE_OPTS),
                LongOption.flag("force-share", 'U'));
        BenchOptions parsed = new BenchOptions();
        for (int option = options.next(); option != GetOpt.END; option = options.next()) {
            if (!parsed.flag(option)) {
                parsed.valued(option, options, console);
            }
            if (parsed.help) {
                return parsed;
            }
        }
        parsed.filename = ImgOptions.operand(options);
        parsed.check();
        return parsed;
    }

    private boolean flag(int option) {
        switch (option) {
            case 'h' -> help = true;
            case 'n' -> nativeAio = true;
            case 'w' -> write = true;
            case 'U' -> forceShare = true;
            case NO_DRAIN -> drain = false;
            case ImgOptions.IMAGE_OPTS -> imageOpts = true;
            // What is printed stays the same, as in QEMU.
            case 'q' -> {}
            default -> {
                return false;
            }
        }
        return true;
    }

    private void valued(int option, GetOpt options, Console console) throws ToolException {
        switch (option) {
            case 'c' -> count = ImgOptions.number(options.argument(), Integer.MAX_VALUE, "request count");
            case 'd' -> depth = ImgOptions.number(options.argument(), Integer.MAX_VALUE, "queue depth");
            case 'f' -> format = options.argument();
            case 'i' -> nativeAio = isNative(options.argument());
            case 'o' -> offset = ImgOptions.size(options.argument(), "offset", console);
            case 's' -> size = (int) ImgOptions.size(options.argument(), Integer.MAX_VALUE, "buffer size", console);
            case 'S' -> step = (int) ImgOptions.size(options.argument(), Integer.MAX_VALUE, "step_size", console);
            case 't' -> cache = options.argument();
            case FLUSH_INTERVAL ->
                flushInterval = ImgOptions.number(options.argument(), Integer.MAX_VALUE, "flush interval");
            case PATTERN -> pattern = ImgOptions.number(options.argument(), MAX_BYTE, "pattern byte");
            default -> throw ImgOptions.misuse(option, options);
        }
    }

    private static boolean isNative(String aio) throws ToolException {
        return switch (aio) {
            case "native" -> true;
            case "threads", "io_uring" -> false;
            default -> throw ToolException.failure("Invalid aio option: " + aio);
        };
    }

    private void check() throws ToolException {
        if (depth == 0) {
            throw ToolException.failure("Invalid queue depth specified");
        }
        if (flushInterval > 0 && !write) {
            throw ToolException.failure("--flush-interval is only available in write tests");
        }
        if (flushInterval > 0 && flushInterval < depth) {
            throw ToolException.failure("Flush interval can't be smaller than depth");
        }
    }
}
