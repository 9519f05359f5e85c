// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.GetOpt.LongOption;
import io.loomblock.cli.OptionList;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Sizes;
import org.jspecify.annotations.Nullable;

/** {@code img amend}: changes settings of an image, where its format has any. */
final class AmendCommand {
    private static final int FORCE = 300;

    private @Nullable String format;
    private @Nullable String optionList;
    private CacheMode cache = CacheMode.WRITEBACK;
    private boolean progress;
    private boolean imageOpts;
    private boolean force;

    private AmendCommand() {}

    static int run(String[] args, Console console) throws ToolException, BlockException {
        GetOpt options = new GetOpt(
                args,
                "ho:f:t:pq",
                LongOption.flag("help", 'h'),
                LongOption.valued("object", ImgOptions.OBJECT),
                LongOption.flag("image-opts", ImgOptions.IMAGE_OPTS),
                LongOption.flag("force", FORCE));
        AmendCommand command = new AmendCommand();
        String cacheName = "writeback";
        boolean quiet = false;
        for (int option = options.next(); option != GetOpt.END; option = options.next()) {
            switch (option) {
                case 'h' -> {
                    ImgHelp.print(console);
                    return 0;
                }
                case 'o' -> command.optionList = OptionList.join(command.optionList, options.argument());
                case 'f' -> command.format = options.argument();
                case 't' -> cacheName = options.argument();
                case 'p' -> command.progress = true;
                case 'q' -> quiet = true;
                case FORCE -> command.force = true;
                case ImgOptions.IMAGE_OPTS -> command.imageOpts = true;
                default -> throw ImgOptions.misuse(option, options);
            }
        }
        command.progress &= !quiet;
        return command.run(options.operands(), cacheName, console);
    }

    private int run(String[] operands, String cacheName, Console console) throws ToolException, BlockException {
        String list = optionList;
        if (list == null) {
            throw ToolException.usage("Must specify options (-o)");
        }
        String named = format;
        if (named != null && OptionList.asksForHelp(list)) {
            AmendParameters.printHelp(Formats.find(named), console.out());
            return 0;
        }
        if (operands.length != 1) {
            throw ToolException.failure("Expecting one image file name");
        }
        cache = ImgOptions.cache(cacheName, "cache");
        // Opened for a check: an image that was not closed in order may be declared to be complete.
        OpenOptions how = Images.readWrite().withFormat(named).withCache(cache).withCheck(true);
        try (BlockDevice device = Images.open(operands[0], imageOpts, how, console)) {
            BlockDriverProvider provider = Drivers.get(device.node().driver().formatName());
            if (OptionList.asksForHelp(list)) {
                AmendParameters.printHelp(provider, console.out());
            } else {
                AmendParameters parameters = AmendParameters.parse(provider, list, console);
                requireNoLoss(device, parameters);
                amend(device, parameters, console);
            }
            return 0;
        }
    }

    /** What cannot be undone wants to be said twice; settings that name the size may have come from another image. */
    private void requireNoLoss(BlockDevice device, AmendParameters parameters) throws ToolException, BlockException {
        String size = parameters.values().get(CreateParameters.SIZE);
        if (size != null && !force && Sizes.toSectors(Long.parseLong(size)) < device.length()) {
            throw ToolException.failure("The image would become smaller, and what is behind its new end be lost"
                    + "\nUse 'resize --shrink' to shrink an image, or --force.");
        }
    }

    private void amend(BlockDevice device, AmendParameters parameters, Console console) throws BlockException {
        try (ProgressLine line = new ProgressLine(progress, 1, console.out())) {
            device.amend(parameters.values());
            line.complete();
        }
    }
}
