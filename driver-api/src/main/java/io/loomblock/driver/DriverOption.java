// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One option of a driver, as command lines name it, {@code -o help} lists it, and {@link OptionValues} reads it.
 *
 * @param name QEMU's spelling; {@code *} stands for the index in a list, as in {@code inject-error.*.event}
 * @param type what its text must be
 * @param help one line
 * @param defaultValue text of the default that help shows, or null
 * @param choices the words that it may be; empty but for {@link Type#CHOICE}
 * @param namesItself whether the message that refuses another word names the option: QEMU's do where QAPI describes it
 * @param hint whether it says how, not what: it does not change what a node holds, and is no part of its name
 */
public record DriverOption(
        String name,
        Type type,
        String help,
        @Nullable String defaultValue,
        List<String> choices,
        boolean namesItself,
        boolean hint) {
    private static final String LIST = ".*.";

    /** Types of options, named as help shows them. */
    public enum Type {
        STRING("str"),
        /** The name of a file of this machine, which will be opened. */
        FILE("str"),
        SIZE("size"),
        NUMBER("num"),
        BOOL("bool (on/off)"),
        /** One of several words. */
        CHOICE("str");

        private final String helpName;

        Type(String helpName) {
            this.helpName = helpName;
        }

        public String helpName() {
            return helpName;
        }
    }

    public static DriverOption string(String name, String help) {
        return of(name, Type.STRING, help);
    }

    /** A file of this machine; where an image says it, the {@link io.loomblock.ImplicitOpenPolicy} is asked. */
    public static DriverOption file(String name, String help) {
        return of(name, Type.FILE, help);
    }

    /** A number of bytes: 0 to 2^63-1, with the suffixes of {@link Sizes}. */
    public static DriverOption size(String name, String help) {
        return of(name, Type.SIZE, help);
    }

    /** A whole number, which may be negative. */
    public static DriverOption number(String name, String help) {
        return of(name, Type.NUMBER, help);
    }

    /** {@code on} or {@code off}. */
    public static DriverOption bool(String name, String help) {
        return of(name, Type.BOOL, help);
    }

    /** One of these words; the message that refuses another one does not say of which option. */
    public static DriverOption choice(String name, String help, String... words) {
        return new DriverOption(name, Type.CHOICE, help, null, List.of(words), false, false);
    }

    /** One of these words, as an enumeration of QAPI: the message that refuses another one names the option. */
    public static DriverOption namedChoice(String name, String help, String... words) {
        return new DriverOption(name, Type.CHOICE, help, null, List.of(words), true, false);
    }

    private static DriverOption of(String name, Type type, String help) {
        return new DriverOption(name, type, help, null, List.of(), false, false);
    }

    /** The same with a default that help shows. */
    public DriverOption withDefault(String value) {
        return new DriverOption(name, type, help, value, choices, namesItself, hint);
    }

    /** The same, as one that says how, not what. */
    public DriverOption asHint() {
        return new DriverOption(name, type, help, defaultValue, choices, namesItself, true);
    }

    /** The one of these that {@code given} means, or null. */
    public static @Nullable DriverOption find(List<DriverOption> options, String given) {
        for (DriverOption option : options) {
            if (option.isNamed(given)) {
                return option;
            }
        }
        return null;
    }

    /** A value of it as JSON has it: numbers and switches as such, where their text is the usual one. */
    Object typed(String value) {
        boolean plainNumber = value.matches("0|-?[1-9][0-9]{0,17}");
        return switch (type) {
            case SIZE, NUMBER -> plainNumber ? (Object) Long.valueOf(value) : value;
            case BOOL -> OptionValues.bool(value);
            case STRING, FILE, CHOICE -> value;
        };
    }

    /** Whether this is about each element of a list. */
    boolean isInList() {
        return name.contains(LIST);
    }

    /** The name of the list that this is about. */
    String listName() {
        return name.substring(0, name.indexOf(LIST));
    }

    /** The name inside the element, if this is about a list. */
    String shortName() {
        return isInList() ? name.substring(name.indexOf(LIST) + LIST.length()) : name;
    }

    /** Whether this is the option that {@code given} means: the same name, with a number where this one has {@code *}. */
    public boolean isNamed(String given) {
        String[] ours = name.split("\\.", -1);
        String[] theirs = given.split("\\.", -1);
        boolean same = ours.length == theirs.length;
        for (int i = 0; same && i < ours.length; i++) {
            same = ours[i].equals("*") ? theirs[i].chars().allMatch(Character::isDigit) : ours[i].equals(theirs[i]);
        }
        return same;
    }
}
