// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.memory.IoVector;
import java.io.PrintStream;
import java.util.List;

/** One {@code aio_read}. */
final class AioRead {
    private final Invocation call;
    private final ReadCheck check = new ReadCheck();
    private boolean invalid;

    AioRead(Invocation call) {
        this.call = call;
    }

    void run() throws CommandRefused {
        List<String> operands = call.options("CiP:qv", (option, value) -> {
            if (option == 'i') {
                invalid = true;
            } else if (!invalid) {
                check.option(option, value);
            }
        });
        if (invalid) {
            // QEMU counts it in statistics that only a guest's monitor can show.
            call.out().print("injecting invalid read request\n");
            return;
        }
        if (operands.size() < 2) {
            throw call.usage();
        }
        long offset = call.size(operands.get(0));
        List<Long> lengths = Ranges.lengths(call, operands.subList(1, operands.size()));
        BlockDevice device = call.device();
        PrintStream out = call.out();
        try {
            IoVector buffer =
                    Buffers.allocate(lengths, Buffers.READ_FILL, call.session().misaligned());
            long start = System.nanoTime();
            call.session().background().start(() -> {
                try {
                    device.read(offset, buffer);
                } catch (BlockException e) {
                    return () -> failed(out, e);
                }
                long nanos = System.nanoTime() - start;
                return () -> report(out, buffer, offset, nanos);
            });
        } catch (BlockException e) {
            failed(out, e);
            call.fail();
        }
    }

    private void report(PrintStream out, IoVector buffer, long offset, long nanos) {
        try {
            check.report(out, buffer, offset, nanos);
        } catch (BlockException e) {
            failed(out, e);
        }
    }

    private static void failed(PrintStream out, BlockException e) {
        out.print("readv failed: " + e.errno().text() + "\n");
    }
}
