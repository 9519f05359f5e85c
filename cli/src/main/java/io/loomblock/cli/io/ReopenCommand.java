// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.OpenOptions;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.NodeOptions;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code reopen}: opens the image anew, read-only or writable, with another cache mode.
 *
 * <p>It is closed in between, so another process may come first; then it stays closed.
 */
final class ReopenCommand {
    static final CommandInfo INFO = new CommandInfo(
                    "reopen",
                    CommandInfo.Needs.IMAGE,
                    0,
                    CommandInfo.ANY,
                    "reopens an image with new options",
                    call -> new ReopenCommand(call).run())
            .withArguments("[(-r|-w)] [-c cache] [-o options]")
            .withDetails("""

                     'reopen -r' makes the open image read-only.

                     -r       read-only
                     -w       writable
                     -c MODE  cache mode
                     -o OPTS  options of the format, which cannot be changed yet

                    """);

    private final Invocation call;
    private @Nullable Boolean writable;
    private @Nullable CacheMode cache;

    private ReopenCommand(Invocation call) {
        this.call = call;
    }

    private void option(char option, String value) {
        if (call.failed()) {
            return;
        }
        try {
            switch (option) {
                case 'c' -> cache = OpenMode.cache(value);
                case 'o' -> refuse(call.nodeOptions(value));
                default -> access(option == 'w');
            }
        } catch (OpenMode.Refused | ToolException e) {
            call.error(String.valueOf(e.getMessage()));
        }
    }

    private static void refuse(NodeOptions options) throws OpenMode.Refused {
        for (String name : options.asMap().keySet()) {
            throw new OpenMode.Refused("Cannot change the option '" + name + "'");
        }
    }

    private void access(boolean write) throws OpenMode.Refused {
        if (writable != null) {
            throw new OpenMode.Refused("Only one -r/-w option may be given");
        }
        writable = write;
    }

    private void run() throws CommandRefused {
        List<String> operands = call.options("c:o:rw", this::option);
        if (call.failed()) {
            return;
        }
        if (!operands.isEmpty()) {
            throw call.usage();
        }
        OpenOptions now = call.session().openOptions();
        OpenOptions then = now.withWritable(writable == null ? now.writable() : writable)
                .withCache(cache == null ? now.cache() : cache);
        try {
            call.session().reopen(then);
        } catch (BlockException e) {
            call.error(e.reason());
        }
    }
}
