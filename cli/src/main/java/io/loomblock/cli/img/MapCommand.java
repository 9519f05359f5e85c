// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.GetOpt.LongOption;
import io.loomblock.cli.ToolException;
import io.loomblock.job.AllocationMap;
import org.jspecify.annotations.Nullable;

/** {@code img map}: shows where the content of an image lies. */
final class MapCommand {
    private @Nullable String format;
    private boolean json;
    private boolean forceShare;
    private boolean imageOpts;
    private long start;
    private long maxLength = -1;

    private MapCommand() {}

    static int run(String[] args, Console console) throws ToolException, BlockException {
        GetOpt options = new GetOpt(
                args,
                "f:s:l:hU",
                LongOption.flag("help", 'h'),
                LongOption.valued("format", 'f'),
                LongOption.valued("output", ImgOptions.OUTPUT),
                LongOption.valued("object", ImgOptions.OBJECT),
                LongOption.flag("image-opts", ImgOptions.IMAGE_OPTS),
                LongOption.flag("force-share", 'U'),
                LongOption.valued("start-offset", 's'),
                LongOption.valued("max-length", 'l'));
        MapCommand command = new MapCommand();
        String output = "human";
        for (int option = options.next(); option != GetOpt.END; option = options.next()) {
            switch (option) {
                case 'h' -> {
                    ImgHelp.print(console);
                    return 0;
                }
                case 'f' -> command.format = options.argument();
                case 'U' -> command.forceShare = true;
                case 's' -> command.start = ImgOptions.size(options.argument(), "start offset", console);
                case 'l' -> command.maxLength = ImgOptions.size(options.argument(), "max length", console);
                case ImgOptions.OUTPUT -> output = options.argument();
                case ImgOptions.IMAGE_OPTS -> command.imageOpts = true;
                default -> throw ImgOptions.misuse(option, options);
            }
        }
        String filename = ImgOptions.operand(options);
        command.json = ImgOptions.isJson(output);
        command.map(filename, console);
        return 0;
    }

    private void map(String filename, Console console) throws ToolException, BlockException {
        OpenOptions options = Images.readOnly().withFormat(format).withForceShare(forceShare);
        try (BlockDevice device = Images.open(filename, imageOpts, options, console)) {
            MapReport report = json ? new MapReport.Json(console.out(), start) : new MapReport.Table(console.out());
            long end = maxLength < 0 || maxLength > Long.MAX_VALUE - start ? Long.MAX_VALUE : start + maxLength;
            report.begin();
            try {
                AllocationMap.walk(device, start, end, report);
            } catch (BlockException e) {
                throw ToolException.failure("Failed to read image metadata: " + e.reason(), ToolException.FAILURE, e);
            }
            report.end();
        }
    }
}
