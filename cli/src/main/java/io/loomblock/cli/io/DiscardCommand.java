// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import java.util.List;

/** {@code discard}: tells that a range is not needed any more. */
final class DiscardCommand {
    static final CommandInfo INFO = new CommandInfo(
                    "discard",
                    CommandInfo.Needs.WRITABLE_IMAGE,
                    2,
                    CommandInfo.ANY,
                    "discards a number of bytes at a specified offset",
                    call -> new DiscardCommand(call).run())
            .withAlias("d")
            .withArguments("[-Cq] off len")
            .withDetails("""

                     'discard 512 1k' gives up the kilobyte that starts 512 bytes into the disk.

                     -C       figures for programs: bytes,ops,time,bytes/sec,ops/sec
                     -q       no figures

                    """);

    private final Invocation call;
    private boolean parsable;
    private boolean quiet;

    private DiscardCommand(Invocation call) {
        this.call = call;
    }

    private void option(char option, String value) {
        switch (option) {
            case 'C' -> parsable = true;
            case 'q' -> quiet = true;
            default -> throw new IllegalArgumentException("option " + option);
        }
    }

    private void run() throws CommandRefused {
        List<String> operands = call.options("Cq", this::option);
        if (operands.size() != 2) {
            throw call.usage();
        }
        long offset = call.size(operands.get(0));
        long bytes = Ranges.length(call, operands.get(1), "");
        long start = System.nanoTime();
        try {
            call.device().discard(offset, bytes);
        } catch (BlockException e) {
            throw new CommandRefused("discard failed: " + e.errno().text());
        }
        if (!quiet) {
            Report.print(call.out(), "discard", System.nanoTime() - start, offset, bytes, parsable);
        }
    }
}
