// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import com.sun.management.OperatingSystemMXBean;
import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.Main;
import io.loomblock.memory.AlignedBuffer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Runs commands one after the other in one JVM, so that {@code jmh/compare} measures a warm one.
 *
 * <p>Each line of the standard input is a command line of {@code img}, its words parted by tabs, or {@code random FORMAT read|write CACHE
 * COUNT DEPTH SIZE FILE}, which makes requests at random places. After its output comes a line {@code == EXIT PROCESSOR_SECONDS}.
 */
public final class ToolServer {
    private static final OperatingSystemMXBean SYSTEM =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private ToolServer() {}

    /** Serves until the standard input ends. */
    public static void main(String[] args) throws IOException {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        Console console = new Console("img", false, System.in, out, out);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            long begin = SYSTEM.getProcessCpuTime();
            int exit = run(line.split("\t"), console);
            long nanos = SYSTEM.getProcessCpuTime() - begin;
            console.println(String.format(Locale.ROOT, "== %d %.6f", exit, nanos / 1e9));
            out.flush();
        }
    }

    private static int run(String[] words, Console console) {
        if (!words[0].equals("random")) {
            String[] command = new String[words.length + 1];
            command[0] = "img";
            System.arraycopy(words, 0, command, 1, words.length);
            return Main.run(command, console);
        }
        try {
            console.println(String.format(Locale.ROOT, "Run completed in %.6f seconds.", random(words) / 1e9));
            return 0;
        } catch (BlockException e) {
            console.error(e.reason());
            return 1;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 1;
        }
    }

    /** Nanoseconds of the requests. */
    private static long random(String[] words) throws BlockException, InterruptedException {
        boolean write = words[2].equals("write");
        int count = Integer.parseInt(words[4]);
        int depth = Integer.parseInt(words[5]);
        int size = Integer.parseInt(words[6]);
        OpenOptions options =
                OpenOptions.readOnly().withWritable(write).withFormat(words[1]).withCache(CacheMode.ofName(words[3]));
        try (BlockDevice device = BlockDevice.open(words[7], options)) {
            AlignedBuffer memory = AlignedBuffer.allocate(depth * size);
            Request request = write ? device::write : device::read;
            long start = System.nanoTime();
            Load.run(RandomLane.lanes(depth, count, size, memory, device.length(), request));
            return System.nanoTime() - start;
        }
    }
}
