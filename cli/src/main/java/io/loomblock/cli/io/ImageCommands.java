// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import io.loomblock.ImageInfo;
import java.util.List;
import java.util.Map;

/** Commands without options on the image as a whole: {@code flush}, {@code length} and {@code info}. */
final class ImageCommands {
    private static final CommandInfo FLUSH = new CommandInfo(
                    "flush",
                    CommandInfo.Needs.IMAGE,
                    0,
                    0,
                    "flush all in-core file state to disk",
                    ImageCommands::flush)
            .withAlias("f");

    private static final CommandInfo LENGTH = new CommandInfo(
                    "length",
                    CommandInfo.Needs.IMAGE,
                    0,
                    0,
                    "gets the length of the current file",
                    ImageCommands::length)
            .withAlias("l");

    private static final CommandInfo INFO = new CommandInfo(
                    "info",
                    CommandInfo.Needs.IMAGE,
                    0,
                    0,
                    "prints information about the current file",
                    ImageCommands::info)
            .withAlias("i");

    private ImageCommands() {}

    static List<CommandInfo> all() {
        return List.of(FLUSH, LENGTH, INFO);
    }

    /** A failure shows in the exit code alone, as qemu-io's does. */
    private static void flush(Invocation call) {
        try {
            call.device().flush();
        } catch (BlockException e) {
            call.fail();
        }
    }

    private static void length(Invocation call) throws CommandRefused {
        try {
            call.out().print(Report.size(call.device().length()) + "\n");
        } catch (BlockException e) {
            throw new CommandRefused("getlength: " + e.errno().text());
        }
    }

    private static void info(Invocation call) {
        try {
            ImageInfo info = call.device().info();
            call.out().print("format name: " + info.format() + "\n");
            call.out().print("cluster size: " + Report.size(info.clusterSize()) + "\n");
            call.out().print("vm state offset: " + Report.size(0) + "\n");
            Map<String, Object> specific = info.formatSpecific();
            if (specific != null && !specific.isEmpty()) {
                call.out().print("Format specific information:\n");
                specific.forEach((key, value) -> call.out().print("    " + key + ": " + value + "\n"));
            }
        } catch (BlockException e) {
            call.fail();
        }
    }
}
