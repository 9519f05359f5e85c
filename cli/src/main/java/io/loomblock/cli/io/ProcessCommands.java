// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.util.List;

/** Commands on the tool itself: {@code help}, {@code quit}, {@code sleep}, {@code abort} and {@code sigraise}. */
final class ProcessCommands {
    private static final int LAST_SIGNAL = 64;

    private static final CommandInfo HELP = new CommandInfo(
                    "help", CommandInfo.Needs.NOTHING, 0, 1, "help for one or all commands", ProcessCommands::help)
            .withAlias("?")
            .withArguments("[command]");

    private static final CommandInfo QUIT = new CommandInfo(
                    "quit",
                    CommandInfo.Needs.NOTHING,
                    0,
                    CommandInfo.ANY,
                    "exit the program",
                    call -> call.session().quit())
            .withAlias("q");

    private static final CommandInfo SLEEP = new CommandInfo(
            "sleep",
            CommandInfo.Needs.NOTHING,
            1,
            1,
            "waits for the given value in milliseconds",
            call -> call.session()
                    .background()
                    .pause(Numbers.natural(call.arguments().get(0))));

    private static final CommandInfo ABORT = new CommandInfo(
            "abort",
            CommandInfo.Needs.NOTHING,
            0,
            0,
            "simulate a program crash using abort(3)",
            call -> raise(call, Signals.ABORT));

    private static final CommandInfo SIGRAISE = new CommandInfo(
                    "sigraise", CommandInfo.Needs.NOTHING, 1, 1, "raises a signal", ProcessCommands::sigraise)
            .withArguments("signal")
            .withDetails("\n 'sigraise 15' sends the tool the signal TERM, 'sigraise 9' kills it.\n\n");

    private ProcessCommands() {}

    static List<CommandInfo> all() {
        return List.of(HELP, QUIT, SLEEP, ABORT, SIGRAISE);
    }

    private static void help(Invocation call) throws CommandRefused {
        if (call.arguments().isEmpty()) {
            Commands.all().forEach(command -> call.out().print(command.usage(command.name()) + "\n"));
            call.out().print("\nUse 'help commandname' for extended help.\n");
            return;
        }
        String name = call.arguments().get(0);
        CommandInfo command = Commands.find(name);
        if (command == null) {
            throw new CommandRefused("command " + name + " not found");
        }
        call.out().print(command.usage(name) + "\n" + command.details());
    }

    private static void sigraise(Invocation call) throws CommandRefused {
        String text = call.arguments().get(0);
        long signal = call.size(text);
        if (signal > LAST_SIGNAL + 1) {
            throw new CommandRefused("signal argument '" + text + "' is too large to be a valid signal");
        }
        if (signal > 0 && signal <= LAST_SIGNAL) {
            raise(call, (int) signal);
        }
    }

    private static void raise(Invocation call, int signal) throws CommandRefused {
        call.out().flush();
        call.session().err().flush();
        Signals.raise(signal);
    }
}
