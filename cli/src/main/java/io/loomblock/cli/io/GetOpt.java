// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.io.Serial;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Takes options off an argument list as glibc's getopt and getopt_long do: short options may be bundled, options may follow operands,
 * {@code --} ends them, long ones may be shortened while they stay unambiguous. The messages are glibc's.
 */
final class GetOpt {
    /** What {@link #next} returns after the last option. */
    static final char END = 0;

    /**
     * A long option.
     *
     * @param name without the dashes
     * @param takesValue whether it must have a value; otherwise it must not
     * @param option what {@link #next} returns for it
     */
    record LongOption(String name, boolean takesValue, char option) {
        static LongOption flag(String name, char option) {
            return new LongOption(name, false, option);
        }

        static LongOption value(String name, char option) {
            return new LongOption(name, true, option);
        }
    }

    /** The arguments are not what the options allow; the message is the line for standard error. */
    static final class BadOption extends Exception {
        @Serial
        private static final long serialVersionUID = 1L;

        BadOption(String message) {
            super(message, null, false, false);
        }
    }

    private final String program;
    private final List<String> args;
    private final String shortOptions;
    private final List<LongOption> longOptions;
    private final List<String> operands = new ArrayList<>();
    private int index;
    private boolean ended;
    private String bundle = "";
    private String value = "";

    /**
     * @param program the name that messages begin with
     * @param shortOptions their letters, each with a colon after it if it takes a value
     */
    GetOpt(String program, List<String> args, String shortOptions, List<LongOption> longOptions) {
        this.program = program;
        this.args = args;
        this.shortOptions = shortOptions;
        this.longOptions = longOptions;
    }

    /** The next option, or {@link #END}. */
    char next() throws BadOption {
        if (!bundle.isEmpty()) {
            return shortOption();
        }
        while (index < args.size()) {
            String arg = args.get(index++);
            if (ended || arg.length() < 2 || arg.charAt(0) != '-') {
                operands.add(arg);
            } else if (arg.equals("--")) {
                ended = true;
            } else if (arg.startsWith("--") && !longOptions.isEmpty()) {
                return longOption(arg.substring(2));
            } else {
                bundle = arg.substring(1);
                return shortOption();
            }
        }
        return END;
    }

    /** The value of the option that was returned last; empty if it takes none. */
    String value() {
        return value;
    }

    /** Everything that is neither option nor value, in order; complete after {@link #END}. */
    List<String> operands() {
        return operands;
    }

    private char shortOption() throws BadOption {
        char option = bundle.charAt(0);
        bundle = bundle.substring(1);
        value = "";
        int at = option == ':' ? -1 : shortOptions.indexOf(option);
        if (at < 0) {
            throw bad("invalid option -- '" + option + "'");
        }
        if (at + 1 < shortOptions.length() && shortOptions.charAt(at + 1) == ':') {
            if (bundle.isEmpty() && index == args.size()) {
                throw bad("option requires an argument -- '" + option + "'");
            }
            value = bundle.isEmpty() ? args.get(index++) : bundle;
            bundle = "";
        }
        return option;
    }

    private char longOption(String text) throws BadOption {
        int equals = text.indexOf('=');
        String name = equals < 0 ? text : text.substring(0, equals);
        LongOption found = find(name);
        value = "";
        if (!found.takesValue()) {
            if (equals >= 0) {
                throw bad("option '--" + found.name() + "' doesn't allow an argument");
            }
        } else if (equals >= 0) {
            value = text.substring(equals + 1);
        } else if (index < args.size()) {
            value = args.get(index++);
        } else {
            throw bad("option '--" + found.name() + "' requires an argument");
        }
        return found.option();
    }

    private LongOption find(String name) throws BadOption {
        List<LongOption> candidates = longOptions.stream()
                .filter(option -> option.name().startsWith(name))
                .toList();
        for (LongOption candidate : candidates) {
            if (candidate.name().equals(name)) {
                return candidate;
            }
        }
        if (candidates.isEmpty()) {
            throw bad("unrecognized option '--" + name + "'");
        }
        if (candidates.size() > 1) {
            String names = candidates.stream()
                    .map(option -> " '--" + option.name() + "'")
                    .collect(Collectors.joining());
            throw bad("option '--" + name + "' is ambiguous; possibilities:" + names);
        }
        return candidates.get(0);
    }

    private BadOption bad(String what) {
        return new BadOption(program + ": " + what);
    }
}
