// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.layer;

import io.loomblock.BlockDevice;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.Main;
import io.loomblock.driver.Closer;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** A process of its own that does something with images and then tells the most memory it had resident: {@code VmHWM … kB}. */
public final class PeakMemory {
    private static final int REQUEST = 4096;
    private static final int REQUESTS = 400;

    private PeakMemory() {}

    /** Either {@code img ARGUMENTS}, or {@code open FORMAT SEED FILES} to write here and there to all of these at once. */
    public static void main(String[] args) throws Exception {
        if (args[0].equals("open")) {
            writeToAll(args[1], Long.parseLong(args[2]), Arrays.asList(args).subList(3, args.length));
        } else {
            int exit = Main.run(args, Console.system("img"));
            if (exit != 0) {
                System.exit(exit);
            }
        }
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                System.out.println(line);
            }
        }
        System.out.flush();
        System.exit(0);
    }

    private static void writeToAll(String format, long seed, List<String> files) throws Exception {
        Random random = new Random(seed);
        List<BlockDevice> devices = new ArrayList<>();
        AlignedBuffer memory = AlignedBuffer.allocate(REQUEST);
        memory.fill(0, REQUEST, (byte) 1);
        try {
            for (String file : files) {
                devices.add(BlockDevice.open(file, OpenOptions.readWrite().withFormat(format)));
            }
            for (int i = 0; i < REQUESTS; i++) {
                for (BlockDevice device : devices) {
                    long offset = random.nextLong(device.length() / REQUEST) * REQUEST;
                    device.write(offset, IoVector.of(memory));
                    device.read(offset, IoVector.of(memory));
                }
            }
        } finally {
            Closer closer = new Closer();
            devices.forEach(device -> closer.run(device::close));
            closer.throwFirst();
        }
    }
}
