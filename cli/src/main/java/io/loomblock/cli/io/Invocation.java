// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockDevice;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.NodeOptions;
import java.io.PrintStream;
import java.util.List;

/** One call of a command: its words, where its output goes, and whether it succeeded. */
final class Invocation {
    private final IoSession session;
    private final CommandInfo command;
    private final List<String> words;
    private boolean failed;

    /** {@code words} begin with the name that the user typed. */
    Invocation(IoSession session, CommandInfo command, List<String> words) {
        this.session = session;
        this.command = command;
        this.words = words;
    }

    /** Takes an option of the command. */
    @FunctionalInterface
    interface OptionHandler {
        /**
         * Called for each option in order.
         *
         * @param value empty for an option that takes none
         */
        void accept(char option, String value) throws CommandRefused;
    }

    IoSession session() {
        return session;
    }

    /** The open image; only for commands that need one. */
    BlockDevice device() {
        return session.openDevice();
    }

    PrintStream out() {
        return session.out();
    }

    /** The words after the name, options and all. */
    List<String> arguments() {
        return words.subList(1, words.size());
    }

    /**
     * Parses options.
     *
     * @param letters as getopt wants them
     * @return the words that are no options
     * @throws CommandRefused with the usage for an option that there is not
     */
    List<String> options(String letters, OptionHandler handler) throws CommandRefused {
        GetOpt options = new GetOpt(words.toArray(new String[0]), letters);
        for (int option = options.next(); option != GetOpt.END; option = options.next()) {
            if (option == GetOpt.UNKNOWN || option == GetOpt.MISSING_ARGUMENT) {
                session.err().println(words.get(0) + ": " + options.complaint());
                throw usage();
            }
            boolean takesValue = letters.indexOf((char) option + ":") >= 0;
            handler.accept((char) option, takesValue ? options.argument() : "");
        }
        return List.of(options.operands());
    }

    /** A size in bytes. */
    long size(String text) throws CommandRefused {
        return Numbers.size(text, session.err(), session.program());
    }

    /** Options of nodes, as {@code driver=qed,file.filename=x}. */
    NodeOptions nodeOptions(String list) throws ToolException {
        return session.nodeOptions(list);
    }

    /** The refusal that shows how to call the command. */
    CommandRefused usage() {
        return new CommandRefused(command.usage(command.name()));
    }

    /** The command did not do what it should have; it has said so, or leaves it at the exit code. */
    void fail() {
        failed = true;
    }

    /** Prints a line on standard output and fails. */
    void fail(String line) {
        out().print(line + "\n");
        fail();
    }

    /** Prints a line on standard error after the name of the program, and fails. */
    void error(String message) {
        session.err().println(session.program() + ": " + message);
        fail();
    }

    boolean failed() {
        return failed;
    }
}
