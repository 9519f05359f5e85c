// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.IoVector;

/** Writes metadata, and once more where that fails, so that no sector is left half-written by a passing fault. */
public final class SectorWriter {
    private SectorWriter() {}

    /**
     * Writes metadata that is good as it is: what it says was true before this call.
     *
     * @throws BlockException of the second attempt; nobody knows then what the sectors hold, unless {@link #isIntact}
     */
    public static void write(Node file, long offset, IoVector content) throws BlockException {
        try {
            writeOnce(file, offset, content);
        } catch (BlockException first) {
            try {
                writeOnce(file, offset, content);
            } catch (BlockException second) {
                if (second != first) {
                    second.addSuppressed(first);
                }
                throw second;
            }
        }
    }

    /**
     * Writes metadata; an interrupt, while the file waits for its turn, is no failure.
     *
     * @throws BlockException of the one attempt
     */
    public static void writeOnce(Node file, long offset, IoVector content) throws BlockException {
        boolean interrupted;
        do {
            interrupted = false;
            try {
                file.coWritev(offset, content);
            } catch (BlockException e) {
                interrupted = e.errno() == Errno.EINTR;
                if (!interrupted) {
                    throw e;
                }
            }
        } while (interrupted);
    }

    /** Whether a write that failed so has left each sector either as it was or as it shall be: there was no room. */
    public static boolean isIntact(BlockException failure) {
        return failure.errno() == Errno.ENOSPC || failure.errno() == Errno.EDQUOT;
    }
}
