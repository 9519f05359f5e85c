// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.driver.Sizes;
import io.loomblock.driver.Sizes.SizeException;
import java.io.PrintStream;
import java.math.BigInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Numbers as users of qemu-io write them: sizes with a suffix, pattern bytes, plain numbers in any C base. */
final class Numbers {
    private static final Pattern C_INTEGER = Pattern.compile("([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9]\\d*))");
    private static final BigInteger MAX_LONG = BigInteger.valueOf(Long.MAX_VALUE);

    private Numbers() {}

    /**
     * A size in bytes, 0 to 2^63-1.
     *
     * @param warnings where a suffix after a hexadecimal number is warned of
     * @param program the name that the warning begins with
     */
    static long size(String text, PrintStream warnings, String program) throws CommandRefused {
        long value;
        try {
            value = Sizes.parseUnsigned(text);
        } catch (SizeException e) {
            throw e.problem() == Sizes.Problem.TOO_LARGE ? tooLarge(text) : notANumber(text);
        }
        if (value < 0) {
            throw tooLarge(text);
        }
        if (Sizes.isHexWithSuffix(text)) {
            warnings.println(program + ": warning: Using a multiplier suffix on hex numbers is deprecated: " + text);
        }
        return value;
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

    private static CommandRefused tooLarge(String text) {
        return new CommandRefused("Parsing error: argument too large -- " + text);
    }

    private static String group(Matcher matcher, int index) {
        String group = matcher.group(index);
        return group == null ? "" : group;
    }

    private static CommandRefused notANumber(String text) {
        return new CommandRefused("Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- " + text);
    }
}
