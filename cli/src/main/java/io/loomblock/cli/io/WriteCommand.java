// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.IoVector;
import java.util.List;

/** {@code write}: writes a range with a byte, with what a file holds, or as zeros. */
final class WriteCommand {
    static final CommandInfo INFO = new CommandInfo(
                    "write",
                    CommandInfo.Needs.WRITABLE_IMAGE,
                    2,
                    CommandInfo.ANY,
                    "writes a number of bytes at a specified offset",
                    call -> new WriteCommand(call).run())
            .withAlias("w")
            .withArguments("[-bcCfnquz] [-P pattern | -s source_file] off len")
            .withDetails("""

                     'write 512 1k' writes a kilobyte of 0xcd, 512 bytes into the disk.

                     -b       to the VM state instead of the disk
                     -c       compressed
                     -C       figures for programs: bytes,ops,time,bytes/sec,ops/sec
                     -f       durable at once (force unit access)
                     -n       with -z: fail rather than write zeros one by one
                     -p       accepted, without effect
                     -P BYTE  write this byte
                     -q       no figures
                     -s FILE  write what this file holds, over and over
                     -u       with -z: space may be given back
                     -z       make the range read as zeros

                    """);

    private final Invocation call;
    private boolean vmState;
    private boolean compressed;
    private boolean parsable;
    private boolean quiet;
    private boolean zeroes;
    private boolean patternGiven;
    private byte pattern = Buffers.WRITE_FILL;
    private String sourceFile = "";
    private int flags;

    private WriteCommand(Invocation call) {
        this.call = call;
    }

    private void option(char option, String value) throws CommandRefused {
        switch (option) {
            case 'b' -> vmState = true;
            case 'c' -> compressed = true;
            case 'C' -> parsable = true;
            case 'f' -> flags |= RequestFlags.FUA;
            case 'n' -> flags |= RequestFlags.NO_FALLBACK;
            case 'P' -> {
                patternGiven = true;
                pattern = Numbers.pattern(value);
            }
            case 'q' -> quiet = true;
            case 's' -> sourceFile = value;
            case 'u' -> flags |= RequestFlags.MAY_UNMAP;
            case 'z' -> zeroes = true;
            default -> {
                // -p means nothing any more
            }
        }
    }

    private void run() throws CommandRefused {
        List<String> operands = call.options("bcCfnpP:qs:uz", this::option);
        if (operands.size() != 2) {
            throw call.usage();
        }
        checkCombination();
        long offset = call.size(operands.get(0));
        long bytes = (flags & RequestFlags.NO_FALLBACK) != 0
                ? call.size(operands.get(1))
                : Ranges.length(call, operands.get(1), " without -n");
        if (vmState || compressed) {
            Ranges.requireSectors(offset, bytes);
        }
        try {
            byte[] content = sourceFile.isEmpty() ? new byte[0] : PatternFile.read(sourceFile, (int) bytes);
            perform(offset, bytes, content);
        } catch (PatternFile.Unusable e) {
            call.session().err().println(e.getMessage());
            call.fail();
        } catch (BlockException e) {
            throw new CommandRefused("write failed: " + e.errno().text());
        }
    }

    private void checkCombination() throws CommandRefused {
        if (vmState && zeroes) {
            throw new CommandRefused("-b and -z cannot be specified at the same time");
        }
        if ((flags & RequestFlags.FUA) != 0 && (vmState || compressed)) {
            throw new CommandRefused("-f and -b or -c cannot be specified at the same time");
        }
        if ((flags & RequestFlags.NO_FALLBACK) != 0 && !zeroes) {
            throw new CommandRefused("-n requires -z to be specified");
        }
        if ((flags & RequestFlags.MAY_UNMAP) != 0 && !zeroes) {
            throw new CommandRefused("-u requires -z to be specified");
        }
        int contents = (zeroes ? 1 : 0) + (patternGiven ? 1 : 0) + (sourceFile.isEmpty() ? 0 : 1);
        if (contents > 1) {
            throw new CommandRefused("Only one of -z, -P, and -s can be specified at the same time");
        }
    }

    private void perform(long offset, long bytes, byte[] content) throws BlockException {
        if (vmState || compressed) {
            throw new BlockException(Errno.ENOTSUP);
        }
        long nanos = zeroes ? writeZeroes(offset, bytes) : writeData(offset, bytes, content);
        if (!quiet) {
            Report.print(call.out(), "wrote", nanos, offset, bytes, parsable);
        }
    }

    private long writeZeroes(long offset, long bytes) throws BlockException {
        long start = System.nanoTime();
        call.device().writeZeroes(offset, bytes, flags);
        return System.nanoTime() - start;
    }

    private long writeData(long offset, long bytes, byte[] content) throws BlockException {
        IoVector buffer = Buffers.allocate(bytes, pattern, call.session().misaligned());
        if (content.length > 0) {
            Buffers.fillWith(buffer, content);
        }
        long start = System.nanoTime();
        call.device().write(offset, (int) bytes, buffer, 0, flags);
        return System.nanoTime() - start;
    }
}
