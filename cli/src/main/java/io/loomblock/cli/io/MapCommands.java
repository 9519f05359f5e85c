// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import java.util.List;

/** {@code alloc} and {@code map}: what the image itself holds, its backing file left out. */
final class MapCommands {
    private static final long SECTOR = 512;

    private static final CommandInfo ALLOC = new CommandInfo(
                    "alloc",
                    CommandInfo.Needs.IMAGE,
                    1,
                    2,
                    "checks if offset is allocated in the file",
                    MapCommands::alloc)
            .withAlias("a")
            .withArguments("offset [count]");

    private static final CommandInfo MAP = new CommandInfo(
                    "map", CommandInfo.Needs.IMAGE, 0, 0, "prints the allocated areas of a file", MapCommands::map)
            .withArguments("");

    private MapCommands() {}

    static List<CommandInfo> all() {
        return List.of(ALLOC, MAP);
    }

    private static void alloc(Invocation call) throws CommandRefused {
        List<String> arguments = call.arguments();
        long start = call.size(arguments.get(0));
        long count = arguments.size() > 1 ? call.size(arguments.get(1)) : SECTOR;
        try {
            BlockDevice device = call.device();
            long allocated = 0;
            long looked = 0;
            while (looked < count) {
                BlockStatus status = device.blockStatus(start + looked, count - looked);
                if (status.length() == 0) {
                    break;
                }
                allocated += status.isAllocated() ? status.length() : 0;
                looked += status.length();
            }
            call.out().print(allocated + "/" + looked + " bytes allocated at offset " + Report.size(start) + "\n");
        } catch (BlockException e) {
            throw new CommandRefused("is_allocated failed: " + e.errno().text());
        }
    }

    private static void map(Invocation call) {
        try {
            BlockDevice device = call.device();
            long length = device.length();
            long offset = 0;
            while (offset < length) {
                boolean allocated = device.blockStatus(offset, length - offset).isAllocated();
                long end = endOfRun(device, offset, length, allocated);
                if (end == offset) {
                    call.error("Unexpected end of image");
                    return;
                }
                printRun(call, offset, end - offset, allocated);
                offset = end;
            }
        } catch (BlockException e) {
            call.error("Failed to get allocation status: " + e.errno().text());
        }
    }

    private static long endOfRun(BlockDevice device, long offset, long length, boolean allocated)
            throws BlockException {
        while (offset < length) {
            BlockStatus status = device.blockStatus(offset, length - offset);
            if (status.isAllocated() != allocated || status.length() == 0) {
                return offset;
            }
            offset += status.length();
        }
        return offset;
    }

    private static void printRun(Invocation call, long offset, long bytes, boolean allocated) {
        call.out()
                .print(Report.size(bytes) + " (0x" + Long.toHexString(bytes) + ") bytes "
                        + (allocated ? "    allocated" : "not allocated") + " at offset " + Report.size(offset) + " (0x"
                        + Long.toHexString(offset) + ")\n");
    }
}
