// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import io.loomblock.memory.IoVector;
import java.io.PrintStream;

/** What to do with data that a vectored read brought: compare it with a byte, dump it, report. */
final class ReadCheck {
    private boolean parsable;
    private boolean quiet;
    private boolean verbose;
    private boolean compare;
    private byte pattern;

    /** Takes the options that vectored reads share. */
    void option(char option, String value) throws CommandRefused {
        switch (option) {
            case 'C' -> parsable = true;
            case 'P' -> {
                compare = true;
                pattern = Numbers.pattern(value);
            }
            case 'q' -> quiet = true;
            case 'v' -> verbose = true;
            default -> throw new IllegalArgumentException("option " + option);
        }
    }

    /** Compares and prints; returns false if the data is not what it should be. */
    boolean report(PrintStream out, IoVector data, long offset, long nanos) throws BlockException {
        boolean matches = !compare || Buffers.isFilledWith(data, 0, data.size(), pattern);
        if (!matches) {
            out.print("Pattern verification failed at offset " + offset + ", " + data.size() + " bytes\n");
        }
        if (!quiet) {
            if (verbose) {
                Buffers.dump(out, data, offset);
            }
            Report.print(out, "read", nanos, offset, data.size(), parsable);
        }
        return matches;
    }
}
