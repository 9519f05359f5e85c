// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.GetOpt.LongOption;
import io.loomblock.cli.OptionList;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Filenames;
import org.jspecify.annotations.Nullable;

/** {@code img create}: makes an image. */
final class CreateCommand {
    private String format = "raw";
    private @Nullable String backingFile;
    private @Nullable String backingFormat;
    private @Nullable String optionList;
    private boolean quiet;
    private boolean unsafe;

    private CreateCommand() {}

    static int run(String[] args, Console console) throws ToolException, BlockException {
        GetOpt options = new GetOpt(
                args, "F:b:f:ho:qu", LongOption.flag("help", 'h'), LongOption.valued("object", ImgOptions.OBJECT));
        CreateCommand command = new CreateCommand();
        for (int option = options.next(); option != GetOpt.END; option = options.next()) {
            switch (option) {
                case 'h' -> {
                    ImgHelp.print(console);
                    return 0;
                }
                case 'F' -> command.backingFormat = options.argument();
                case 'b' -> command.backingFile = options.argument();
                case 'f' -> command.format = options.argument();
                case 'o' -> command.optionList = OptionList.join(command.optionList, options.argument());
                case 'q' -> command.quiet = true;
                case 'u' -> command.unsafe = true;
                default -> throw ImgOptions.misuse(option, options);
            }
        }
        command.create(options.operands(), console);
        return 0;
    }

    private void create(String[] operands, Console console) throws ToolException, BlockException {
        String filename = operands.length > 0 ? operands[0] : null;
        if (OptionList.asksForHelp(optionList)) {
            CreateParameters.printHelp(format, filename, console.out());
            return;
        }
        if (filename == null) {
            throw ToolException.usage("Expecting image file name");
        }
        long size = operands.length > 1 ? ImgOptions.size(operands[1], "image size", console) : -1;
        if (operands.length > 2) {
            throw ToolException.usage("Unexpected argument: " + operands[2]);
        }
        try {
            create(filename, size, console);
        } catch (BlockException e) {
            throw ToolException.failure(filename + ": " + e.reason(), ToolException.FAILURE, e);
        } catch (ToolException e) {
            throw ToolException.failure(filename + ": " + e.text(), ToolException.FAILURE, e.getCause());
        }
    }

    private void create(String filename, long size, Console console) throws ToolException, BlockException {
        BlockDriverProvider provider = Formats.find(format);
        CreateParameters parameters =
                CreateParameters.parse(provider, Formats.protocolOfNew(filename), optionList, console);
        if (size >= 0) {
            if (parameters.size() >= 0) {
                throw ToolException.failure("The image size must be specified only once");
            }
            parameters.setSize(size);
        }
        if (backingFile != null) {
            parameters.setBackingFile(backingFile);
        }
        if (backingFormat != null) {
            parameters.setBackingFormat(backingFormat);
        }
        checkBacking(filename, parameters);
        if (parameters.size() < 0) {
            throw ToolException.failure("Image creation needs a size parameter");
        }
        if (!quiet) {
            console.println("Formatting '" + filename + "', fmt=" + format + " " + parameters.toLine());
        }
        String recorded = parameters.backingFormat();
        if (recorded != null) {
            Formats.requireBackingFormat(recorded);
        }
        OpenOptions options = Images.readWrite().withNoBacking(unsafe);
        try {
            BlockDevice.create(format, filename, parameters.toCreateOptions(), options);
        } catch (BlockException e) {
            throw e.errno() == Errno.EFBIG ? tooLarge(parameters, e) : e;
        }
    }

    private BlockException tooLarge(CreateParameters parameters, BlockException cause) {
        String hint = parameters.hasClusterSize() ? " (try using a larger cluster size)" : "";
        return new BlockException(
                Errno.EFBIG, "The image size is too large for file format '" + format + "'" + hint, cause);
    }

    private void checkBacking(String filename, CreateParameters parameters) throws ToolException, BlockException {
        String backing = parameters.backingFile();
        if (backing == null) {
            return;
        }
        if (backing.isEmpty()) {
            throw ToolException.failure("Expected backing file name, got empty string");
        }
        if (backing.equals(filename)) {
            throw ToolException.failure("Error: Trying to create an image with the same filename as the backing file");
        }
        if (!unsafe) {
            openBacking(Filenames.combine(filename, backing), parameters);
        } else if (parameters.backingFormat() == null) {
            throw ToolException.failure("Backing file specified without backing format");
        }
    }

    /** Opens the backing file as the new image will: it must be there, and gives the size if none was given. */
    private static void openBacking(String name, CreateParameters parameters) throws ToolException, BlockException {
        OpenOptions options = Images.readOnly().withFormat(parameters.backingFormat());
        BlockDevice opened;
        try {
            opened = BlockDevice.open(name, options);
        } catch (BlockException e) {
            throw ToolException.failure(e.reason() + "\nCould not open backing image.", ToolException.FAILURE, e);
        }
        try (BlockDevice backing = opened) {
            if (parameters.backingFormat() == null) {
                throw ToolException.failure("Backing file specified without backing format\nDetected format of "
                        + backing.node().driver().formatName() + ".");
            }
            if (parameters.size() < 0) {
                parameters.setSizeOfBacking(backing.length());
            }
        }
    }
}
