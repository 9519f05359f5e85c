// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What was given for a driver's own options, each known to the driver and of the type that it says. Immutable. */
public final class OptionValues {
    /** Nothing was given. */
    public static final OptionValues NONE = new OptionValues(NodeOptions.NONE);

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
    public static OptionValues of(String owner, List<DriverOption> known, NodeOptions options) throws BlockException {
        checkLists(known, options);
        for (var given : options.asMap().entrySet()) {
            DriverOption option = find(owner, known, given.getKey());
            check(option, option.isInList() ? option.shortName() : given.getKey(), given.getValue());
        }
        return new OptionValues(options);
    }

    /** The same for a driver, in QEMU's words. */
    public static OptionValues of(BlockDriverProvider provider, NodeOptions given) throws BlockException {
        return of(owner(provider), provider.openOptions(), given);
    }

    /**
     * The options of a new image that are its format's own; others are for its file, which knows them.
     *
     * @throws BlockException EINVAL, in QEMU's words, for a value of another type
     */
    public static OptionValues of(BlockDriverProvider provider, CreateOptions given) throws BlockException {
        List<DriverOption> known = provider.createOptions();
        Map<String, String> own = new HashMap<>(given.options());
        own.keySet().retainAll(known.stream().map(DriverOption::name).toList());
        return of(owner(provider), known, NodeOptions.of(own));
    }

    private static String owner(BlockDriverProvider provider) {
        return provider.kind() == BlockDriverProvider.Kind.FORMAT
                ? "Block format '" + provider.formatName() + "' does not"
                : "Block protocol '" + provider.formatName() + "' doesn't";
    }

    /** Elements of a list are counted from 0 without a gap. */
    private static void checkLists(List<DriverOption> known, NodeOptions given) throws BlockException {
        for (String list : known.stream()
                .filter(DriverOption::isInList)
                .map(DriverOption::listName)
                .distinct()
                .toList()) {
            Set<String> numbers = IntStream.range(0, given.list(list).size())
                    .mapToObj(Integer::toString)
                    .collect(Collectors.toSet());
            for (String name : given.below(list).asMap().keySet()) {
                int dot = name.indexOf('.');
                require(
                        numbers.contains(dot < 0 ? name : name.substring(0, dot)),
                        "Unused option '" + name + "' for [" + list + "]");
            }
        }
    }

    private static DriverOption find(String owner, List<DriverOption> known, String name) throws BlockException {
        DriverOption found = DriverOption.find(known, name);
        if (found != null) {
            return found;
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

    /**
     * Checks the text of one option; sizes are those that files may have.
     *
     * @param name as it was given
     * @throws BlockException EINVAL, in QEMU's words, if the option cannot have it
     */
    public static void check(DriverOption option, String name, String value) throws BlockException {
        switch (option.type()) {
            case STRING, FILE -> {
                // Whoever takes it knows.
            }
            case SIZE ->
                require(
                        parseSize(name, value) >= 0,
                        "Value '" + value + "' is out of range for parameter '" + name + "'");
            case NUMBER -> require(number(value).isPresent(), "Parameter '" + name + "' expects a number");
            case BOOL -> require(isTrue(value) || isFalse(value), "Parameter '" + name + "' expects 'on' or 'off'");
            case CHOICE ->
                require(
                        option.choices().contains(value),
                        option.namesItself()
                                ? "Parameter '" + name + "' does not accept value '" + value + "'"
                                : "invalid parameter value: " + value);
        }
    }

    /**
     * The bytes that a size means, below 2^64, as an unsigned number.
     *
     * @throws BlockException EINVAL, in QEMU's words, if it is none
     */
    public static long parseSize(String name, String value) throws BlockException {
        try {
            return Sizes.parseUnsigned(value);
        } catch (Sizes.SizeException e) {
            require(
                    e.problem() != Sizes.Problem.TOO_LARGE,
                    "Value '" + value + "' is out of range for parameter '" + name + "'");
            throw new BlockException(
                    Errno.EINVAL,
                    "Parameter '" + name + "' expects a non-negative number below 2^64\n"
                            + "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\n"
                            + "and exabytes, respectively.",
                    e);
        }
    }

    private static void require(boolean good, String complaint) throws BlockException {
        if (!good) {
            throw new BlockException(Errno.EINVAL, complaint);
        }
    }

    private static boolean isTrue(String text) {
        return switch (text) {
            case "on", "yes", "true", "y" -> true;
            default -> false;
        };
    }

    private static boolean isFalse(String text) {
        return switch (text) {
            case "off", "no", "false", "n" -> true;
            default -> false;
        };
    }

    /** Whether a switch whose text was checked is on. */
    static boolean bool(String text) {
        return isTrue(text);
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
        return text == null ? otherwise : bool(text);
    }

    /** The elements of the list of this name. */
    public List<OptionValues> list(String name) {
        return given.list(name).stream().map(OptionValues::new).toList();
    }
}
