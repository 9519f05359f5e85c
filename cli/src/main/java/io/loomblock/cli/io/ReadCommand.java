// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.IoVector;
import java.util.List;

/** {@code read}: reads a range, and may compare a part of it with a byte or dump it. */
final class ReadCommand {
    static final CommandInfo INFO = new CommandInfo(
                    "read",
                    CommandInfo.Needs.IMAGE,
                    2,
                    CommandInfo.ANY,
                    "reads a number of bytes at a specified offset",
                    call -> new ReadCommand(call).run())
            .withAlias("r")
            .withArguments("[-abCqv] [-P pattern [-s off] [-l len]] off len")
            .withDetails("""

                     'read -v 512 1k' shows the kilobyte that starts 512 bytes into the disk.

                     -b       from the VM state instead of the disk
                     -C       figures for programs: bytes,ops,time,bytes/sec,ops/sec
                     -l LEN   with -P: compare only so many bytes
                     -p       accepted, without effect
                     -P BYTE  every byte must be this one
                     -q       no figures
                     -s OFF   with -P: compare from this offset in the range on
                     -v       dump what was read

                    """);

    private final Invocation call;
    private boolean vmState;
    private boolean parsable;
    private boolean quiet;
    private boolean verbose;
    private boolean compare;
    private byte pattern;
    private boolean partial;
    private long compareFrom;
    private long compareLength = -1;

    private ReadCommand(Invocation call) {
        this.call = call;
    }

    private void option(char option, String value) throws CommandRefused {
        switch (option) {
            case 'b' -> vmState = true;
            case 'C' -> parsable = true;
            case 'l' -> {
                partial = true;
                compareLength = call.size(value);
            }
            case 'P' -> {
                compare = true;
                pattern = Numbers.pattern(value);
            }
            case 'q' -> quiet = true;
            case 's' -> {
                partial = true;
                compareFrom = call.size(value);
            }
            case 'v' -> verbose = true;
            default -> {
                // -p means nothing any more
            }
        }
    }

    private void run() throws CommandRefused {
        List<String> operands = call.options("bCl:pP:qs:v", this::option);
        if (operands.size() != 2) {
            throw call.usage();
        }
        long offset = call.size(operands.get(0));
        long bytes = Ranges.length(call, operands.get(1), "");
        if (partial && !compare) {
            throw call.usage();
        }
        if (compareLength < 0) {
            compareLength = bytes - compareFrom;
        }
        if (compareLength < 0 || compareLength > bytes - compareFrom) {
            throw new CommandRefused("pattern verification range exceeds end of read data");
        }
        if (vmState) {
            Ranges.requireSectors(offset, bytes);
        }
        try {
            perform(offset, bytes);
        } catch (BlockException e) {
            throw new CommandRefused("read failed: " + e.errno().text());
        }
    }

    private void perform(long offset, long bytes) throws BlockException {
        if (vmState) {
            throw new BlockException(Errno.ENOTSUP);
        }
        IoVector buffer =
                Buffers.allocate(bytes, Buffers.READ_FILL, call.session().misaligned());
        long start = System.nanoTime();
        call.device().read(offset, buffer);
        long nanos = System.nanoTime() - start;
        if (compare && !Buffers.isFilledWith(buffer, (int) compareFrom, (int) compareLength, pattern)) {
            call.fail("Pattern verification failed at offset " + (offset + compareFrom) + ", " + compareLength
                    + " bytes");
        }
        if (quiet) {
            return;
        }
        if (verbose) {
            Buffers.dump(call.out(), buffer, offset);
        }
        Report.print(call.out(), "read", nanos, offset, bytes, parsable);
    }
}
