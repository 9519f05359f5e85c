// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.ImageInfo;
import io.loomblock.ImplicitOpenPolicy.Request;
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
        OpenOptions options = Images.readOnly().withNoBacking(true).withForceShare(forceShare);
        List<ImageInfo> infos = new ArrayList<>();
        Set<Object> seen = new HashSet<>();
        ImageInfo info = read(filename, options.withFormat(format), seen, console);
        infos.add(info);
        for (String name = info.fullBackingFilename(); chain && name != null; name = info.fullBackingFilename()) {
            // Another opening, but still on the word of the image above.
            Request request =
                    Request.of(info.filename(), String.valueOf(info.backingFilename()), name, info.backingFormat());
            options.implicitOpen().check(request);
            info = read(name, options.withFormat(info.backingFormat()), seen, console);
            infos.add(info);
        }
        return infos;
    }

    /** Reads one image; those that were {@code seen} are known by their files, which may have several names. */
    private static ImageInfo read(String name, OpenOptions options, Set<Object> seen, Console console)
            throws ToolException, BlockException {
        try (BlockDevice device = Images.open(name, options, console)) {
            Node file = device.node().child(Node.FILE);
            Object identity = (file == null ? device.node() : file).driver().identity();
            if (!seen.add(identity == null ? name : identity)) {
                throw ToolException.failure("Backing file '" + name + "' creates an infinite loop.");
            }
            return device.info();
        }
    }
}
