// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Numbers as users of qemu-io write them: sizes with a suffix, pattern bytes, plain numbers in any C base. */
final class Numbers {
    private static final Pattern HEX = Pattern.compile("\\+?0[xX]([0-9a-fA-F]+)([bBkKmMgGtTpPeE]?)");
    private static final Pattern DECIMAL = Pattern.compile("\\+?(?=\\.?\\d)(\\d*)(\\.\\d*)?([bBkKmMgGtTpPeE]?)");
    private static final Pattern C_INTEGER = Pattern.compile("([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9]\\d*))");
    private static final String SUFFIXES = "BKMGTPE";
    private static final BigInteger MAX_LONG = BigInteger.valueOf(Long.MAX_VALUE);

    private Numbers() {}

    /**
     * A size in bytes, 0 to 2^63-1: decimal, with a fraction if there is a suffix that makes it a whole number of bytes, or
     * hexadecimal; suffixes count in steps of 1024.
     *
     * @param warnings where a suffix after a hexadecimal number is warned of
     * @param program the name that the warning begins with
     */
    static long size(String text, PrintStream warnings, String program) throws CommandRefused {
        Matcher hex = HEX.matcher(text);
        if (hex.matches()) {
            // A trailing b or e is a digit here, so what is left as a suffix is one.
            int shift = shift(group(hex, 2));
            if (shift > 0) {
                warnings.println(
                        program + ": warning: Using a multiplier suffix on hex numbers is deprecated: " + text);
            }
            return inRange(new BigInteger(group(hex, 1), 16).shiftLeft(shift), text);
        }
        Matcher decimal = DECIMAL.matcher(text);
        if (!decimal.matches()) {
            throw notANumber(text);
        }
        int shift = shift(group(decimal, 3));
        String whole = group(decimal, 1);
        BigInteger value = whole.isEmpty() ? BigInteger.ZERO : new BigInteger(whole);
        return inRange(value.shiftLeft(shift).add(fraction(group(decimal, 2), shift, text)), text);
    }

    /** A byte, 0 to 255, in decimal, octal or hexadecimal. */
    static byte pattern(String text) throws CommandRefused {
        long value = integer(text);
        if (value < 0 || value > 255) {
            throw new CommandRefused(text + " is not a valid pattern byte");
        }
        return (byte) value;
    }

    /** A number, 0 or more, in decimal, octal or hexadecimal. */
    static long natural(String text) throws CommandRefused {
        long value = integer(text);
        if (value < 0) {
            throw new CommandRefused(text + " is not a valid number");
        }
        return value;
    }

    /** What strtol(text, …, 0) gives, capped; -1 if that is negative or there is more text than number. */
    private static long integer(String text) {
        Matcher matcher = C_INTEGER.matcher(text);
        if (!matcher.matches() || group(matcher, 1).equals("-")) {
            return -1;
        }
        String hex = group(matcher, 2);
        String octal = group(matcher, 3);
        BigInteger value = !hex.isEmpty()
                ? new BigInteger(hex, 16)
                : !octal.isEmpty() ? new BigInteger(octal, 8) : new BigInteger(group(matcher, 4));
        return value.min(MAX_LONG).longValue();
    }

    /** Bytes that a fraction (".5") of a unit is, rounded to the nearest. */
    private static BigInteger fraction(String digits, int shift, String text) throws CommandRefused {
        if (digits.length() < 2) {
            return BigInteger.ZERO;
        }
        BigDecimal part = new BigDecimal("0" + digits);
        if (shift == 0 && part.signum() != 0) {
            throw notANumber(text);
        }
        // In floating point, as QEMU does it, so that long fractions come out the same.
        return BigInteger.valueOf((long) (part.doubleValue() * (1L << shift) + 0.5));
    }

    private static long inRange(BigInteger value, String text) throws CommandRefused {
        if (value.compareTo(MAX_LONG) > 0) {
            throw new CommandRefused("Parsing error: argument too large -- " + text);
        }
        return value.longValue();
    }

    private static int shift(String suffix) {
        return suffix.isEmpty() ? 0 : 10 * SUFFIXES.indexOf(suffix.toUpperCase(Locale.ROOT));
    }

    private static String group(Matcher matcher, int index) {
        String group = matcher.group(index);
        return group == null ? "" : group;
    }

    private static CommandRefused notANumber(String text) {
        return new CommandRefused("Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- " + text);
    }
}
