// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;

/**
 * Finds the blocks of a new image's base that are zero, and presets their bits: they are served from storage that nobody has written. spec:
 * fvd.md section 16.2, E12.
 */
final class ZeroBlocks {
    private final Node base;
    private final FvdLayout layout;
    private final long stepBlocks;
    /** The step that was looked at last, and what was found. */
    private long knownStep = -1;

    private boolean knownZero;

    /** Looks at steps of {@code step} bytes, rounded up to whole blocks. */
    ZeroBlocks(Node base, FvdLayout layout, long step) {
        this.base = base;
        this.layout = layout;
        this.stepBlocks = Math.max(1, FvdLayout.ceilDiv(step, layout.blockSize()));
    }

    /** Writes the bits to the bitmap in the file, which is zero so far; {@code buffer} is for all that it needs. */
    void write(Node file, AlignedBuffer buffer) throws BlockException {
        int half = buffer.capacity() / 2;
        long perPiece = (long) half * Byte.SIZE;
        for (long first = 0; first < layout.blocks(); first += perPiece) {
            long end = Math.min(layout.blocks(), first + perPiece);
            buffer.fill(0, half, (byte) 0);
            boolean any = false;
            for (long block = first; block < end; block++) {
                if (isInZeroStep(block, buffer, half)) {
                    int at = (int) ((block - first) / Byte.SIZE);
                    buffer.putByte(at, (byte) (buffer.getByte(at) | 1 << block % Byte.SIZE));
                    any = true;
                }
            }
            if (any) {
                int bytes = (int) FvdLayout.bitmapBytes(end - first);
                file.coWritev(layout.bitmapByte(first), IoVector.of(buffer, 0, bytes));
            }
        }
    }

    private boolean isInZeroStep(long block, AlignedBuffer buffer, int scratch) throws BlockException {
        long step = block / stepBlocks;
        if (step != knownStep) {
            knownStep = step;
            long firstBlock = step * stepBlocks;
            long lastBlock = Math.min(layout.blocks(), firstBlock + stepBlocks) - 1;
            knownZero = isZero(layout.blockStart(firstBlock), layout.blockEnd(lastBlock), buffer, scratch);
        }
        return knownZero;
    }

    private boolean isZero(long start, long end, AlignedBuffer buffer, int scratch) throws BlockException {
        long readable = Math.min(end, base.length());
        for (long at = start; at < readable; ) {
            int n = (int) Math.min(buffer.capacity() - scratch, readable - at);
            base.coReadv(at, IoVector.of(buffer, scratch, n));
            if (!buffer.isZero(scratch, n)) {
                return false;
            }
            at += n;
        }
        return true;
    }
}
