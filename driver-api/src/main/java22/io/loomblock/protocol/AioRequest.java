// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

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
    private final MemorySegment memory = Arena.ofAuto().allocate(IOCB_BYTES + Long.BYTES, Long.BYTES);

    private long result;

    /**
     * One not yet described.
     *
     * @param number what the kernel says of the event at its end
     */
    AioRequest(long number) {
        memory.set(ValueLayout.JAVA_LONG, DATA, number);
        memory.set(ValueLayout.JAVA_LONG, IOCB_BYTES, memory.address());
    }

    /**
     * Describes it; the thread that calls this is the one that will wait.
     *
     * @param flags RWF_NOWAIT if it is to fail rather than wait before it has begun, or 0
     */
    void begin(short command, int flags, int fd, long address, int length, long offset) {
        memory.set(ValueLayout.JAVA_INT, RW_FLAGS, flags);
        memory.set(ValueLayout.JAVA_SHORT, COMMAND, command);
        memory.set(ValueLayout.JAVA_INT, FD, fd);
        memory.set(ValueLayout.JAVA_LONG, ADDRESS, address);
        memory.set(ValueLayout.JAVA_LONG, LENGTH, length);
        memory.set(ValueLayout.JAVA_LONG, OFFSET, offset);
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
