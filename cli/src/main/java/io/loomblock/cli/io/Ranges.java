// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.util.ArrayList;
import java.util.List;

/** Offsets and lengths of requests as arguments of commands, with the bounds that qemu-io has for them. */
final class Ranges {
    private static final int SECTOR = 512;

    private Ranges() {}

    /**
     * The length of a request in one piece.
     *
     * @param exception what the message for one that is too long says after the bound; empty, or begins with a space
     */
    static long length(Invocation call, String text, String exception) throws CommandRefused {
        long bytes = call.size(text);
        if (bytes > Buffers.MAX_REQUEST) {
            throw new CommandRefused("length cannot exceed " + Buffers.MAX_REQUEST + exception + ", given " + text);
        }
        return bytes;
    }

    /** The lengths of the pieces of a request. */
    static List<Long> lengths(Invocation call, List<String> texts) throws CommandRefused {
        List<Long> lengths = new ArrayList<>();
        long total = 0;
        for (String text : texts) {
            long bytes = call.size(text);
            if (bytes > Buffers.MAX_REQUEST) {
                throw new CommandRefused("Argument '" + text + "' exceeds maximum size " + Buffers.MAX_REQUEST);
            }
            total += bytes;
            if (total > Buffers.MAX_REQUEST) {
                throw new CommandRefused("The total number of bytes exceed the maximum size " + Buffers.MAX_REQUEST);
            }
            lengths.add(bytes);
        }
        return lengths;
    }

    /** Refuses a range that is not made of whole sectors. */
    static void requireSectors(long offset, long count) throws CommandRefused {
        requireSectors(offset, "offset");
        requireSectors(count, "count");
    }

    private static void requireSectors(long value, String what) throws CommandRefused {
        if (value % SECTOR != 0) {
            throw new CommandRefused(value + " is not a sector-aligned value for '" + what + "'");
        }
    }
}
