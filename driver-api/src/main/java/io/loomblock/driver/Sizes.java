// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import java.io.Serial;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.OptionalLong;

/** Sizes as users write them ({@code 1.5G}, {@code 0x1000}, {@code 64k}) and as tools show them ({@code 4.5 KiB}). */
public final class Sizes {
    private static final String SUFFIXES = "BKMGTPE";
    private static final BigInteger UNSIGNED_LIMIT = BigInteger.ONE.shiftLeft(64);

    private Sizes() {}

    /** Why a text is not a size. */
    public enum Problem {
        /** Not a number with a suffix. */
        MALFORMED,
        /** Not below 2^64. */
        TOO_LARGE
    }

    /** A text that is not a size. */
    public static final class SizeException extends Exception {
        @Serial
        private static final long serialVersionUID = 1L;

        private final Problem problem;

        SizeException(Problem problem) {
            super(problem.name());
            this.problem = problem;
        }

        public Problem problem() {
            return problem;
        }
    }

    /**
     * Parses a size as QEMU does: decimal, with a fraction if a unit follows, or hexadecimal with {@code 0x}; then b, k, M, G, T,
     * P or E in either case, powers of 1024.
     *
     * @return the value as an unsigned number of 64 bits
     */
    public static long parseUnsigned(String text) throws SizeException {
        String number = skipSpaceAndPlus(text);
        return isHex(number) ? parseHex(number) : parseDecimal(number);
    }

    /** Parses a size that a file may have, 0 to 2^63-1; empty with a larger or malformed one. */
    public static OptionalLong parse(String text) {
        try {
            long value = parseUnsigned(text);
            return value < 0 ? OptionalLong.empty() : OptionalLong.of(value);
        } catch (SizeException e) {
            return OptionalLong.empty();
        }
    }

    /** Whether the text is a hexadecimal number with a unit, which QEMU accepts and warns about. */
    public static boolean isHexWithSuffix(String text) {
        String number = skipSpaceAndPlus(text);
        return isHex(number) && hexDigits(number) < number.length();
    }

    private static String skipSpaceAndPlus(String text) {
        int i = 0;
        while (i < text.length() && (text.charAt(i) == ' ' || (text.charAt(i) >= '\t' && text.charAt(i) <= '\r'))) {
            i++;
        }
        return text.substring(i < text.length() && text.charAt(i) == '+' ? i + 1 : i);
    }

    private static boolean isHex(String number) {
        return number.length() > 2
                && number.charAt(0) == '0'
                && (number.charAt(1) == 'x' || number.charAt(1) == 'X')
                && Character.digit(number.charAt(2), 16) >= 0;
    }

    /** Where the digits of a hexadecimal number end. */
    private static int hexDigits(String number) {
        int end = 2;
        while (end < number.length() && Character.digit(number.charAt(end), 16) >= 0) {
            end++;
        }
        return end;
    }

    private static long parseHex(String number) throws SizeException {
        int end = hexDigits(number);
        return scale(new BigDecimal(new BigInteger(number.substring(2, end), 16)), number.substring(end), false);
    }

    private static long parseDecimal(String number) throws SizeException {
        int whole = digits(number, 0);
        int end = whole;
        if (end < number.length() && number.charAt(end) == '.') {
            end = digits(number, end + 1);
        }
        boolean anyDigit = whole > 0 || end > whole + 1;
        if (!anyDigit) {
            throw new SizeException(Problem.MALFORMED);
        }
        String fraction = end > whole + 1 ? number.substring(whole, end) : "";
        BigDecimal value = new BigDecimal(number.substring(0, whole) + fraction);
        return scale(value, number.substring(end), value.stripTrailingZeros().scale() > 0);
    }

    private static int digits(String number, int from) {
        int end = from;
        while (end < number.length() && number.charAt(end) >= '0' && number.charAt(end) <= '9') {
            end++;
        }
        return end;
    }

    private static long scale(BigDecimal value, String suffix, boolean fractional) throws SizeException {
        int power = suffix.isEmpty() ? 0 : SUFFIXES.indexOf(Character.toUpperCase(suffix.charAt(0)));
        if (power < 0 || suffix.length() > 1 || (fractional && power == 0)) {
            throw new SizeException(Problem.MALFORMED);
        }
        BigInteger bytes = value.multiply(new BigDecimal(BigInteger.ONE.shiftLeft(10 * power)))
                .setScale(0, RoundingMode.HALF_UP)
                .toBigInteger();
        if (bytes.compareTo(UNSIGNED_LIMIT) >= 0) {
            throw new SizeException(Problem.TOO_LARGE);
        }
        return bytes.longValue();
    }

    /** A size for people: three significant digits and a binary unit, as C's {@code %.3g} rounds. */
    public static String human(long bytes) {
        int power = 0;
        // A unit is used from 1000 of the one below on, so that there are never four digits.
        while (power < SUFFIXES.length() - 1 && bytes >= 1000L << (10 * power)) {
            power++;
        }
        return threeDigits(bytes, power) + ' ' + (power == 0 ? "B" : SUFFIXES.charAt(power) + "iB");
    }

    private static String threeDigits(long bytes, int power) {
        BigDecimal value = new BigDecimal(bytes)
                .divide(new BigDecimal(1L << (10 * power)))
                .round(new MathContext(3, RoundingMode.HALF_EVEN))
                .stripTrailingZeros();
        if (value.precision() - value.scale() > 3) {
            return "1e+03";
        }
        return value.signum() == 0 ? "0" : value.toPlainString();
    }

    /** A number with two decimals, as C's {@code %.2f} rounds: from its exact value, a tie to the even digit. */
    public static String twoDecimals(double value) {
        return new BigDecimal(value).setScale(2, RoundingMode.HALF_EVEN).toPlainString();
    }

    /** Rounds up to whole sectors of 512 bytes, the unit in which QEMU counts images; a size near 2^63 is cut to the last sector. */
    public static long toSectors(long bytes) {
        return bytes > Long.MAX_VALUE - 511 ? Long.MAX_VALUE & ~511L : (bytes + 511) & ~511L;
    }
}
