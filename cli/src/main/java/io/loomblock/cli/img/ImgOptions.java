// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.CacheMode;
import io.loomblock.cli.Console;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.Sizes;
import io.loomblock.driver.Sizes.SizeException;

/** What the sub-commands' options have in common: the messages for misuse, and values that are sizes, cache modes or formats of output. */
final class ImgOptions {
    /** Values of long options without a letter. */
    static final int OUTPUT = 256;

    static final int OBJECT = 257;
    static final int IMAGE_OPTS = 258;

    private ImgOptions() {}

    /** The failure for {@link GetOpt#UNKNOWN} and {@link GetOpt#MISSING_ARGUMENT}. */
    static ToolException misuse(int option, GetOpt options) {
        String word = options.offender();
        return ToolException.usage(
                option == GetOpt.MISSING_ARGUMENT
                        ? "missing argument for option '" + word + "'"
                        : "unrecognized option '" + word + "'");
    }

    /** The failure for an option of QEMU's that these tools do not have. */
    static ToolException unsupported(String option) {
        return ToolException.failure(option + " is not supported");
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
        warnHexSuffix(text, console);
        try {
            long value = Sizes.parseUnsigned(text);
            if (value >= 0) {
                return value;
            }
        } catch (SizeException e) {
            if (e.problem() == Sizes.Problem.MALFORMED) {
                throw ToolException.failure("Invalid " + what
                        + " specified. You may use k, M, G, T, P or E suffixes for\n"
                        + console.prog() + ": kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
            }
        }
        throw ToolException.failure("Invalid " + what + " specified. Must be between 0 and " + Long.MAX_VALUE + ".");
    }

    /** A size that is the value of a parameter: 0 to 2^64-1, as an unsigned number. */
    static long parameterSize(String name, String text, Console console) throws ToolException {
        warnHexSuffix(text, console);
        try {
            return Sizes.parseUnsigned(text);
        } catch (SizeException e) {
            throw ToolException.failure(
                    e.problem() == Sizes.Problem.TOO_LARGE
                            ? "Value '" + text + "' is out of range for parameter '" + name + "'"
                            : "Parameter '" + name + "' expects a non-negative number below 2^64\n"
                                    + "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\n"
                                    + "and exabytes, respectively.");
        }
    }

    private static void warnHexSuffix(String text, Console console) {
        if (Sizes.isHexWithSuffix(text)) {
            console.warning("Using a multiplier suffix on hex numbers is deprecated: " + text);
        }
    }
}
