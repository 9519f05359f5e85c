// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.cli.Console;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.GetOpt.LongOption;
import io.loomblock.cli.ToolException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** {@code img resize}: changes the size of an image. */
final class ResizeCommand {
    private static final int PREALLOCATION = 300;
    private static final int SHRINK = 301;

    private @Nullable String format;
    private PreallocationMode preallocation = PreallocationMode.OFF;
    private boolean quiet;
    private boolean shrink;
    private boolean imageOpts;

    private ResizeCommand() {}

    static int run(String[] args, Console console) throws ToolException, BlockException {
        if (args.length < 3) {
            throw ToolException.usage("Not enough arguments");
        }
        // The size may begin with a minus, so it must not be seen as an option: it is the last word.
        String size = args[args.length - 1];
        GetOpt options = new GetOpt(
                Arrays.copyOf(args, args.length - 1),
                "f:hq",
                LongOption.flag("help", 'h'),
                LongOption.valued("object", ImgOptions.OBJECT),
                LongOption.flag("image-opts", ImgOptions.IMAGE_OPTS),
                LongOption.valued("preallocation", PREALLOCATION),
                LongOption.flag("shrink", SHRINK));
        ResizeCommand command = new ResizeCommand();
        for (int option = options.next(); option != GetOpt.END; option = options.next()) {
            switch (option) {
                case 'h' -> {
                    ImgHelp.print(console);
                    return 0;
                }
                case 'f' -> command.format = options.argument();
                case 'q' -> command.quiet = true;
                case PREALLOCATION -> command.preallocation = mode(options.argument());
                case SHRINK -> command.shrink = true;
                case ImgOptions.IMAGE_OPTS -> command.imageOpts = true;
                default -> throw ImgOptions.misuse(option, options);
            }
        }
        String[] operands = options.operands();
        if (operands.length != 1) {
            throw ToolException.usage("Expecting image file name and size");
        }
        return command.resize(operands[0], size, console);
    }

    private static PreallocationMode mode(String name) throws ToolException {
        for (PreallocationMode mode : PreallocationMode.values()) {
            if (mode.optionName().equals(name)) {
                return mode;
            }
        }
        throw ToolException.failure("Invalid preallocation mode '" + name + "'");
    }

    private int resize(String filename, String size, Console console) throws ToolException, BlockException {
        boolean relative = size.startsWith("+") || size.startsWith("-");
        long amount = ImgOptions.parameterSize("size", relative ? size.substring(1) : size, console);
        OpenOptions options = Images.readWrite().withFormat(format);
        try (BlockDevice device = Images.open(filename, imageOpts, options, console)) {
            long current = device.length();
            long wanted = !relative ? amount : size.startsWith("+") ? current + amount : current - amount;
            if (wanted <= 0) {
                throw ToolException.failure("New image size must be positive");
            }
            if (wanted <= current && preallocation != PreallocationMode.OFF) {
                throw ToolException.failure("Preallocation can only be used for growing images");
            }
            if (wanted < current && !shrink) {
                console.error("Use the --shrink option to perform a shrink operation.");
                console.warning("Shrinking an image will delete all data beyond the shrunken image's end."
                        + " Before performing such an operation, make sure there is no important data there.");
                return ToolException.FAILURE;
            }
            // A format may round up.
            device.truncate(wanted, false, preallocation);
            if (!quiet) {
                console.println("Image resized.");
            }
            return 0;
        }
    }
}
