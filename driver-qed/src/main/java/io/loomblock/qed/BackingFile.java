// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/** What shows through where the image has nothing: the backing file as far as it reaches, zeros after it. spec: qed.md section 10.2. */
record BackingFile(Node file, @Nullable Node backing) {
    boolean isOpen() {
        return backing != null;
    }

    /** How many of the {@code bytes} bytes at {@code pos} the backing file has. */
    long reach(long pos, long bytes) throws BlockException {
        return backing == null ? 0 : Math.max(0, Math.min(bytes, backing.length() - pos));
    }

    void read(long pos, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
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
