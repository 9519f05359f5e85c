// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli;

import io.loomblock.driver.NodeOptions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The text of {@code -o} and of {@code --image-opts}: names and values between commas; a comma inside a value is written twice. */
public final class OptionList {
    /**
     * One option.
     *
     * @param value null if only the name was given
     */
    public record Entry(String name, @Nullable String value) {
        /** The same with a value: a name alone is a switch, with "no" before it for off. */
        public Entry asSwitch() {
            boolean off = name.startsWith("no");
            return value != null ? this : off ? new Entry(name.substring(2), "off") : new Entry(name, "on");
        }

        private boolean isHelp() {
            return value == null && (name.equals("help") || name.equals("?"));
        }
    }

    private OptionList() {}

    /** Adds the value of one more {@code -o} to those before it. */
    public static String join(@Nullable String before, String more) throws ToolException {
        if (!isValid(more)) {
            throw ToolException.failure("Invalid option list: " + more);
        }
        return before == null ? more : before + ',' + more;
    }

    /** Not empty, no comma at the beginning, and no single one at the end. */
    private static boolean isValid(String list) {
        int trailing = 0;
        while (trailing < list.length() && list.charAt(list.length() - 1 - trailing) == ',') {
            trailing++;
        }
        return !list.isEmpty() && trailing % 2 == 0 && !list.startsWith(",");
    }

    /** Whether one of the options is {@code help} or {@code ?}. */
    public static boolean asksForHelp(@Nullable String list) {
        return list != null && split(list).stream().anyMatch(Entry::isHelp);
    }

    /**
     * What a list says about nodes; of two values for one name the later counts.
     *
     * @param implied what the first word means if it has no name, or null
     * @param warnings is told of names without values, which are read as switches
     */
    public static NodeOptions nodeOptions(String list, @Nullable String implied, Consumer<String> warnings)
            throws ToolException {
        Map<String, String> options = new LinkedHashMap<>();
        boolean first = true;
        for (Entry given : split(list)) {
            Entry entry = given;
            if (given.value() == null && first && implied != null) {
                entry = new Entry(implied, given.name());
            } else if (given.value() == null) {
                entry = given.asSwitch();
                warnOfSwitch(given, entry, warnings);
            }
            first = false;
            checkIdentifier(entry);
            options.put(entry.name(), String.valueOf(entry.value()));
        }
        return NodeOptions.of(options);
    }

    private static void warnOfSwitch(Entry given, Entry meant, Consumer<String> warnings) {
        if (!given.isHelp()) {
            warnings.accept("short-form boolean option '" + given.name() + "' deprecated\nPlease use " + meant.name()
                    + "=" + meant.value() + " instead");
        }
    }

    private static void checkIdentifier(Entry entry) throws ToolException {
        if (entry.name().equals("id") && !String.valueOf(entry.value()).matches("[A-Za-z][A-Za-z0-9._-]*")) {
            throw ToolException.failure("Parameter 'id' expects an identifier\n"
                    + "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.");
        }
    }

    /** The options in order. */
    public static List<Entry> split(String list) {
        List<Entry> entries = new ArrayList<>();
        int at = 0;
        while (at < list.length()) {
            int nameEnd = at;
            while (nameEnd < list.length() && list.charAt(nameEnd) != '=' && list.charAt(nameEnd) != ',') {
                nameEnd++;
            }
            String name = list.substring(at, nameEnd);
            if (nameEnd == list.length() || list.charAt(nameEnd) == ',') {
                entries.add(new Entry(name, null));
                at = nameEnd + 1;
            } else {
                StringBuilder value = new StringBuilder();
                at = readValue(list, nameEnd + 1, value);
                entries.add(new Entry(name, value.toString()));
            }
        }
        return entries;
    }

    /** Appends the value that starts at {@code from}; returns where the next option starts. */
    private static int readValue(String list, int from, StringBuilder value) {
        int at = from;
        while (at < list.length()) {
            char c = list.charAt(at);
            if (c == ',') {
                if (at + 1 == list.length() || list.charAt(at + 1) != ',') {
                    return at + 1;
                }
                at++;
            }
            value.append(c);
            at++;
        }
        return at;
    }
}
