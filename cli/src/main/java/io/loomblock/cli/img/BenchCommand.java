// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.Node;
import java.util.Locale;

/** {@code img bench}: makes many requests of one kind and tells how long they took. */
final class BenchCommand {
    private final BenchOptions options;
    private final Console console;

    private BenchCommand(BenchOptions options, Console console) {
        this.options = options;
        this.console = console;
    }

    static int run(String[] args, Console console) throws ToolException, BlockException {
        BenchOptions options = BenchOptions.parse(args, console);
        if (options.help) {
            ImgHelp.print(console);
            return 0;
        }
        new BenchCommand(options, console).bench();
        return 0;
    }

    private void bench() throws ToolException, BlockException {
        CacheMode cache = cache();
        OpenOptions how = Images.readOnly()
                .withWritable(options.write)
                .withFormat(options.format)
                .withCache(cache)
                .withForceShare(options.forceShare);
        try (BlockDevice device = Images.open(options.filename, options.imageOpts, how, console)) {
            if (options.nativeAio && !cache.direct() && isLocal(device.node())) {
                throw ToolException.failure("Could not open '" + options.filename
                        + "': aio=native was specified, but it requires cache.direct=on, which was not specified.");
            }
            announce();
            long nanos = load(device);
            console.println(String.format(Locale.ROOT, "Run completed in %3.3f seconds.", nanos / 1e9));
        }
    }

    private CacheMode cache() throws ToolException {
        try {
            return CacheMode.ofName(options.cache);
        } catch (IllegalArgumentException e) {
            throw ToolException.failure("Invalid cache mode", ToolException.FAILURE, e);
        }
    }

    /** Whether the image lies in a file or device of this machine: the engines that QEMU has are for those. */
    private static boolean isLocal(Node top) {
        Node node = top;
        for (Node below = node.child(Node.FILE); below != null; below = node.child(Node.FILE)) {
            node = below;
        }
        String protocol = node.driver().formatName();
        return protocol.equals("file") || protocol.equals("host_device");
    }

    private void announce() {
        console.println("Sending " + options.count + (options.write ? " write" : " read") + " requests, " + options.size
                + " bytes each, " + options.depth + " in parallel (starting at offset " + options.offset
                + ", step size " + step() + ")");
        if (options.flushInterval > 0) {
            console.println("Sending flush every " + options.flushInterval + " requests");
        }
    }

    private int step() {
        return options.step == 0 ? options.size : options.step;
    }

    private long load(BlockDevice device) throws ToolException, BlockException {
        BenchPlan plan = new BenchPlan(
                options.count, options.depth, options.offset, step(), options.flushInterval, device.length());
        Byte pattern = options.write ? (byte) options.pattern : null;
        try (BenchLoad load = new BenchLoad(device, plan, options.size, pattern, options.drain)) {
            return load.run();
        }
    }
}
