// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/**
 * What clusters show that the data file does not have: the backing file, in whole sectors and as far as it reaches by now, zeros after it. spec:
 * addcow.md section 8, R1.
 */
final class GrowingBacking {
    private final @Nullable Node backing;
    private final @Nullable WholeSectors length;

    /** {@code backing} is null where there is none, or the opener wants none. */
    GrowingBacking(@Nullable Node backing) {
        this.backing = backing;
        this.length = backing == null ? null : WholeSectors.of(backing);
    }

    boolean isOpen() {
        return backing != null;
    }

    /** How many of the {@code bytes} bytes at {@code pos} the backing file has. */
    long reach(long pos, long bytes) throws BlockException {
        return backing == null || length == null ? 0 : Math.max(0, Math.min(bytes, end(backing, length) - pos));
    }

    /** Where it ends now: one that has grown since it was opened is told to look, or it would refuse reads that far out (R1). */
    private static long end(Node backing, WholeSectors length) throws BlockException {
        long end = length.length();
        if (end > backing.length()) {
            backing.refresh();
        }
        return end;
    }

    /** Reads what clusters show; the backing file hears of {@code step} first. */
    void read(DebugEvent step, long pos, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        int inside = (int) reach(pos, bytes);
        if (inside > 0 && backing != null) {
            backing.debugEvent(step);
            backing.coReadv(pos, inside, qiov, qiovOffset, 0);
        }
        if (inside < bytes) {
            qiov.fill(qiovOffset + inside, bytes - inside, (byte) 0);
        }
    }
}
