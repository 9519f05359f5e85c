// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.OptionValues;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Makes the rules of a fault injector from its configuration file and from its options, whose names are the same. */
final class FaultRuleReader {
    private static final String INJECT_ERROR = "inject-error";
    private static final String SET_STATE = "set-state";
    private static final int SECTOR = 512;

    private static final DriverOption EVENT =
            DriverOption.choice("event", "Event that makes the rule hold", names(DebugEvent.values()));

    private static final DriverOption STATE = DriverOption.number("state", "State in which the rule holds; 0 for any")
            .withDefault("0");

    private static final List<DriverOption> INJECT_ERROR_OPTIONS = List.of(
            EVENT,
            STATE,
            DriverOption.choice("iotype", "Kind of request that fails", names(RequestKind.values())),
            DriverOption.number("errno", "Error of the requests").withDefault("5"),
            DriverOption.number("sector", "Sector that a request must touch; -1 for any")
                    .withDefault("-1"),
            DriverOption.bool("once", "Whether only the first request fails").withDefault("off"),
            DriverOption.bool("immediately", "Accepted; requests always fail at once")
                    .withDefault("off"));

    private static final List<DriverOption> SET_STATE_OPTIONS =
            List.of(EVENT, STATE, DriverOption.number("new_state", "State after the event"));

    private FaultRuleReader() {}

    private static String[] names(DebugEvent[] events) {
        return Arrays.stream(events).map(DebugEvent::eventName).toArray(String[]::new);
    }

    private static String[] names(RequestKind[] kinds) {
        return Arrays.stream(kinds).map(RequestKind::optionName).toArray(String[]::new);
    }

    /** The options that describe rules, as a driver lists them. */
    static List<DriverOption> options() {
        return Stream.concat(
                        INJECT_ERROR_OPTIONS.stream().map(option -> ofList(INJECT_ERROR, option)),
                        SET_STATE_OPTIONS.stream().map(option -> ofList(SET_STATE, option)))
                .toList();
    }

    private static DriverOption ofList(String list, DriverOption option) {
        return new DriverOption(
                list + ".*." + option.name(),
                option.type(),
                option.help(),
                option.defaultValue(),
                option.choices(),
                option.namesItself(),
                option.hint());
    }

    /**
     * The rules of both: errors before states, those of the file before those of the options.
     *
     * @param config the text of the file, or null for none
     * @throws BlockException EINVAL for what is no rule
     */
    static List<FaultRule> read(@Nullable String config, OptionValues values) throws BlockException {
        List<OptionValues> errors = new ArrayList<>();
        List<OptionValues> states = new ArrayList<>();
        if (config != null) {
            for (IniFile.Group group : IniFile.parse(config, Set.of(INJECT_ERROR, SET_STATE))) {
                boolean isError = group.name().equals(INJECT_ERROR);
                (isError ? errors : states).add(checked(group, isError ? INJECT_ERROR_OPTIONS : SET_STATE_OPTIONS));
            }
        }
        errors.addAll(values.list(INJECT_ERROR));
        states.addAll(values.list(SET_STATE));
        List<FaultRule> rules = new ArrayList<>();
        for (OptionValues error : errors) {
            rules.add(injectError(error));
        }
        for (OptionValues state : states) {
            rules.add(new FaultRule.SetState(event(state), state.number("state", 0), state.number("new_state", 0)));
        }
        return rules;
    }

    private static OptionValues checked(IniFile.Group group, List<DriverOption> known) throws BlockException {
        for (String name : group.values().keySet()) {
            if (known.stream().noneMatch(option -> option.isNamed(name))) {
                throw new BlockException(Errno.EINVAL, "Invalid parameter '" + name + "'");
            }
        }
        return OptionValues.of("A rule does not", known, NodeOptions.of(group.values()));
    }

    private static FaultRule injectError(OptionValues values) throws BlockException {
        DebugEvent event = event(values);
        long errno = values.number("errno", Errno.EIO.number());
        long sector = values.number("sector", -1);
        if (sector > Long.MAX_VALUE / SECTOR) {
            throw new BlockException(Errno.EINVAL, "Value '" + sector + "' is out of range for parameter 'sector'");
        }
        String kind = values.string("iotype");
        return new FaultRule.InjectError(
                event,
                values.number("state", 0),
                errno <= 0 ? null : Errno.of((int) Math.min(errno, Integer.MAX_VALUE)),
                sector < 0 ? FaultRule.InjectError.ANYWHERE : sector * SECTOR,
                values.bool("once", false),
                kind == null ? RequestKind.USUAL : EnumSet.of(kind(kind)));
    }

    private static RequestKind kind(String name) {
        return Arrays.stream(RequestKind.values())
                .filter(kind -> kind.optionName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static DebugEvent event(OptionValues values) throws BlockException {
        String name = values.string("event");
        DebugEvent event = name == null ? null : DebugEvent.ofName(name);
        if (event == null) {
            throw new BlockException(Errno.EINVAL, "Missing event name for rule");
        }
        return event;
    }
}
