// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;

/** The lines that tell how a request went, and the figures in them, spelled as qemu-io spells them. */
final class Report {
    private static final double NANOS = 1e9;
    private static final String[] UNITS = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

    private Report() {}

    /**
     * Prints what a request did.
     *
     * @param operation read, wrote, discard
     * @param nanos how long it took
     * @param bytes how much was asked for, and done
     * @param parsable one line of plain figures instead of two to read
     */
    static void print(PrintStream out, String operation, long nanos, long offset, long bytes, boolean parsable) {
        double perSecond = NANOS / Math.max(1, nanos);
        if (parsable) {
            out.print(bytes + ",1," + duration(nanos, true) + "," + fixed(bytes * perSecond, 3) + ","
                    + fixed(perSecond, 3) + "\n");
            return;
        }
        out.print(operation + " " + bytes + "/" + bytes + " bytes at offset " + offset + "\n");
        out.print(size(bytes) + ", 1 ops; " + duration(nanos, false) + " (" + size(bytes * perSecond) + "/sec and "
                + fixed(perSecond, 4) + " ops/sec)\n");
    }

    /** A size in the largest unit that it fills, with up to three decimals. */
    static String size(double bytes) {
        String number;
        String unit;
        if (bytes < 1024) {
            number = fixed(bytes, 6);
            unit = " bytes";
        } else {
            int step = 0;
            double scaled = bytes / 1024;
            while (scaled >= 1024 && step + 1 < UNITS.length) {
                scaled /= 1024;
                step++;
            }
            number = fixed(scaled, 3);
            unit = " " + UNITS[step];
        }
        int zeros = number.indexOf(".000");
        return (zeros < 0 ? number : number.substring(0, zeros)) + unit;
    }

    private static String duration(long nanos, boolean verbose) {
        long seconds = nanos / 1_000_000_000;
        boolean clock = verbose || seconds >= 60;
        double shown = (clock ? seconds % 60 : seconds) + nanos % 1_000_000_000 / NANOS;
        String text = fixed(shown, 2);
        String padded = text.length() < 5 ? "0" + text : text;
        return clock
                ? String.format(Locale.ROOT, "%d:%02d:%s", seconds / 3600, seconds / 60 % 60, padded)
                : padded + " sec";
    }

    /** What C prints: the exact value of the double, ties to even. */
    private static String fixed(double value, int decimals) {
        return new BigDecimal(value).setScale(decimals, RoundingMode.HALF_EVEN).toPlainString();
    }
}
