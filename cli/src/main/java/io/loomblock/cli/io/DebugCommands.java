// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.Breakpoints;
import io.loomblock.driver.DebugEvent;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Breakpoints of the fault injector: {@code break}, {@code remove_break}, {@code resume} and {@code wait_break}. */
final class DebugCommands {
    private static final CommandInfo BREAK = command(
                    "break", 2, "sets a breakpoint on event and tags the stopped request as tag", DebugCommands::set)
            .withArguments("event tag");

    private static final CommandInfo REMOVE = command(
                    "remove_break", 1, "remove a breakpoint by tag", DebugCommands::remove)
            .withArguments("tag");

    private static final CommandInfo RESUME = command(
                    "resume", 1, "resumes the request tagged as tag", DebugCommands::resume)
            .withArguments("tag");

    private static final CommandInfo WAIT = command(
                    "wait_break", 1, "waits for the suspension of a request", DebugCommands::await)
            .withArguments("tag");

    private DebugCommands() {}

    static List<CommandInfo> all() {
        return List.of(BREAK, REMOVE, RESUME, WAIT);
    }

    private static CommandInfo command(String name, int words, String summary, CommandInfo.Action action) {
        return new CommandInfo(name, CommandInfo.Needs.IMAGE, words, words, summary, action);
    }

    /** Null if no node of the image injects faults. */
    private static @Nullable Breakpoints breakpoints(Invocation call) {
        return Breakpoints.of(call.device().node());
    }

    /** The reason for a command that did nothing. */
    private static String why(@Nullable Breakpoints breakpoints) {
        return (breakpoints == null ? Errno.ENOTSUP : Errno.ENOENT).text();
    }

    private static void set(Invocation call) {
        Breakpoints breakpoints = breakpoints(call);
        DebugEvent event = DebugEvent.ofName(call.arguments().get(0));
        if (breakpoints == null || event == null) {
            call.fail("Could not set breakpoint: " + why(breakpoints));
            return;
        }
        String tag = call.arguments().get(1);
        // Printed out of turn: whoever has it may be waiting for this request.
        breakpoints.suspendAt(event, tag, () -> call.out().print("blkdebug: Suspended request '" + tag + "'\n"));
    }

    private static void remove(Invocation call) {
        Breakpoints breakpoints = breakpoints(call);
        String tag = call.arguments().get(0);
        boolean resumed = breakpoints != null && resumeOne(call, breakpoints, tag);
        if (breakpoints == null || !(breakpoints.remove(tag) || resumed)) {
            call.fail("Could not remove breakpoint " + tag + ": " + why(breakpoints));
        }
    }

    private static void resume(Invocation call) {
        Breakpoints breakpoints = breakpoints(call);
        if (breakpoints == null
                || !resumeOne(call, breakpoints, call.arguments().get(0))) {
            call.fail("Could not resume request: " + why(breakpoints));
        }
    }

    private static boolean resumeOne(Invocation call, Breakpoints breakpoints, String tag) {
        if (!breakpoints.isSuspended(tag)) {
            return false;
        }
        call.out().print("blkdebug: Resuming request '" + tag + "'\n");
        return breakpoints.resume(tag);
    }

    private static void await(Invocation call) {
        Breakpoints breakpoints = breakpoints(call);
        if (breakpoints == null) {
            call.fail("Could not wait for a request: " + why(null));
            return;
        }
        String tag = call.arguments().get(0);
        call.session().background().giveTurn(() -> {
            try {
                breakpoints.awaitSuspended(tag);
            } catch (BlockException e) {
                call.fail("Could not wait for a request: " + e.reason());
            }
        });
    }
}
