// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.Limits;
import io.loomblock.driver.Node;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does every read and write twice, to an image under test and to a raw copy, and fails where the two do not agree.
 *
 * <p>QEMU ends the process then; here the request fails with EIO, in the same words, which are logged too. Requests that overlap while
 * one of them writes may be seen as a difference that is none. spec: block-layer.md section 8.
 */
final class BlkverifyDriver extends FilterDriver {
    private static final Logger LOG = LoggerFactory.getLogger(BlkverifyDriver.class);

    /** How much of the copy is read at once. */
    private static final int PIECE = 1 << 20;

    private final Node raw;
    private final Node test;
    /** Its own: who holds a piece waits for the nodes below. */
    private final BufferPool pieces = new BufferPool(4L * BufferPool.MAX_BUFFER, 0);

    BlkverifyDriver(Node raw, Node test) {
        super(raw);
        this.raw = raw;
        this.test = test;
    }

    @Override
    public String formatName() {
        return "blkverify";
    }

    @Override
    public long length() throws BlockException {
        return test.length();
    }

    /** Reads past the end of the image under test are errors, whatever the copy does. */
    @Override
    public boolean growable() {
        return false;
    }

    /** As of any protocol that is not a file. */
    @Override
    public long allocatedFileSize() {
        return -1;
    }

    /** Zeros are written out, and so land in both. */
    @Override
    public Limits limits() {
        return Limits.NONE;
    }

    @Override
    public boolean hasZeroInit() {
        return raw.hasZeroInit() && test.hasZeroInit();
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        try (AlignedBuffer copy = pieces.acquire(Math.min(PIECE, bytes))) {
            for (int done = 0; done < bytes; ) {
                int n = Math.min(bytes - done, copy.capacity());
                long at = offset + done;
                int into = qiovOffset + done;
                both(
                        "read",
                        at,
                        n,
                        () -> test.coReadv(at, n, qiov, into, flags),
                        () -> raw.coReadv(at, n, IoVector.of(copy, 0, n), 0, 0));
                int difference = difference(qiov, into, copy, n);
                if (difference < n) {
                    throw found("read", offset, bytes, "contents mismatch at offset " + (at + difference));
                }
                done += n;
            }
        }
    }

    /** Index of the first byte that differs, or {@code length}. */
    private static int difference(IoVector qiov, int qiovOffset, AlignedBuffer copy, int length) {
        for (int done = 0; done < length; ) {
            int position = qiovOffset + done;
            int piece = qiov.pieceAt(position);
            int inside = position - qiov.start(piece);
            int n = Math.min(length - done, qiov.length(piece) - inside);
            int at = qiov.buffer(piece).mismatch(qiov.offset(piece) + inside, copy, done, n);
            if (at >= 0) {
                return done + at;
            }
            done += n;
        }
        return length;
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        both(
                "write",
                offset,
                bytes,
                () -> test.coWritev(offset, bytes, qiov, qiovOffset, flags),
                () -> raw.coWritev(offset, bytes, qiov, qiovOffset, flags & ~RequestFlags.NO_WAIT));
    }

    /** Requests to one of the two. */
    @FunctionalInterface
    private interface Request {
        void run() throws BlockException;
    }

    /**
     * Runs both; they must succeed, or fail with the same error, which is thrown. A request that the image under test did not begin is
     * not made to the copy either, and one that it did is: an interrupt must not make a difference.
     */
    private static void both(String operation, long offset, long bytes, Request test, Request raw)
            throws BlockException {
        BlockException ofTest = failure(test);
        if (ofTest != null && isNotBegun(ofTest)) {
            throw ofTest;
        }
        BlockException ofRaw = uninterrupted(raw);
        if (result(ofTest) != result(ofRaw)) {
            throw found(operation, offset, bytes, "return value mismatch " + result(ofTest) + " != " + result(ofRaw));
        }
        if (ofTest != null) {
            throw ofTest;
        }
    }

    private static @Nullable BlockException failure(Request request) {
        try {
            request.run();
            return null;
        } catch (BlockException e) {
            return e;
        }
    }

    private static boolean isNotBegun(BlockException failure) {
        return failure.errno() == Errno.EINTR || failure.errno() == Errno.EAGAIN;
    }

    /** Its failure; interrupts that come meanwhile are left for the caller to see. */
    private static @Nullable BlockException uninterrupted(Request request) {
        boolean interrupted = Thread.interrupted();
        BlockException failure = failure(request);
        while (failure != null && failure.errno() == Errno.EINTR && Thread.interrupted()) {
            interrupted = true;
            failure = failure(request);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return failure;
    }

    private static int result(@Nullable BlockException failure) {
        return failure == null ? 0 : -failure.errno().number();
    }

    private static BlockException found(String operation, long offset, long bytes, String difference) {
        String message = "blkverify: " + operation + " offset=" + offset + " bytes=" + bytes + " " + difference;
        LOG.error(message);
        return new BlockException(Errno.EIO, message);
    }

    /** Not possible for both at once. */
    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        throw new BlockException(Errno.ENOTSUP);
    }

    @Override
    public void coDiscard(long offset, long bytes) {
        // What a discarded range reads as is not defined, so that the two could differ.
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        test.truncate(length, exact, preallocation);
        raw.truncate(length, exact, preallocation);
    }
}
