// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.CheckResult;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.GetOpt.LongOption;
import io.loomblock.cli.ToolException;
import org.jspecify.annotations.Nullable;

/** {@code img check}: checks the metadata of an image and repairs it where asked. */
final class CheckCommand {
    private static final int CORRUPTIONS = 2;
    private static final int LEAKS = 3;
    private static final int UNSUPPORTED = 63;

    private @Nullable String format;
    private CacheMode cache = CacheMode.WRITEBACK;
    private FixMode fix = FixMode.NONE;
    private boolean json;
    private boolean quiet;
    private boolean forceShare;
    private boolean imageOpts;

    private CheckCommand() {}

    static int run(String[] args, Console console) throws ToolException, BlockException {
        GetOpt options = new GetOpt(
                args,
                "hf:r:T:qU",
                LongOption.flag("help", 'h'),
                LongOption.valued("format", 'f'),
                LongOption.valued("repair", 'r'),
                LongOption.valued("output", ImgOptions.OUTPUT),
                LongOption.valued("object", ImgOptions.OBJECT),
                LongOption.flag("image-opts", ImgOptions.IMAGE_OPTS),
                LongOption.flag("force-share", 'U'));
        CheckCommand command = new CheckCommand();
        String output = "human";
        String cacheName = "writeback";
        for (int option = options.next(); option != GetOpt.END; option = options.next()) {
            switch (option) {
                case 'h' -> {
                    ImgHelp.print(console);
                    return 0;
                }
                case 'f' -> command.format = options.argument();
                case 'r' -> command.fix = fixMode(options.argument());
                case 'T' -> cacheName = options.argument();
                case 'q' -> command.quiet = true;
                case 'U' -> command.forceShare = true;
                case ImgOptions.OUTPUT -> output = options.argument();
                case ImgOptions.IMAGE_OPTS -> command.imageOpts = true;
                default -> throw ImgOptions.misuse(option, options);
            }
        }
        String filename = ImgOptions.operand(options);
        command.json = ImgOptions.isJson(output);
        command.cache = ImgOptions.cache(cacheName, "source cache");
        return command.check(filename, console);
    }

    private static FixMode fixMode(String name) throws ToolException {
        return switch (name) {
            case "leaks" -> FixMode.LEAKS;
            case "all" -> FixMode.ALL;
            default -> throw ToolException.usage("Unknown option value for -r (expecting 'leaks' or 'all'): " + name);
        };
    }

    private int check(String filename, Console console) throws ToolException, BlockException {
        OpenOptions options = Images.readOnly()
                .withFormat(format)
                .withWritable(fix != FixMode.NONE)
                .withCheck(true)
                .withCache(cache)
                .withForceShare(forceShare);
        try (BlockDevice device = Images.open(filename, imageOpts, options, console)) {
            CheckReport report =
                    new CheckReport(filename, device.node().driver().formatName(), json, quiet, console.out());
            CheckResult result = check(device, fix);
            if (result.corruptionsFixed() != 0 || result.leaksFixed() != 0) {
                report.repaired(result);
                result = withFixed(check(device, FixMode.NONE), result);
            }
            report.print(result);
            return exitCode(result);
        }
    }

    private static CheckResult check(BlockDevice device, FixMode fix) throws ToolException {
        try {
            return device.check(fix);
        } catch (BlockException e) {
            if (e.errno() == Errno.ENOTSUP) {
                throw ToolException.failure("This image format does not support checks", UNSUPPORTED, e);
            }
            throw ToolException.failure("Check failed: " + e.reason(), ToolException.FAILURE, e);
        }
    }

    /** The second check's findings with the repairs of the first. */
    private static CheckResult withFixed(CheckResult second, CheckResult first) {
        return new CheckResult(
                second.corruptions(),
                second.leaks(),
                second.checkErrors(),
                first.corruptionsFixed(),
                first.leaksFixed(),
                second.imageEndOffset(),
                second.totalClusters(),
                second.allocatedClusters(),
                second.compressedClusters(),
                second.fragmentedClusters());
    }

    private static int exitCode(CheckResult result) throws ToolException {
        if (result.checkErrors() != 0) {
            throw ToolException.failure("Check failed");
        }
        if (result.corruptions() != 0) {
            return CORRUPTIONS;
        }
        return result.leaks() != 0 ? LEAKS : 0;
    }
}
