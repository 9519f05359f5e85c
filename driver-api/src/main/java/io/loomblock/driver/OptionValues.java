// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What was given for a driver's own options, each known to the driver and of the type that it says. Immutable. */
public final class OptionValues {
    /** The words that switch something on, as QEMU knows them. */
    private static final Set<String> YES = Set.of("on", "yes", "true", "y");

    private static final Set<String> NO = Set.of("off", "no", "false", "n");

    private final NodeOptions given;

    private OptionValues(NodeOptions given) {
        this.given = given;
    }

    /**
     * Checks options against those that a driver knows.
     *
     * @param owner how a message begins that refuses an option, e.g. {@code Block format 'qed' does not}
     * @throws BlockException EINVAL for an unknown one, or a value of another type
     */
    public static OptionValues of(String owner, List<DriverOption> known, NodeOptions given) throws BlockException {
        checkLists(known, given);
        for (var option : given.asMap().entrySet()) {
            DriverOption found = find(owner, known, option.getKey());
            check(found, found.shortName(), option.getValue());
        }
        return new OptionValues(given);
    }

    /** The same for a driver, in QEMU's words. */
    public static OptionValues of(BlockDriverProvider provider, NodeOptions given) throws BlockException {
        String owner = provider.kind() == BlockDriverProvider.Kind.FORMAT
                ? "Block format '" + provider.formatName() + "' does not"
                : "Block protocol '" + provider.formatName() + "' doesn't";
        return of(owner, provider.openOptions(), given);
    }

    /** Elements of a list are counted from 0 without a gap. */
    private static void checkLists(List<DriverOption> known, NodeOptions given) throws BlockException {
        for (String list : known.stream()
                .filter(DriverOption::isInList)
                .map(DriverOption::listName)
                .distinct()
                .toList()) {
            NodeOptions rest = given.below(list);
            for (int i = 0; i < given.list(list).size(); i++) {
                rest = rest.without("" + i);
            }
            if (!rest.isEmpty()) {
                throw new BlockException(
                        Errno.EINVAL, "Unused option '" + rest.asMap().firstKey() + "' for [" + list + "]");
            }
        }
    }

    private static DriverOption find(String owner, List<DriverOption> known, String name) throws BlockException {
        for (DriverOption option : known) {
            if (option.isNamed(name)) {
                return option;
            }
        }
        for (DriverOption option : known) {
            if (option.isInList() && name.startsWith(option.listName() + '.')) {
                String inner =
                        name.substring(name.indexOf('.', option.listName().length() + 1) + 1);
                throw new BlockException(
                        Errno.EINVAL, "[" + option.listName() + "] section doesn't support the option '" + inner + "'");
            }
        }
        throw new BlockException(Errno.EINVAL, owner + " support the option '" + name + "'");
    }

    private static void check(DriverOption option, String name, String value) throws BlockException {
        boolean good =
                switch (option.type()) {
                    case STRING -> true;
                    case SIZE -> Sizes.parse(value).isPresent();
                    case NUMBER -> number(value).isPresent();
                    case BOOL -> YES.contains(value) || NO.contains(value);
                    case CHOICE -> option.choices().contains(value);
                };
        if (!good) {
            throw new BlockException(
                    Errno.EINVAL,
                    switch (option.type()) {
                        case SIZE ->
                            "Parameter '" + name + "' expects a non-negative number below 2^64\n"
                                    + "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\n"
                                    + "and exabytes, respectively.";
                        case NUMBER -> "Parameter '" + name + "' expects a number";
                        case BOOL -> "Parameter '" + name + "' expects 'on' or 'off'";
                        case CHOICE, STRING -> "invalid parameter value: " + value;
                    });
        }
    }

    private static OptionalLong number(String text) {
        try {
            return OptionalLong.of(Long.decode(text));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    public boolean has(String name) {
        return given.get(name) != null;
    }

    public @Nullable String string(String name) {
        return given.get(name);
    }

    public String string(String name, String otherwise) {
        String text = given.get(name);
        return text == null ? otherwise : text;
    }

    /** The bytes that a size means. */
    public long size(String name, long otherwise) {
        String text = given.get(name);
        return text == null ? otherwise : Sizes.parse(text).orElseThrow();
    }

    public long number(String name, long otherwise) {
        String text = given.get(name);
        return text == null ? otherwise : number(text).orElseThrow();
    }

    public boolean bool(String name, boolean otherwise) {
        String text = given.get(name);
        return text == null ? otherwise : YES.contains(text);
    }

    /** The elements of the list of this name. */
    public List<OptionValues> list(String name) {
        return given.list(name).stream().map(OptionValues::new).toList();
    }
}
