// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;

/** Draws what an image itself, without its backing file, has allocated: a line of characters, each for a part of the disk. */
final class AllocationPicture {
    static final String LEGEND = "# data, + data in parts, 0 zeros, . nothing";
    private static final int WIDTH = 64;

    private AllocationPicture() {}

    static String of(BlockDevice device) throws BlockException {
        long length = device.length();
        StringBuilder picture = new StringBuilder(WIDTH);
        for (int i = 0; i < WIDTH; i++) {
            long start = part(length, i);
            long end = part(length, i + 1);
            if (start < end) {
                picture.append(cell(device, start, end));
            }
        }
        return picture.toString();
    }

    private static long part(long length, int index) {
        return length / WIDTH * index + length % WIDTH * index / WIDTH;
    }

    private static char cell(BlockDevice device, long start, long end) throws BlockException {
        boolean data = false;
        boolean zero = false;
        boolean nothing = false;
        for (long at = start; at < end; ) {
            BlockStatus status = device.blockStatus(at, end - at);
            if (status.length() == 0) {
                break;
            }
            data |= status.isData();
            zero |= status.isAllocated() && status.isZero() && !status.isData();
            nothing |= !status.isAllocated() && !status.isData();
            at += status.length();
        }
        if (data) {
            return zero || nothing ? '+' : '#';
        }
        return zero ? '0' : '.';
    }
}
