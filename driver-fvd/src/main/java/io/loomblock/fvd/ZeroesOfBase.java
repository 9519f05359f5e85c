// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.Node;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the base image is known to have nothing but zeros, without its being read. Thread-safe.
 *
 * <p>The last answer is remembered, as writes come in a row, and to find where data ends may be to go through all extents of a file. But
 * zeros only as long as nobody could write to the base image since it was opened: after a commit to it, say, there may be data. Who writes to
 * it past its locks changes what the image holds in any case.
 */
final class ZeroesOfBase {
    /** How far a look goes, in bytes; twice as far as the last one where writes go on behind zeros. */
    private static final long LOOK = 64L << 20;

    private static final long LONGEST_LOOK = 8L << 30;

    private final BackingFile base;
    /** All that the base image is made of. */
    private final List<Node> nodes = new ArrayList<>();

    private volatile Area known = new Area(0, 0, false);

    private record Area(long start, long end, boolean isZero) {
        boolean contains(long at) {
            return start <= at && at < end;
        }

        /** How far to look from {@code from} on, where this is not enough to answer for {@code [from, to)}. */
        long nextLook(long from, long to) {
            boolean goesOn = isZero && start <= from && from - end < LOOK && to > end;
            return goesOn ? Math.clamp(2 * (end - start), LOOK, LONGEST_LOOK) : LOOK;
        }
    }

    ZeroesOfBase(BackingFile base) {
        this.base = base;
        add(base.backing());
    }

    private void add(@Nullable Node node) {
        if (node != null) {
            nodes.add(node);
            node.children().values().forEach(this::add);
        }
    }

    /** Whether all of {@code [start, end)} is known to be zeros. */
    boolean cover(long start, long end) throws BlockException {
        Area last = known;
        if (last.contains(start) && !last.isZero) {
            return false;
        }
        if (last.contains(start) && end <= last.end && isConstant()) {
            return true;
        }
        BlockStatus status = status(start, Math.max(last.nextLook(start, end), end - start));
        Area found = new Area(start, start + status.length(), status.isZero());
        known = found;
        return found.isZero && end <= found.end;
    }

    /** Looked at after what is remembered: who could write after that was found could write before this. */
    private boolean isConstant() {
        for (int i = 0; i < nodes.size(); i++) {
            if (!nodes.get(i).isConstant()) {
                return false;
            }
        }
        return true;
    }

    /** What cannot be found out is data: reading it tells why. */
    private BlockStatus status(long start, long bytes) throws BlockException {
        try {
            return base.status(start, bytes);
        } catch (BlockException e) {
            if (e.errno() == Errno.EINTR) {
                throw e;
            }
            return BlockStatus.of(BlockStatus.DATA, bytes);
        }
    }
}
