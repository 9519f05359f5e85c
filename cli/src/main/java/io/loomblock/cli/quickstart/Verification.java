// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;

/** Compares every byte of a disk, or a part that is spread over it, with the model; only what both say is zero without reading is not read. */
final class Verification {
    static final int STEP = 1 << 20;

    private Verification() {}

    /**
     * Reads the whole disk, or where requests were made and one of so many megabytes elsewhere.
     *
     * @param when named in the mismatch
     * @param stride of how many megabytes one is read; 1 for all of them
     */
    static void run(String when, BlockDevice device, Model model, long stride) throws BlockException, Mismatch {
        if (device.length() != model.length()) {
            throw new Mismatch(when, "the disk has " + device.length() + " bytes instead of " + model.length());
        }
        try (AlignedBuffer buffer = BufferPool.shared().acquire(STEP)) {
            long at = 0;
            while (at < model.length()) {
                long left = STEP - at % STEP;
                if (at / STEP % stride != 0 && !model.isWritten(at)) {
                    at += leftOut(at, stride, model.uniform(at));
                    continue;
                }
                long zeros = zeros(device, model, at);
                at += zeros > 0 ? zeros : compare(when, device, model, at, (int) left, buffer);
            }
        }
    }

    /** How many bytes to the next megabyte that is verified, or to where requests were made if these {@code most} bytes end before. */
    private static long leftOut(long at, long stride, long most) {
        long left = STEP - at % STEP;
        long others = stride - 1 - at / STEP % stride;
        return most <= left || others > (most - left) / STEP ? most : left + others * STEP;
    }

    private static long zeros(BlockDevice device, Model model, long at) throws BlockException {
        long expected = model.zeros(at, model.uniform(at));
        if (expected == 0) {
            return 0;
        }
        BlockStatus status = device.layeredStatus(at, expected).status();
        return status.isZero() ? status.length() : 0;
    }

    private static int compare(String when, BlockDevice device, Model model, long at, int most, AlignedBuffer buffer)
            throws BlockException, Mismatch {
        int bytes = (int) Math.min(most, model.uniform(at));
        device.read(at, IoVector.of(buffer, 0, bytes));
        Mismatch.check(when, at, model.expected(at, bytes), buffer.nio(0, bytes));
        return bytes;
    }
}
