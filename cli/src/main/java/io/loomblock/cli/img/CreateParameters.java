// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.OptionList;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.OptionValues;
import io.loomblock.driver.Sizes;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The options of a new image, {@code -o name=value,…}: checked against what its format and its protocol take, listed, printed. */
final class CreateParameters {
    static final String SIZE = "size";
    static final String BACKING_FILE = "backing_file";
    static final String BACKING_FORMAT = "backing_fmt";

    private static final String CLUSTER_SIZE = "cluster_size";

    /** Help texts begin in this column. */
    private static final int HELP_COLUMN = 25;

    private static final List<String> FIRST = List.of(SIZE, BACKING_FILE, BACKING_FORMAT);

    private final BlockDriverProvider format;
    /** All that may be given, in the order to print them. */
    private final List<DriverOption> known;

    private final Map<String, String> values = new LinkedHashMap<>();
    private boolean sizeOfBacking;

    private CreateParameters(BlockDriverProvider format, @Nullable BlockDriverProvider protocol) {
        this.format = format;
        this.known = known(format, protocol);
    }

    /**
     * Parses a list of options.
     *
     * @param list the values of all {@code -o}, joined; or null
     * @throws ToolException for options that are not known or whose value does not fit
     */
    static CreateParameters parse(
            BlockDriverProvider format, BlockDriverProvider protocol, @Nullable String list, Console console)
            throws ToolException {
        CreateParameters parameters = new CreateParameters(format, protocol);
        if (list != null) {
            for (OptionList.Entry entry : OptionList.split(list)) {
                parameters.put(entry, console);
            }
        }
        return parameters;
    }

    private static List<DriverOption> known(BlockDriverProvider format, @Nullable BlockDriverProvider protocol) {
        Map<String, DriverOption> byName = new LinkedHashMap<>();
        FIRST.forEach(name -> find(format.createOptions(), name).ifPresent(option -> byName.put(name, option)));
        format.createOptions().forEach(option -> byName.putIfAbsent(option.name(), option));
        if (protocol != null) {
            protocol.createOptions().forEach(option -> byName.putIfAbsent(option.name(), option));
        }
        return new ArrayList<>(byName.values());
    }

    private static Optional<DriverOption> find(List<DriverOption> options, String name) {
        return options.stream().filter(option -> option.name().equals(name)).findFirst();
    }

    private boolean takes(String name) {
        return find(known, name).isPresent();
    }

    private void put(OptionList.Entry entry, Console console) throws ToolException {
        OptionList.Entry given = entry.asSwitch();
        String name = given.name();
        DriverOption option =
                find(known, name).orElseThrow(() -> ToolException.failure("Invalid parameter '" + name + "'"));
        values.put(name, checked(option, String.valueOf(given.value()), console));
    }

    static String checked(DriverOption option, String value, Console console) throws ToolException {
        if (option.type() == DriverOption.Type.SIZE) {
            return Long.toString(ImgOptions.parameterSize(option.name(), value, console));
        }
        try {
            OptionValues.check(option, option.name(), value);
        } catch (BlockException e) {
            throw ToolException.failure(e.reason(), ToolException.FAILURE, e);
        }
        return value;
    }

    /** The backing file that {@code -b} or {@code -B} names; wins over one in the list. */
    void setBackingFile(String name) throws ToolException {
        if (!takes(BACKING_FILE)) {
            throw ToolException.failure("Backing file not supported for file format '" + format.formatName() + "'");
        }
        values.put(BACKING_FILE, name);
    }

    /** The format that {@code -F} names. */
    void setBackingFormat(String name) throws ToolException {
        if (!takes(BACKING_FORMAT)) {
            throw ToolException.failure(
                    "Backing file format not supported for file format '" + format.formatName() + "'");
        }
        values.put(BACKING_FORMAT, name);
    }

    void setSize(long size) {
        values.put(SIZE, Long.toString(size));
        sizeOfBacking = false;
    }

    /** The size that the image has for want of another: its format may take the backing file's as it likes. */
    void setSizeOfBacking(long size) {
        setSize(size);
        sizeOfBacking = true;
    }

    /** The size given, or -1. */
    long size() {
        String size = values.get(SIZE);
        return size == null ? -1 : Long.parseLong(size);
    }

    @Nullable
    String backingFile() {
        return values.get(BACKING_FILE);
    }

    @Nullable
    String backingFormat() {
        return values.get(BACKING_FORMAT);
    }

    /** Whether the image has clusters of a size that is given, or known. */
    boolean hasClusterSize() {
        return known.stream()
                .anyMatch(option -> option.name().equals(CLUSTER_SIZE)
                        && (values.containsKey(CLUSTER_SIZE) || option.defaultValue() != null));
    }

    /** For the library; the size is rounded up to sectors, as command lines may give any. */
    CreateOptions toCreateOptions() {
        Map<String, String> rest = new LinkedHashMap<>(values);
        FIRST.forEach(rest::remove);
        long size = sizeOfBacking ? -1 : Sizes.toSectors(size());
        return new CreateOptions(size, backingFile(), backingFormat(), Map.copyOf(rest));
    }

    /** {@code size=… cluster_size=…}: what was given and what has a default, commas in values doubled. */
    String toLine() {
        StringBuilder line = new StringBuilder();
        for (DriverOption option : known) {
            String given = values.get(option.name());
            String value = given == null ? option.defaultValue() : given;
            if (value != null) {
                line.append(line.isEmpty() ? "" : " ");
                line.append(option.name()).append('=').append(value.replace(",", ",,"));
            }
        }
        return line.toString();
    }

    /** Lists the options of a format; with a file name those of its protocol too. */
    static void printHelp(String formatName, @Nullable String filename, PrintStream out)
            throws ToolException, BlockException {
        BlockDriverProvider format = Formats.find(formatName);
        CreateParameters parameters =
                new CreateParameters(format, filename == null ? null : Formats.protocolOfNew(filename));
        out.print(filename == null ? "Supported " + formatName + " options:\n" : "Supported options:\n");
        parameters.known.stream()
                .sorted(Comparator.comparing(DriverOption::name))
                .forEach(option -> out.print(helpLine(option)));
        if (filename == null && format.kind() == BlockDriverProvider.Kind.FORMAT) {
            out.print("\nThe protocol level may support further options.\n"
                    + "Specify the target filename to include those options.\n");
        }
    }

    static String helpLine(DriverOption option) {
        String start = "  " + option.name() + "=<" + option.type().helpName() + ">";
        return start + " ".repeat(Math.max(1, HELP_COLUMN - start.length())) + "- " + option.help() + "\n";
    }
}
