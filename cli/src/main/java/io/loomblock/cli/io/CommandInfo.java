// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import org.jspecify.annotations.Nullable;

/**
 * A command: how it is called and what it does.
 *
 * @param name what the user types
 * @param alias a shorter name, or null
 * @param needs what must be there before it runs
 * @param minimum fewest words after the name
 * @param maximum most words after the name, or {@link #ANY}
 * @param arguments how help shows the words after the name, or null
 * @param summary what it does, in a line
 * @param details lines that help shows besides, or an empty text
 * @param action carries it out
 */
record CommandInfo(
        String name,
        @Nullable String alias,
        Needs needs,
        int minimum,
        int maximum,
        @Nullable String arguments,
        String summary,
        String details,
        Action action) {
    /** No upper bound of the number of words. */
    static final int ANY = -1;

    /** What must be there before a command runs. */
    enum Needs {
        NOTHING,
        /** An open image. */
        IMAGE,
        /** An open image that may be written. */
        WRITABLE_IMAGE
    }

    /** What a command does. */
    @FunctionalInterface
    interface Action {
        void run(Invocation call) throws CommandRefused;
    }

    CommandInfo(String name, Needs needs, int minimum, int maximum, String summary, Action action) {
        this(name, null, needs, minimum, maximum, null, summary, "", action);
    }

    CommandInfo withAlias(String value) {
        return new CommandInfo(name, value, needs, minimum, maximum, arguments, summary, details, action);
    }

    CommandInfo withArguments(String value) {
        return new CommandInfo(name, alias, needs, minimum, maximum, value, summary, details, action);
    }

    CommandInfo withDetails(String value) {
        return new CommandInfo(name, alias, needs, minimum, maximum, arguments, summary, value, action);
    }

    boolean isCalled(String word) {
        return name.equals(word) || word.equals(alias);
    }

    /** The line that help shows for it, under the name that the user knows it by. */
    String usage(String calledAs) {
        return calledAs + " " + (arguments == null ? "" : arguments + " ") + "-- " + summary;
    }

    /**
     * Checks the number of words after the name.
     *
     * @return the message, or null if it is right
     */
    @Nullable
    String complaintAbout(String calledAs, int words) {
        if (words >= minimum && (maximum == ANY || words <= maximum)) {
            return null;
        }
        String expected = maximum == ANY
                ? "at least " + minimum
                : minimum == maximum ? String.valueOf(minimum) : "between " + minimum + " and " + maximum;
        return "bad argument count " + words + " to " + calledAs + ", expected " + expected + " arguments";
    }
}
