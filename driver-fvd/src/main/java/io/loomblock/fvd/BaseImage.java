// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/**
 * The base image as far as it shows: up to the size that the header records, whatever it has now, and zeros where it has become shorter.
 * spec: fvd.md section 8, E24.
 *
 * @param file is told of each step
 * @param node null where there is none, or the opener wants none: it reads as zeros
 */
record BaseImage(Node file, @Nullable Node node) {
    /** Reads; the caller stays below the recorded size. */
    void read(long pos, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        int inside = node == null ? 0 : (int) Math.max(0, Math.min(bytes, node.length() - pos));
        if (inside > 0 && node != null) {
            file.debugEvent(DebugEvent.READ_BACKING_AIO);
            node.coReadv(pos, inside, qiov, qiovOffset, 0);
        }
        if (inside < bytes) {
            qiov.fill(qiovOffset + inside, bytes - inside, (byte) 0);
        }
    }

    /** How many of the {@code bytes} bytes at {@code pos} the base image has now. */
    long reach(long pos, long bytes) throws BlockException {
        return node == null ? 0 : Math.max(0, Math.min(bytes, node.length() - pos));
    }
}
