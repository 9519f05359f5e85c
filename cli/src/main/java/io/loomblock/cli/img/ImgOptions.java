// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.cli.Console;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.OptionValues;
import io.loomblock.driver.Sizes;
import io.loomblock.driver.Sizes.SizeException;

/** What the sub-commands' options have in common: the messages for misuse, and values that are sizes, cache modes or formats of output. */
final class ImgOptions {
    /** Values of long options without a letter. */
    static final int OUTPUT = 256;

    static final int OBJECT = 257;
    static final int IMAGE_OPTS = 258;

    private ImgOptions() {}

    /** The failure for {@link GetOpt#UNKNOWN}, {@link GetOpt#MISSING_ARGUMENT} and options of QEMU's that these tools do not have. */
    static ToolException misuse(int option, GetOpt options) {
        String word = options.offender();
        return switch (option) {
            // Secrets, throttle groups and the like live in QEMU's object model.
            case OBJECT -> ToolException.failure("--object is not supported");
            case GetOpt.MISSING_ARGUMENT -> ToolException.usage("missing argument for option '" + word + "'");
            default -> ToolException.usage("unrecognized option '" + word + "'");
        };
    }

    /** The one image that a command is about. */
    static String operand(GetOpt options) throws ToolException {
        String[] operands = options.operands();
        if (operands.length != 1) {
            throw ToolException.usage("Expecting one image file name");
        }
        return operands[0];
    }

    /** Whether {@code --output} asks for JSON. */
    static boolean isJson(String output) throws ToolException {
        return switch (output) {
            case "json" -> true;
            case "human" -> false;
            default -> throw ToolException.failure("--output must be used with human or json as argument.");
        };
    }

    /** The cache mode {@code name}; {@code what} names it in the message. */
    static CacheMode cache(String name, String what) throws ToolException {
        return cache(name, what, ToolException.FAILURE);
    }

    static CacheMode cache(String name, String what, int exitCode) throws ToolException {
        try {
            return CacheMode.ofName(name);
        } catch (IllegalArgumentException e) {
            throw ToolException.failure("Invalid " + what + " option: " + name, exitCode, e);
        }
    }

    /** A size from 0 to 2^63-1; {@code what} names it in the message. */
    static long size(String text, String what, Console console) throws ToolException {
        return size(text, Long.MAX_VALUE, what, console);
    }

    /** A size from 0 to {@code max}; {@code what} names it in the message. */
    static long size(String text, long max, String what, Console console) throws ToolException {
        warnHexSuffix(text, console);
        try {
            long value = Sizes.parseUnsigned(text);
            if (value >= 0 && value <= max) {
                return value;
            }
        } catch (SizeException e) {
            if (e.problem() == Sizes.Problem.MALFORMED) {
                throw ToolException.failure("Invalid " + what
                        + " specified. You may use k, M, G, T, P or E suffixes for\n"
                        + console.prog() + ": kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
            }
        }
        throw ToolException.failure("Invalid " + what + " specified. Must be between 0 and " + max + ".");
    }

    /** A number from 0 to {@code max}, decimal, hexadecimal or octal as in C; {@code what} names it in the message. */
    static int number(String text, int max, String what) throws ToolException {
        try {
            // As strtoul: hexadecimal after 0x only, blanks before it.
            long value = Long.decode(text.replace('#', '?').stripLeading());
            if (value >= 0 && value <= max) {
                return (int) value;
            }
        } catch (NumberFormatException e) {
            throw ToolException.failure("Invalid " + what + " specified", ToolException.FAILURE, e);
        }
        throw ToolException.failure("Invalid " + what + " specified");
    }

    /** A size that is the value of a parameter: 0 to 2^64-1, as an unsigned number. */
    static long parameterSize(String name, String text, Console console) throws ToolException {
        warnHexSuffix(text, console);
        try {
            return OptionValues.parseSize(name, text);
        } catch (BlockException e) {
            throw ToolException.failure(e.reason(), ToolException.FAILURE, e);
        }
    }

    private static void warnHexSuffix(String text, Console console) {
        if (Sizes.isHexWithSuffix(text)) {
            console.warning("Using a multiplier suffix on hex numbers is deprecated: " + text);
        }
    }
}
