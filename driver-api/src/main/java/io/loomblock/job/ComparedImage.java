// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.LayeredStatus;
import io.loomblock.job.ImageComparison.ComparisonException;
import io.loomblock.job.ImageComparison.Step;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;

/**
 * One of the two images of a comparison.
 *
 * @param length in bytes
 * @param first whether it is the first of the two
 */
record ComparedImage(BlockDevice device, long length, boolean first) {
    /** The status of the beginning of a range. */
    BlockStatus status(long at, long bytes) throws ComparisonException {
        try {
            LayeredStatus found = device.layeredStatus(at, bytes);
            BlockStatus status = found.status();
            // Past the end of a shorter backing file the zeros come from that file.
            boolean allocated = status.isAllocated() || found.layer().backing() != null;
            int flags = status.flags() | (allocated ? BlockStatus.ALLOCATED : 0);
            boolean atEnd = at + status.length() == length;
            return status.withFlags(atEnd ? flags | BlockStatus.EOF : flags & ~BlockStatus.EOF);
        } catch (BlockException e) {
            throw new ComparisonException(Step.STATUS, first, at, e);
        }
    }

    /** Reads {@code bytes} that lie {@code from} bytes behind the beginning of a piece to {@code base} of the memory. */
    void read(long piece, int from, int bytes, AlignedBuffer memory, int base) throws ComparisonException {
        try {
            device.read(piece + from, IoVector.of(memory, base, bytes));
        } catch (BlockException e) {
            throw new ComparisonException(Step.READ, first, piece, e);
        }
    }
}
