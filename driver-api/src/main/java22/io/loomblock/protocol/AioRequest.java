// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.lang.foreign.Arena;

/**
 * One of a queue's requests as the kernel wants it told ({@code struct iocb}), and the thread that waits for it. Used again and again.
 *
 * <p>What is written before the call that begins it is seen by who has learned of its end: the kernel stands between the two.
 */
final class AioRequest extends Rendezvous {
    private static final int IOCB_BYTES = 64;
    private static final int DATA = 0;
    private static final int RW_FLAGS = 12;
    private static final int COMMAND = 16;
    private static final int FD = 20;
    private static final int ADDRESS = 24;
    private static final int LENGTH = 32;
    private static final int OFFSET = 40;

    /** The iocb, and behind it its address: io_submit(2) takes a list of addresses, here of one. */
    private final Struct memory = Struct.allocate(Arena.ofAuto(), IOCB_BYTES + Long.BYTES);

    private long result;

    /**
     * One not yet described.
     *
     * @param number what the kernel says of the event at its end
     */
    AioRequest(long number) {
        memory.setLong(DATA, number);
        memory.setLong(IOCB_BYTES, memory.address());
    }

    /**
     * Describes it; the thread that calls this is the one that will wait.
     *
     * @param flags RWF_NOWAIT if it is to fail rather than wait before it has begun, or 0
     */
    void begin(short command, int flags, int fd, long address, int length, long offset) {
        memory.setInt(RW_FLAGS, flags);
        memory.setShort(COMMAND, command);
        memory.setInt(FD, fd);
        memory.setLong(ADDRESS, address);
        memory.setLong(LENGTH, length);
        memory.setLong(OFFSET, offset);
        begin();
    }

    /** Where io_submit(2) finds it. */
    long pointer() {
        return memory.address() + IOCB_BYTES;
    }

    /** It has come to its end. */
    void end(long bytesOrErrno) {
        result = bytesOrErrno;
        finish();
    }

    /** Waits for that: bytes done, or an errno negated. */
    long result() {
        await();
        return result;
    }
}
