// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;

/** Changes of the length of the file that has the guest's data, which is told of them; not every file can change it. spec: fvd.md section 13. */
final class DataLength {
    private DataLength() {}

    /**
     * Makes the file longer, with a hole.
     *
     * @throws BlockException ENOSPC if it cannot grow, else of the file
     */
    static void grow(Node data, long length) throws BlockException {
        data.debugEvent(DebugEvent.GROW);
        try {
            data.truncate(length, false, PreallocationMode.OFF);
        } catch (BlockException e) {
            throw e.errno() == Errno.ENOTSUP
                    ? new BlockException(Errno.ENOSPC, "The storage of an FVD image cannot grow", e)
                    : e;
        }
    }

    /**
     * Has the file end there.
     *
     * @return whether that was possible: a device, say, keeps its length
     */
    static boolean set(Node data, long end) throws BlockException {
        data.debugEvent(end > data.length() ? DebugEvent.GROW : DebugEvent.SHRINK);
        try {
            data.truncate(end, false, PreallocationMode.OFF);
            return true;
        } catch (BlockException e) {
            if (e.errno() != Errno.ENOTSUP && e.errno() != Errno.EINVAL) {
                throw e;
            }
            return false;
        }
    }
}
