// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.Errno;
import java.util.List;

/** Breakpoints of the fault injector: {@code break}, {@code remove_break}, {@code resume} and {@code wait_break}. */
final class DebugCommands {
    private static final String NOT_HERE = Errno.ENOTSUP.text();

    // No driver has breakpoints without the fault injector, so each answers as qemu-io does for any other image.
    private static final CommandInfo BREAK = command(
                    "break",
                    2,
                    "sets a breakpoint on event and tags the stopped request as tag",
                    call -> call.fail("Could not set breakpoint: " + NOT_HERE))
            .withArguments("event tag");

    private static final CommandInfo REMOVE = command(
                    "remove_break",
                    1,
                    "remove a breakpoint by tag",
                    call -> call.fail(
                            "Could not remove breakpoint " + call.arguments().get(0) + ": " + NOT_HERE))
            .withArguments("tag");

    private static final CommandInfo RESUME = command(
                    "resume",
                    1,
                    "resumes the request tagged as tag",
                    call -> call.fail("Could not resume request: " + NOT_HERE))
            .withArguments("tag");

    private static final CommandInfo WAIT = command(
                    "wait_break",
                    1,
                    "waits for the suspension of a request",
                    call -> call.fail("Could not wait for a request: " + NOT_HERE))
            .withArguments("tag");

    private DebugCommands() {}

    static List<CommandInfo> all() {
        return List.of(BREAK, REMOVE, RESUME, WAIT);
    }

    private static CommandInfo command(String name, int words, String summary, CommandInfo.Action action) {
        return new CommandInfo(name, CommandInfo.Needs.IMAGE, words, words, summary, action);
    }
}
