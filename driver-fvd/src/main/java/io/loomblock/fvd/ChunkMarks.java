// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;

/** Which physical chunks of a part of the storage somebody has named: a bit for each. */
final class ChunkMarks implements AutoCloseable {
    private static final long MIN_BYTES = 64 << 10;
    private static final long MAX_BYTES = 64 << 20;

    private final long first;
    private final long end;
    private final AlignedBuffer bits;

    /** Marks for {@code [first, end)}, none set. */
    ChunkMarks(long first, long end) throws BlockException {
        this.first = first;
        this.end = end;
        this.bits = AlignedBuffer.allocate((int) FvdLayout.ceilDiv(end - first, Long.SIZE) * Long.BYTES);
    }

    /** How many chunks are marked at a time within {@code budget} bytes of memory. */
    static long most(long budget) {
        return Math.clamp(budget, MIN_BYTES, MAX_BYTES) * Byte.SIZE;
    }

    /** Whether this is one of the chunks that have a mark here. */
    boolean covers(long physical) {
        return physical >= first && physical < end;
    }

    /** Marks a chunk; false if it is marked already. */
    boolean mark(long physical) {
        long number = physical - first;
        int at = (int) (number / Long.SIZE) * Long.BYTES;
        long word = bits.getLong(at);
        bits.putLong(at, word | 1L << number);
        return (word >>> number & 1) == 0;
    }

    @Override
    public void close() {
        bits.close();
    }
}
