// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.IoVector;
import java.util.List;

/** {@code writev}: writes a range out of several pieces of memory. */
final class WritevCommand {
    static final CommandInfo INFO = new CommandInfo(
                    "writev",
                    CommandInfo.Needs.WRITABLE_IMAGE,
                    2,
                    CommandInfo.ANY,
                    "writes a number of bytes at a specified offset",
                    call -> new WritevCommand(call).run())
            .withArguments("[-Cfq] [-P pattern] off len [len..]")
            .withDetails("""

                     'writev 512 1k 1k' writes two kilobytes of 0xcd, 512 bytes into the disk; each length is a piece of
                     memory of its own.

                     -C       figures for programs: bytes,ops,time,bytes/sec,ops/sec
                     -f       durable at once (force unit access)
                     -P BYTE  write this byte
                     -q       no figures

                    """);

    private final Invocation call;
    private boolean parsable;
    private boolean quiet;
    private byte pattern = Buffers.WRITE_FILL;
    private int flags;

    private WritevCommand(Invocation call) {
        this.call = call;
    }

    private void option(char option, String value) throws CommandRefused {
        switch (option) {
            case 'C' -> parsable = true;
            case 'f' -> flags |= RequestFlags.FUA;
            case 'P' -> pattern = Numbers.pattern(value);
            case 'q' -> quiet = true;
            default -> throw new IllegalArgumentException("option " + option);
        }
    }

    private void run() throws CommandRefused {
        List<String> operands = call.options("CfP:q", this::option);
        if (operands.size() < 2) {
            throw call.usage();
        }
        long offset = call.size(operands.get(0));
        List<Long> lengths = Ranges.lengths(call, operands.subList(1, operands.size()));
        try {
            IoVector buffer = Buffers.allocate(lengths, pattern, call.session().misaligned());
            long start = System.nanoTime();
            call.device().write(offset, buffer.size(), buffer, 0, flags);
            long nanos = System.nanoTime() - start;
            if (!quiet) {
                Report.print(call.out(), "wrote", nanos, offset, buffer.size(), parsable);
            }
        } catch (BlockException e) {
            throw new CommandRefused("writev failed: " + e.errno().text());
        }
    }
}
