// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import io.loomblock.memory.IoVector;
import java.util.List;

/** {@code readv}: reads a range into several pieces of memory. */
final class ReadvCommand {
    static final CommandInfo INFO = new CommandInfo(
                    "readv",
                    CommandInfo.Needs.IMAGE,
                    2,
                    CommandInfo.ANY,
                    "reads a number of bytes at a specified offset",
                    call -> new ReadvCommand(call).run())
            .withArguments("[-Cqv] [-P pattern] off len [len..]")
            .withDetails("""

                     'readv -v 512 1k 1k' shows the two kilobytes that start 512 bytes into the disk; each length is a
                     piece of memory of its own.

                     -C       figures for programs: bytes,ops,time,bytes/sec,ops/sec
                     -P BYTE  every byte must be this one
                     -q       no figures
                     -v       dump what was read

                    """);

    private final Invocation call;
    private final ReadCheck check = new ReadCheck();

    private ReadvCommand(Invocation call) {
        this.call = call;
    }

    private void run() throws CommandRefused {
        List<String> operands = call.options("CP:qv", check::option);
        if (operands.size() < 2) {
            throw call.usage();
        }
        long offset = call.size(operands.get(0));
        List<Long> lengths = Ranges.lengths(call, operands.subList(1, operands.size()));
        try {
            IoVector buffer =
                    Buffers.allocate(lengths, Buffers.READ_FILL, call.session().misaligned());
            long start = System.nanoTime();
            call.device().read(offset, buffer);
            long nanos = System.nanoTime() - start;
            if (!check.report(call.out(), buffer, offset, nanos)) {
                call.fail();
            }
        } catch (BlockException e) {
            throw new CommandRefused("readv failed: " + e.errno().text());
        }
    }
}
