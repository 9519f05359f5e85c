// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.cli.ToolException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The text of {@code -o}: names and values between commas; a comma inside a value is written twice. */
final class OptionList {
    /**
     * One option.
     *
     * @param value null if only the name was given
     */
    record Entry(String name, @Nullable String value) {}

    private OptionList() {}

    /** Adds the value of one more {@code -o} to those before it. */
    static String join(@Nullable String before, String more) throws ToolException {
        if (!isValid(more)) {
            throw ToolException.failure("Invalid option list: " + more);
        }
        return before == null ? more : before + ',' + more;
    }

    /** Not empty, and no single comma at either end. */
    private static boolean isValid(String list) {
        int trailing = 0;
        while (trailing < list.length() && list.charAt(list.length() - 1 - trailing) == ',') {
            trailing++;
        }
        boolean leading = list.startsWith(",") && !list.startsWith(",,");
        return !list.isEmpty() && trailing % 2 == 0 && !leading;
    }

    /** Whether one of the options is {@code help} or {@code ?}. */
    static boolean asksForHelp(@Nullable String list) {
        return list != null
                && split(list).stream()
                        .anyMatch(entry -> entry.value() == null
                                && (entry.name().equals("help") || entry.name().equals("?")));
    }

    static List<Entry> split(String list) {
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
