// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/**
 * What shows through where an image has nothing itself: its backing file as far as that reaches now, zeros after it. spec: qed.md section
 * 10.2; fvd.md section 8, E24.
 *
 * @param file the image's own file, which is told of each read
 * @param backing null where there is none, or the opener wants none: all is zeros then
 */
public record BackingFile(Node file, @Nullable Node backing) {
    public boolean isOpen() {
        return backing != null;
    }

    /** How many of the {@code bytes} bytes at {@code pos} the backing file has; 0 behind its end. */
    public long reach(long pos, long bytes) throws BlockException {
        return backing == null ? 0 : Math.max(0, Math.min(bytes, backing.length() - pos));
    }

    /** What is known of the bytes at {@code pos}, at most {@code bytes} of them, without their being read: zeros behind the end. */
    public BlockStatus status(long pos, long bytes) throws BlockException {
        long inside = reach(pos, bytes);
        if (inside == 0 || backing == null) {
            return BlockStatus.of(BlockStatus.ZERO, bytes);
        }
        BlockStatus status = backing.blockStatus(pos, inside);
        return status.isZero() && status.length() == inside ? BlockStatus.of(BlockStatus.ZERO, bytes) : status;
    }

    /** Reads {@code bytes} bytes at {@code pos} into {@code qiov} from {@code qiovOffset} on. */
    public void read(long pos, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        int inside = (int) reach(pos, bytes);
        if (inside > 0 && backing != null) {
            file.debugEvent(DebugEvent.READ_BACKING_AIO);
            backing.coReadv(pos, inside, qiov, qiovOffset, 0);
        }
        if (inside < bytes) {
            qiov.fill(qiovOffset + inside, bytes - inside, (byte) 0);
        }
    }
}
