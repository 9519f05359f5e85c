// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Files in QEMU's configuration syntax: groups in brackets, perhaps with an identifier in quotes, and lines {@code key = "value"}.
 *
 * <p>Reads what QEMU reads: whatever follows a complete group or value on its line is ignored, as is a value that does not stand in
 * quotes.
 */
final class IniFile {
    private static final Pattern GROUP_WITH_ID =
            Pattern.compile("\\[([^\\s\"]{1,63})\\s*\"([^\"]{1,63})\".*", Pattern.DOTALL);
    private static final Pattern GROUP = Pattern.compile("\\[([^]]{1,63}).*", Pattern.DOTALL);
    private static final Pattern ENTRY =
            Pattern.compile("\\s*(\\S{1,63})(?:\\s*=\\s*\"([^\"]{1,1023}))?.*", Pattern.DOTALL);
    private static final Pattern IDENTIFIER = Pattern.compile("[A-Za-z][-A-Za-z0-9._]*");

    private IniFile() {}

    /** One group with what stands in it; of two values of one name the later one. */
    record Group(String name, Map<String, String> values) {}

    /**
     * The groups of a text, in order.
     *
     * @param known names of the groups that there may be
     * @throws BlockException EINVAL in QEMU's words
     */
    static List<Group> parse(String text, Set<String> known) throws BlockException {
        List<Group> groups = new ArrayList<>();
        Set<String> identifiers = new HashSet<>();
        for (String line : text.split("\n")) {
            Matcher withId = GROUP_WITH_ID.matcher(line);
            Matcher plain = GROUP.matcher(line);
            Matcher entry = ENTRY.matcher(line);
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            if (withId.matches()) {
                groups.add(group(withId.group(1), known));
                checkIdentifier(withId.group(1), withId.group(2), identifiers);
            } else if (plain.matches()) {
                groups.add(group(plain.group(1), known));
            } else if (!entry.matches()) {
                throw new BlockException(Errno.EINVAL, "parse error");
            } else if (groups.isEmpty()) {
                throw new BlockException(Errno.EINVAL, "no group defined");
            } else {
                String value = entry.group(2);
                groups.get(groups.size() - 1).values.put(entry.group(1), value == null ? "" : value);
            }
        }
        return groups;
    }

    private static Group group(String name, Set<String> known) throws BlockException {
        if (!known.contains(name)) {
            throw new BlockException(Errno.EINVAL, "There is no option group '" + name + "'");
        }
        return new Group(name, new TreeMap<>());
    }

    private static void checkIdentifier(String group, String identifier, Set<String> seen) throws BlockException {
        if (!IDENTIFIER.matcher(identifier).matches()) {
            throw new BlockException(
                    Errno.EINVAL,
                    "Parameter 'id' expects an identifier\n"
                            + "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.");
        }
        if (!seen.add(group + ' ' + identifier)) {
            throw new BlockException(Errno.EINVAL, "Duplicate ID '" + identifier + "' for " + group);
        }
    }
}
