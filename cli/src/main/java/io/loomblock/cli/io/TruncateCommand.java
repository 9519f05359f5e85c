// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import io.loomblock.PreallocationMode;
import java.util.List;

/** {@code truncate}: sets the size of the disk. */
final class TruncateCommand {
    static final CommandInfo INFO = new CommandInfo(
                    "truncate",
                    CommandInfo.Needs.WRITABLE_IMAGE,
                    1,
                    3,
                    "truncates the current file at the given offset",
                    call -> new TruncateCommand(call).run())
            .withAlias("t")
            .withArguments("[-m prealloc_mode] off");

    private final Invocation call;
    private PreallocationMode preallocation = PreallocationMode.OFF;

    private TruncateCommand(Invocation call) {
        this.call = call;
    }

    private void option(char option, String value) {
        for (PreallocationMode mode : PreallocationMode.values()) {
            if (mode.optionName().equals(value)) {
                preallocation = mode;
                return;
            }
        }
        call.error("Invalid preallocation mode '" + value + "'");
    }

    private void run() throws CommandRefused {
        List<String> operands = call.options("m:", this::option);
        if (call.failed()) {
            return;
        }
        if (operands.isEmpty()) {
            throw call.usage();
        }
        long length = call.size(operands.get(0));
        try {
            call.device().truncate(length, false, preallocation);
        } catch (BlockException e) {
            call.error(e.reason());
        }
    }
}
