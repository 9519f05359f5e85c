// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.GIB;
import static io.loomblock.iotests.ports.PortImages.KIB;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.iotests.ports.Requests.Row;
import java.util.List;

/**
 * The disk of iotests 017 and 018: {@code top} over {@code base}, with sectors of both in turn, and a stretch of each alone.
 *
 * @param bases where the base is
 * @param overlays where the overlay is
 */
record Interleaved(PortImages bases, PortImages overlays) {
    private static final long SIZE = 6 * GIB;
    private static final List<Long> PLACES = List.of(0L, 4 * GIB);

    void create() throws BlockException {
        bases.create("base", SIZE);
        try (BlockDevice base = bases.open("base")) {
            for (long at : PLACES) {
                new Row(at, 512, KIB, 64).write(base);
                whole(at + 64 * KIB).write(base);
            }
        }
        bases.expectClean("base");
        overlays.createOver(bases, "base", "top", CreateOptions.ofSize(SIZE));
        try (BlockDevice top = overlays.open("top")) {
            for (long at : PLACES) {
                new Row(at + 512, 512, KIB, 64).write(top);
                whole(at + 128 * KIB).write(top);
            }
        }
        overlays.expectClean("top");
    }

    /** Fails unless the disk reads as the two together. */
    void expect(BlockDevice device) throws BlockException {
        for (long at : PLACES) {
            new Row(at, 512, 512, 128).expect(device);
            whole(at + 64 * KIB).expect(device);
            whole(at + 128 * KIB).expect(device);
            new Row(at + 320 * KIB, 64 * KIB, 64 * KIB, 1).expectZeros(device);
        }
    }

    /** 64 KiB in one request, of the value that its sector number gives it. */
    private static Row whole(long start) {
        return new Row(start + 512, 63 * KIB, 64 * KIB, 1);
    }
}
