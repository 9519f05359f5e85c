// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;

/** The status of one layer: what its driver says, and what a file, a filtered node or the lack of a backing file adds to that. */
final class LayerStatus {
    private LayerStatus() {}

    /**
     * The status from {@code offset} on, inside the node, over {@code bytes} at most, above 0.
     *
     * @throws BlockException EIO if the driver's answer is for nothing, or for more than it was asked; else of drivers
     */
    static BlockStatus of(Node node, long offset, long bytes) throws BlockException {
        BlockDriver driver = node.driver();
        BlockStatus status = told(driver, offset, bytes);
        Node filtered = driver.filtered();
        if (filtered != null && status.isRaw()) {
            BlockStatus shown = filtered.blockStatus(status.hostOffset(), status.length());
            if (shown.length() == 0) {
                // A filter may be longer than what it stands on; there is nothing past that one's end.
                return BlockStatus.of(BlockStatus.ZERO | BlockStatus.ALLOCATED, status.length());
            }
            return shown.withFlags(shown.flags() & ~BlockStatus.EOF);
        }
        if (status.isRaw()) {
            Node file = node.child(Node.FILE);
            if (file != null && status.hostOffset() < file.length()) {
                BlockStatus below = file.blockStatus(status.hostOffset(), status.length());
                return below.withFlags(below.flags() & ~BlockStatus.EOF | BlockStatus.ALLOCATED);
            }
            return BlockStatus.at(BlockStatus.ZERO | BlockStatus.ALLOCATED, status.length(), status.hostOffset());
        }
        if (status.isAllocated() || status.isZero()) {
            return status;
        }
        Node backing = node.backing();
        long backingLength = backing == null ? 0 : backing.length();
        if (offset >= backingLength) {
            return status.withFlags(status.flags() | BlockStatus.ZERO);
        }
        return status.clip(backingLength - offset);
    }

    /** What a driver answers, of which nothing is believed that would keep somebody asking for ever, or lead him past what he asked for. */
    static BlockStatus told(BlockDriver driver, long offset, long bytes) throws BlockException {
        BlockStatus status = driver.blockStatus(offset, bytes);
        if (status.length() <= 0 || status.length() > bytes) {
            throw new BlockException(
                    Errno.EIO,
                    "Driver '" + driver.formatName() + "' told the status of " + status.length()
                            + " bytes when asked for " + bytes);
        }
        return status;
    }
}
