// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockException;
import io.loomblock.cli.Console;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.GetOpt.LongOption;
import io.loomblock.cli.Main;
import io.loomblock.cli.ToolException;
import java.util.Arrays;

/** The {@code img} tool: finds the sub-command of a command line like qemu-img's, runs it and reports its failure. */
public final class ImgTool {
    private ImgTool() {}

    /**
     * Runs {@code [-h] [-V] [-T TRACE] [-v] COMMAND ARGUMENTS}; returns the exit code of qemu-img.
     *
     * @param args without the tool's own name
     */
    public static int run(String[] args, Console console) {
        String[] words = new String[args.length + 1];
        words[0] = console.prog();
        System.arraycopy(args, 0, words, 1, args.length);
        GetOpt options = new GetOpt(
                words,
                "+hVvT:",
                LongOption.flag("help", 'h'),
                LongOption.flag("version", 'V'),
                LongOption.valued("trace", 'T'));
        Console here = console;
        try {
            if (args.length == 0) {
                throw ToolException.usage("Not enough arguments");
            }
            for (int option = options.next(); option != GetOpt.END; option = options.next()) {
                switch (option) {
                    case 'h' -> {
                        ImgHelp.print(here);
                        return 0;
                    }
                    case 'V' -> {
                        here.println(Main.versionLine());
                        return 0;
                    }
                    case 'v' -> here = here.withDebug(true);
                    case 'T' -> here.warning("trace event '" + options.argument() + "' does not exist");
                    default -> throw ImgOptions.misuse(option, options);
                }
            }
            String[] command = Arrays.copyOfRange(words, options.index(), words.length);
            return command.length == 0 ? 0 : runCommand(command, here);
        } catch (ToolException e) {
            return report(e, here);
        } catch (BlockException e) {
            here.error(e.reason());
            here.trace(e);
            return ToolException.FAILURE;
        }
    }

    /** {@code command} starts with the sub-command's name, as its parser wants it. */
    private static int runCommand(String[] command, Console console) throws ToolException, BlockException {
        return switch (command[0]) {
            case "amend" -> AmendCommand.run(command, console);
            case "bench" -> BenchCommand.run(command, console);
            case "check" -> CheckCommand.run(command, console);
            case "compare" -> CompareCommand.run(command, console);
            case "convert" -> ConvertCommand.run(command, console);
            case "create" -> CreateCommand.run(command, console);
            case "info" -> InfoCommand.run(command, console);
            case "map" -> MapCommand.run(command, console);
            case "resize" -> ResizeCommand.run(command, console);
            default -> throw ToolException.usage("Command not found: " + command[0]);
        };
    }

    private static int report(ToolException e, Console console) {
        if (!e.text().isEmpty()) {
            console.error(e.text());
        }
        if (e.isUsage()) {
            console.errorLine("Try '" + console.prog() + " --help' for more information");
        }
        console.trace(e);
        return e.exitCode();
    }
}
