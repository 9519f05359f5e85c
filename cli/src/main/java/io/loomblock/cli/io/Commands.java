// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** All commands, by name. */
final class Commands {
    private Commands() {}

    /** All of them, ordered by name. */
    static List<CommandInfo> all() {
        return Table.COMMANDS;
    }

    /** The command of this name or alias, or null. */
    static @Nullable CommandInfo find(String word) {
        for (CommandInfo command : all()) {
            if (command.isCalled(word)) {
                return command;
            }
        }
        return null;
    }

    private static final class Table {
        static final List<CommandInfo> COMMANDS = Stream.of(
                        List.of(ReadCommand.INFO, ReadvCommand.INFO, WriteCommand.INFO, WritevCommand.INFO),
                        List.of(DiscardCommand.INFO, TruncateCommand.INFO, ReopenCommand.INFO),
                        AioCommands.all(),
                        ImageCommands.all(),
                        MapCommands.all(),
                        OpenCommands.all(),
                        DebugCommands.all(),
                        ProcessCommands.all())
                .flatMap(List::stream)
                .sorted((a, b) -> a.name().compareTo(b.name()))
                .toList();
    }
}
