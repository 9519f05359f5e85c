// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.OpenOptions;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.OptionValues;
import io.loomblock.open.GenericOptions;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code reopen}: makes the open image read-only or writable, or gives it another cache mode.
 *
 * <p>For another cache mode, or other ways to treat zeros and discards, it is closed in between, so another process may come first; then
 * it stays closed.
 */
final class ReopenCommand {
    private static final String READ_ONLY = "read-only";
    private static final String CACHE = "cache.";
    /** What may be changed; the rest belongs to the image for as long as it is open. */
    private static final Set<String> CHANGEABLE =
            Set.of(READ_ONLY, "cache.direct", "cache.no-flush", "detect-zeroes", "discard");

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
                     -o OPTS  read-only, cache.direct, cache.no-flush, detect-zeroes, discard

                    """);

    private final Invocation call;
    private @Nullable Boolean writable;
    private @Nullable CacheMode cache;
    private NodeOptions options = NodeOptions.NONE;

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
                case 'o' -> options = call.nodeOptions(value);
                default -> access(option == 'w');
            }
        } catch (OpenMode.Refused | ToolException e) {
            call.error(String.valueOf(e.getMessage()));
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
        try {
            checkTogether();
            checkChangeable();
            reopen();
        } catch (BlockException e) {
            call.error(e.reason());
        } catch (OpenMode.Refused e) {
            call.error(String.valueOf(e.getMessage()));
        }
    }

    private void checkTogether() throws OpenMode.Refused {
        if (writable != null && options.get(READ_ONLY) != null) {
            throw new OpenMode.Refused("Cannot set both -r/-w and '" + READ_ONLY + "'");
        }
        if (cache != null && options.asMap().keySet().stream().anyMatch(name -> name.startsWith(CACHE))) {
            throw new OpenMode.Refused("Cannot set both -c and the cache options");
        }
    }

    private void checkChangeable() throws OpenMode.Refused, BlockException {
        for (var option : options.asMap().entrySet()) {
            String name = option.getKey();
            DriverOption generic = DriverOption.find(GenericOptions.all(), name);
            if (CHANGEABLE.contains(name) && generic != null) {
                OptionValues.check(generic, name, option.getValue());
            } else if (!option.getValue().equals(present(name))) {
                throw new OpenMode.Refused(
                        "Cannot change the option '" + name.substring(name.lastIndexOf('.') + 1) + "'");
            }
        }
    }

    private @Nullable String present(String name) {
        return name.equals("driver")
                ? call.device().node().driver().formatName()
                : call.session().openOptions().nodeOptions().get(name);
    }

    private void reopen() throws BlockException, OpenMode.Refused {
        IoSession session = call.session();
        OpenOptions now = session.openOptions();
        boolean write = writable == null ? now.writable() : writable;
        if (write && options.get(READ_ONLY) != null) {
            // Who opened it still means to write.
            throw new OpenMode.Refused("Read-only block node cannot support read-write users");
        }
        NodeOptions others = options.without("driver");
        if (cache == null && others.isEmpty()) {
            session.reopen(write);
        } else {
            session.reopen(now.withWritable(write)
                    .withCache(cache == null ? now.cache() : cache)
                    .withNodeOptions(now.nodeOptions().without(READ_ONLY).with(others)));
        }
    }
}
