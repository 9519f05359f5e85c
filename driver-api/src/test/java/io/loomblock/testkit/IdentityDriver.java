// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.BlockException;
import io.loomblock.driver.BlockDriver;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.RequestLog.Kind;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A driver that remembers whose memory it was handed, to show that nothing was copied on the way. Thread-safe. */
public final class IdentityDriver extends ForwardingDriver {
    /**
     * A request with the memory it came with.
     *
     * @param qiov the very object
     */
    public record Handed(Kind kind, long offset, int length, IoVector qiov, int qiovOffset) {
        /** Whether the request used this buffer, with its byte 0 being {@code at} bytes into it. */
        public boolean uses(AlignedBuffer buffer, int at) {
            int piece = qiov.pieceAt(qiovOffset);
            int inside = qiovOffset - qiov.start(piece);
            return qiov.buffer(piece) == buffer && qiov.offset(piece) + inside == at;
        }
    }

    private final List<Handed> handed = new CopyOnWriteArrayList<>();

    public IdentityDriver(BlockDriver below) {
        super(below);
    }

    /** The requests so far. */
    public List<Handed> handed() {
        return handed;
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        handed.add(new Handed(Kind.READ, offset, bytes, qiov, qiovOffset));
        super.coReadv(offset, bytes, qiov, qiovOffset, flags);
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        handed.add(new Handed(Kind.WRITE, offset, bytes, qiov, qiovOffset));
        super.coWritev(offset, bytes, qiov, qiovOffset, flags);
    }
}
