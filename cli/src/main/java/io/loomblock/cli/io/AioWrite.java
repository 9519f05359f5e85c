// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.driver.BlockAction;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.IoVector;
import java.io.PrintStream;
import java.util.List;

/** One {@code aio_write}. */
final class AioWrite {
    private final Invocation call;
    private boolean invalid;
    private boolean parsable;
    private boolean quiet;
    private boolean zeroes;
    private byte pattern = Buffers.WRITE_FILL;
    private int flags;

    AioWrite(Invocation call) {
        this.call = call;
    }

    private void option(char option, String value) throws CommandRefused {
        switch (option) {
            case 'C' -> parsable = true;
            case 'f' -> flags |= RequestFlags.FUA;
            case 'i' -> invalid = true;
            // With -z it is ignored, as QEMU does.
            case 'P' -> pattern = Numbers.pattern(value);
            case 'q' -> quiet = true;
            case 'u' -> flags |= RequestFlags.MAY_UNMAP;
            case 'z' -> zeroes = true;
            default -> throw new IllegalArgumentException("option " + option);
        }
    }

    void run() throws CommandRefused {
        List<String> operands = call.options("CfiP:quz", this::option);
        if (invalid) {
            // QEMU counts it in statistics that only a guest's monitor can show.
            call.out().print("injecting invalid write request\n");
            return;
        }
        if (operands.size() < 2) {
            throw call.usage();
        }
        checkCombination(operands.size() - 1);
        long offset = call.size(operands.get(0));
        try {
            if (zeroes) {
                startZeroes(offset, call.size(operands.get(1)));
            } else {
                startData(offset, Ranges.lengths(call, operands.subList(1, operands.size())));
            }
        } catch (BlockException e) {
            throw new CommandRefused("aio_write failed: " + e.errno().text());
        }
    }

    private void checkCombination(int lengths) throws CommandRefused {
        if (zeroes && lengths != 1) {
            throw new CommandRefused("-z supports only a single length parameter");
        }
        if ((flags & RequestFlags.MAY_UNMAP) != 0 && !zeroes) {
            throw new CommandRefused("-u requires -z to be specified");
        }
    }

    private void startZeroes(long offset, long bytes) {
        BlockDevice device = call.device();
        start(offset, bytes, () -> device.writeZeroes(offset, bytes, flags));
    }

    private void startData(long offset, List<Long> lengths) throws BlockException {
        BlockDevice device = call.device();
        IoVector buffer = Buffers.allocate(lengths, pattern, call.session().misaligned());
        start(offset, buffer.size(), () -> device.write(offset, buffer.size(), buffer, 0, flags));
    }

    private void start(long offset, long bytes, BlockAction work) {
        PrintStream out = call.out();
        long start = System.nanoTime();
        call.session().background().start(() -> {
            try {
                work.run();
            } catch (BlockException e) {
                return () -> out.print("aio_write failed: " + e.errno().text() + "\n");
            }
            long nanos = System.nanoTime() - start;
            return () -> {
                if (!quiet) {
                    Report.print(out, "wrote", nanos, offset, bytes, parsable);
                }
            };
        });
    }
}
