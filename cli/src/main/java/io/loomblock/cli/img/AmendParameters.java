// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.cli.Console;
import io.loomblock.cli.OptionList;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.NodeOptions;
import java.io.PrintStream;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The settings that {@code img amend -o name=value,…} gives: checked against what the format lets change, and listed.
 *
 * @param values of two for one name the later
 */
record AmendParameters(NodeOptions values) {
    /**
     * Parses a list of settings.
     *
     * @throws ToolException for a format without any, and for settings that are not known or whose value does not fit
     */
    static AmendParameters parse(BlockDriverProvider format, String list, Console console) throws ToolException {
        requireSettings(format);
        Map<String, String> values = new LinkedHashMap<>();
        for (OptionList.Entry entry : OptionList.split(list)) {
            OptionList.Entry given = entry.asSwitch();
            DriverOption option = find(format, given.name());
            values.put(option.name(), CreateParameters.checked(option, String.valueOf(given.value()), console));
        }
        return new AmendParameters(NodeOptions.of(values));
    }

    private static void requireSettings(BlockDriverProvider format) throws ToolException {
        if (format.amendOptions().isEmpty()) {
            throw ToolException.failure(
                    "Format driver '" + format.formatName() + "' does not support option amendment");
        }
    }

    private static DriverOption find(BlockDriverProvider format, String name) throws ToolException {
        DriverOption option = DriverOption.find(format.amendOptions(), name);
        if (option == null) {
            boolean atCreation = DriverOption.find(format.createOptions(), name) != null;
            throw ToolException.failure("Invalid parameter '" + name + "'"
                    + (atCreation ? "\nThis option is only supported for image creation" : ""));
        }
        return option;
    }

    /** Lists the settings of a format. */
    static void printHelp(BlockDriverProvider format, PrintStream out) throws ToolException {
        requireSettings(format);
        out.print("Amend options for '" + format.formatName() + "':\n");
        List<DriverOption> settings = format.amendOptions();
        settings.stream()
                .sorted(Comparator.comparing(DriverOption::name))
                .forEach(option -> out.print(CreateParameters.helpLine(option)));
    }
}
