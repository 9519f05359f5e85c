// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Parses a command line as getopt_long of the GNU C library does, so that scripts written for QEMU's tools keep working: clustered
 * short options, unique prefixes of long ones, operands between options, {@code --}.
 *
 * <p>The array of arguments is reordered while it is read: when {@link #next} has returned {@link #END}, the operands are the
 * elements from {@link #index} on. Element 0 is the command's name and is not looked at. For one thread.
 */
public final class GetOpt {
    /** There are no more options. */
    public static final int END = -1;
    /** An option that is not known, or a prefix of several, or one that was given an argument it does not take. */
    public static final int UNKNOWN = '?';
    /** An option came without its argument. */
    public static final int MISSING_ARGUMENT = ':';

    /**
     * A long option.
     *
     * @param name without the dashes
     * @param hasArgument whether it takes one
     * @param value what {@link #next} returns for it
     */
    public record LongOption(String name, boolean hasArgument, int value) {
        /** An option without an argument. */
        public static LongOption flag(String name, int value) {
            return new LongOption(name, false, value);
        }

        /** An option with one. */
        public static LongOption valued(String name, int value) {
            return new LongOption(name, true, value);
        }
    }

    private final String[] args;
    private final String shortOptions;
    private final LongOption[] longOptions;
    private final boolean permute;

    private int index = 1;
    /** Operands that were skipped lie in [firstOperand, endOperand); they move behind the options. */
    private int firstOperand = 1;

    private int endOperand = 1;
    /** What is left of a cluster of short options. */
    private String cluster = "";

    private @Nullable String argument;
    private String complaint = "";

    /**
     * @param args element 0 is the command's name; reordered by this parser
     * @param shortOptions each letter followed by ':' if it takes an argument; a leading '+' stops at the first operand
     */
    public GetOpt(String[] args, String shortOptions, LongOption... longOptions) {
        this.args = args;
        this.permute = !shortOptions.startsWith("+");
        this.shortOptions = permute ? shortOptions : shortOptions.substring(1);
        this.longOptions = longOptions;
    }

    /** The next option: its letter, or the value of the long option; {@link #END}, {@link #UNKNOWN}, {@link #MISSING_ARGUMENT}. */
    public int next() {
        argument = null;
        if (cluster.isEmpty()) {
            if (!advance()) {
                return END;
            }
            String word = args[index];
            if (word.startsWith("--") && longOptions.length > 0) {
                index++;
                return longOption(word.substring(2));
            }
            cluster = word.substring(1);
        }
        return shortOption();
    }

    /** The argument of the option that was returned last; only for options that take one. */
    public String argument() {
        if (argument == null) {
            throw new IllegalStateException("the option takes no argument");
        }
        return argument;
    }

    /** The index of the next element to look at; after {@link #END}, of the first operand. */
    public int index() {
        return index;
    }

    /** The element that messages about the option returned last name, as QEMU's tools do. */
    public String offender() {
        return args[index - 1];
    }

    /** After {@link #UNKNOWN} or {@link #MISSING_ARGUMENT}: what the C library says about it, after the name of the command. */
    public String complaint() {
        return complaint;
    }

    /** After {@link #END}: the operands. */
    public String[] operands() {
        return Arrays.copyOfRange(args, index, args.length);
    }

    /** Moves {@link #index} to the next word that is an option; false if there is none. */
    private boolean advance() {
        if (permute) {
            moveOperands();
            while (index < args.length && !isOption(args[index])) {
                index++;
            }
            endOperand = index;
        }
        if (index < args.length && args[index].equals("--")) {
            index++;
            moveOperands();
            endOperand = args.length;
            index = args.length;
        }
        if (index >= args.length) {
            if (firstOperand != endOperand) {
                index = firstOperand;
            }
            return false;
        }
        return isOption(args[index]);
    }

    /** Swaps the operands that were skipped with the options that were read after them. */
    private void moveOperands() {
        if (firstOperand == endOperand) {
            firstOperand = index;
        } else if (endOperand != index) {
            String[] operands = Arrays.copyOfRange(args, firstOperand, endOperand);
            int options = index - endOperand;
            System.arraycopy(args, endOperand, args, firstOperand, options);
            System.arraycopy(operands, 0, args, firstOperand + options, operands.length);
            firstOperand += options;
        }
        endOperand = index;
    }

    private static boolean isOption(String word) {
        return word.length() > 1 && word.charAt(0) == '-';
    }

    private int longOption(String word) {
        int equals = word.indexOf('=');
        String name = equals < 0 ? word : word.substring(0, equals);
        LongOption option = find(name);
        if (option == null) {
            complaint = notFound(name);
            return UNKNOWN;
        }
        if (equals >= 0 && !option.hasArgument) {
            complaint = "option '--" + option.name + "' doesn't allow an argument";
            return UNKNOWN;
        }
        if (equals >= 0) {
            argument = word.substring(equals + 1);
        } else if (option.hasArgument && !takeNextWord()) {
            complaint = "option '--" + option.name + "' requires an argument";
            return MISSING_ARGUMENT;
        }
        return option.value;
    }

    private @Nullable LongOption find(String name) {
        LongOption found = null;
        for (LongOption option : longOptions) {
            if (option.name.equals(name)) {
                return option;
            }
            if (option.name.startsWith(name)) {
                if (found != null && (found.value != option.value || found.hasArgument != option.hasArgument)) {
                    // Ambiguous, unless an exact match is still to come.
                    return exact(name);
                }
                found = option;
            }
        }
        return found;
    }

    private @Nullable LongOption exact(String name) {
        for (LongOption option : longOptions) {
            if (option.name.equals(name)) {
                return option;
            }
        }
        return null;
    }

    private String notFound(String name) {
        StringBuilder candidates = new StringBuilder();
        for (LongOption option : longOptions) {
            if (option.name.startsWith(name)) {
                candidates.append(" '--").append(option.name).append('\'');
            }
        }
        return candidates.isEmpty()
                ? "unrecognized option '--" + name + "'"
                : "option '--" + name + "' is ambiguous; possibilities:" + candidates;
    }

    private int shortOption() {
        char letter = cluster.charAt(0);
        cluster = cluster.substring(1);
        if (cluster.isEmpty()) {
            index++;
        }
        int at = letter == ':' || letter == ';' ? -1 : shortOptions.indexOf(letter);
        if (at < 0) {
            complaint = "invalid option -- '" + letter + "'";
            return UNKNOWN;
        }
        if (at + 1 < shortOptions.length() && shortOptions.charAt(at + 1) == ':') {
            if (!cluster.isEmpty()) {
                argument = cluster;
                cluster = "";
                index++;
            } else if (!takeNextWord()) {
                complaint = "option requires an argument -- '" + letter + "'";
                return MISSING_ARGUMENT;
            }
        }
        return letter;
    }

    private boolean takeNextWord() {
        if (index >= args.length) {
            return false;
        }
        argument = args[index++];
        return true;
    }
}
