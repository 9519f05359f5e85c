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
import io.loomblock.driver.Node;
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
    private boolean imageOpts;

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
                case ImgOptions.IMAGE_OPTS -> command.imageOpts = true;
                default -> throw ImgOptions.misuse(option, options);
            }
        }
        String filename = ImgOptions.operand(options);
        command.json = ImgOptions.isJson(output);
        command.show(filename, console);
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
        OpenOptions options = Images.readOnly().withNoBacking(true).withForceShare(forceShare);
        List<ImageInfo> infos = new ArrayList<>();
        Set<Object> seen = new HashSet<>();
        String name = filename;
        BlockDevice image = Images.open(filename, imageOpts, options.withFormat(format), console);
        while (image != null) {
            try (BlockDevice current = image) {
                infos.add(read(current, name, seen));
                String below = infos.getLast().fullBackingFilename();
                image = chain && below != null ? openBacking(current, below, options) : null;
                name = String.valueOf(below);
            }
        }
        return infos;
    }

    private static @Nullable BlockDevice openBacking(BlockDevice image, String name, OpenOptions options)
            throws ToolException {
        try {
            return image.openRecordedBacking(options);
        } catch (BlockException e) {
            throw Images.failure(name, e, ToolException.FAILURE);
        }
    }

    /** Reads one image; those that were {@code seen} are known by their files, which may have several names. */
    private static ImageInfo read(BlockDevice device, String name, Set<Object> seen)
            throws ToolException, BlockException {
        Node file = device.node().child(Node.FILE);
        Object identity = (file == null ? device.node() : file).driver().identity();
        if (!seen.add(identity == null ? name : identity)) {
            throw ToolException.failure("Backing file '" + name + "' creates an infinite loop.");
        }
        return device.info();
    }
}
