// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** What was given for a driver's own options, each known to the driver and of the type that it says. Immutable. */
public final class OptionValues {
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
        for (var option : given.asMap().entrySet()) {
            check(find(owner, known, option.getKey()), option.getKey(), option.getValue());
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

    private static DriverOption find(String owner, List<DriverOption> known, String name) throws BlockException {
        for (DriverOption option : known) {
            if (option.isNamed(name)) {
                return option;
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
                    case BOOL -> value.equals("on") || value.equals("off");
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
        return text == null ? otherwise : text.equals("on");
    }

    /** The elements of the list of this name. */
    public List<OptionValues> list(String name) {
        return given.list(name).stream().map(OptionValues::new).toList();
    }
}
