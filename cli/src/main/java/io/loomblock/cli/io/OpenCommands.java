// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import io.loomblock.cli.ToolException;
import java.util.List;

/** {@code open} and {@code close}. */
final class OpenCommands {
    private static final CommandInfo OPEN = new CommandInfo(
                    "open",
                    CommandInfo.Needs.NOTHING,
                    1,
                    CommandInfo.ANY,
                    "open the file specified by path",
                    OpenCommands::open)
            .withAlias("o")
            .withArguments("[-rsCnkU] [-t cache] [-d discard] [-o options] [path]")
            .withDetails("""

                     'open -n -o driver=raw disk.img' opens a raw image writable, around the page cache.

                     -r       read-only
                     -s       write to a temporary overlay
                     -C       keep what is read from backing files
                     -n       like -t none
                     -U       share the image with whoever has it open; with -r
                     -k       accepted, without effect
                     -i MODE  accepted, without effect: threads, native or io_uring
                     -t MODE  cache mode: writethrough (the default), writeback, none, directsync or unsafe
                     -d MODE  discards: unmap or ignore
                     -o OPTS  options of the nodes, as driver=FORMAT or file.filename=PATH;
                              they may tell all, then there is no path
                    """);

    private static final CommandInfo CLOSE = new CommandInfo(
                    "close", CommandInfo.Needs.IMAGE, 0, 0, "close the current open file", OpenCommands::close)
            .withAlias("c");

    private OpenCommands() {}

    static List<CommandInfo> all() {
        return List.of(OPEN, CLOSE);
    }

    private static void open(Invocation call) throws CommandRefused {
        OpenMode mode = new OpenMode();
        List<String> operands = call.options("Cd:i:kno:rst:U", (option, value) -> option(call, mode, option, value));
        if (call.failed()) {
            return;
        }
        String path = operands.isEmpty() ? null : operands.get(0);
        if (operands.size() > 1 || (path == null && mode.nodeOptions().isEmpty())) {
            throw call.usage();
        }
        if (call.session().isOpen()) {
            call.error("file open already, try 'help close'");
        } else if (!call.session().open(path, mode.build())) {
            call.fail();
        }
    }

    /** The first option that cannot be had is told of, those after it are not. */
    private static void option(Invocation call, OpenMode mode, char option, String value) {
        if (call.failed()) {
            return;
        }
        try {
            if (option == 'o') {
                mode.nodeOptions(mode.nodeOptions().with(call.nodeOptions(value)));
            } else {
                mode.option(option, value);
            }
        } catch (OpenMode.Refused | ToolException e) {
            call.error(String.valueOf(e.getMessage()));
        }
    }

    private static void close(Invocation call) {
        try {
            call.session().close();
        } catch (BlockException e) {
            call.error(e.reason());
        }
    }
}
