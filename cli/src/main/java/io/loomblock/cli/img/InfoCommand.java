// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.ImageInfo;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.GetOpt.LongOption;
import io.loomblock.cli.ToolException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code img info}: shows what an image is, and with {@code --backing-chain} all images below it. */
final class InfoCommand {
    private static final int BACKING_CHAIN = 300;

    private @Nullable String format;
    private boolean json;
    private boolean chain;
    private boolean forceShare;

    private InfoCommand() {}

    static int run(String[] args, Console console) throws ToolException, BlockException {
        GetOpt options = new GetOpt(
                args,
                "hf:U",
                LongOption.flag("help", 'h'),
                LongOption.valued("format", 'f'),
                LongOption.valued("output", ImgOptions.OUTPUT),
                LongOption.flag("backing-chain", BACKING_CHAIN),
                LongOption.valued("object", ImgOptions.OBJECT),
                LongOption.flag("image-opts", ImgOptions.IMAGE_OPTS),
                LongOption.flag("force-share", 'U'));
        InfoCommand command = new InfoCommand();
        String output = "human";
        for (int option = options.next(); option != GetOpt.END; option = options.next()) {
            switch (option) {
                case 'h' -> {
                    ImgHelp.print(console);
                    return 0;
                }
                case 'f' -> command.format = options.argument();
                case 'U' -> command.forceShare = true;
                case ImgOptions.OUTPUT -> output = options.argument();
                case BACKING_CHAIN -> command.chain = true;
                case ImgOptions.OBJECT -> throw ImgOptions.unsupported("--object");
                case ImgOptions.IMAGE_OPTS -> throw ImgOptions.unsupported("--image-opts");
                default -> throw ImgOptions.misuse(option, options);
            }
        }
        String[] operands = options.operands();
        if (operands.length != 1) {
            throw ToolException.usage("Expecting one image file name");
        }
        command.json = ImgOptions.isJson(output);
        command.show(operands[0], console);
        return 0;
    }

    private void show(String filename, Console console) throws ToolException, BlockException {
        List<ImageInfo> infos = collect(filename, console);
        if (json) {
            InfoJson.print(infos, chain, console.out());
        } else {
            InfoText.print(infos, console.out());
        }
    }

    private List<ImageInfo> collect(String filename, Console console) throws ToolException, BlockException {
        List<ImageInfo> infos = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        String name = filename;
        String driver = format;
        do {
            if (!seen.add(name)) {
                throw ToolException.failure("Backing file '" + name + "' creates an infinite loop.");
            }
            ImageInfo info = read(name, driver, console);
            infos.add(info);
            name = info.fullBackingFilename();
            driver = info.backingFormat();
        } while (chain && name != null);
        return infos;
    }

    private ImageInfo read(String name, @Nullable String driver, Console console) throws ToolException, BlockException {
        OpenOptions options =
                Images.readOnly().withFormat(driver).withNoBacking(true).withForceShare(forceShare);
        try (BlockDevice device = Images.open(name, options, console)) {
            return device.info();
        }
    }
}
