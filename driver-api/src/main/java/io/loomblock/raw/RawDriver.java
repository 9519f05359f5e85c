// SPDX-License-Identifier: Apache-2.0
package io.loomblock.raw;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.DriverInfo;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Limits;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;

/**
 * A raw image: passes requests on to its file.
 *
 * <p>A file whose length is not a multiple of 512 has zeros up to the next one. An image that was only guessed to be raw refuses
 * writes to its first bytes that would make it look like another format (QEMU iotest 109); whole sectors are written then, so that a
 * header cannot come about in parts, or by zeros. spec: block-layer.md section 5, "Probing".
 */
final class RawDriver implements BlockDriver {
    private static final int SECTOR = 512;

    private final Node file;
    private final boolean guessed;
    private final BufferPool pool;

    RawDriver(Node file, boolean guessed, BufferPool pool) {
        this.file = file;
        this.guessed = guessed;
        this.pool = pool;
    }

    @Override
    public String formatName() {
        return "raw";
    }

    @Override
    public long length() throws BlockException {
        long bytes = file.length();
        if (bytes > Long.MAX_VALUE - SECTOR + 1) {
            throw new BlockException(Errno.EFBIG, "Could not refresh total sector count: " + Errno.EFBIG.text());
        }
        return bytes + SECTOR - 1 & -SECTOR;
    }

    @Override
    public Limits limits() {
        // The file's node aligns; flags go through to it.
        Limits below = file.limits();
        int least = guessed ? SECTOR : 1;
        return below.withAlignment(least, 1)
                .withZeroAlignment(Math.max(least, below.zeroAlignment()), Math.max(least, below.discardAlignment()));
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        file.debugEvent(DebugEvent.READ_AIO);
        file.coReadv(offset, bytes, qiov, qiovOffset, flags);
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        if (guessed && offset < Drivers.PROBE_BYTES) {
            refuseDisguise(offset, bytes, qiov, qiovOffset);
        }
        file.debugEvent(DebugEvent.WRITE_AIO);
        file.coWritev(offset, bytes, qiov, qiovOffset, flags);
    }

    private void refuseDisguise(long offset, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        try (AlignedBuffer head = pool.acquireReserved(Drivers.PROBE_BYTES)) {
            head.fill(0, Drivers.PROBE_BYTES, (byte) 0);
            int length = Drivers.probeLength(file.length());
            file.coReadv(0, length, IoVector.of(head), 0, 0);
            int n = (int) Math.min(bytes, Drivers.PROBE_BYTES - offset);
            qiov.copyTo(qiovOffset, head, (int) offset, n);
            if (!Drivers.probe(head, Math.max(length, (int) offset + n))
                    .formatName()
                    .equals("raw")) {
                throw new BlockException(
                        Errno.EPERM, "Writing another format's header to an image that was only guessed to be raw");
            }
        }
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        file.coWriteZeroes(offset, bytes, flags);
    }

    @Override
    public void coDiscard(long offset, long bytes) throws BlockException {
        file.coDiscard(offset, bytes);
    }

    @Override
    public BlockStatus blockStatus(long offset, long bytes) {
        return BlockStatus.at(BlockStatus.RAW, bytes, offset);
    }

    /** What the file says of its clusters is true of the image too. */
    @Override
    public DriverInfo info() throws BlockException {
        DriverInfo below = file.info();
        return new DriverInfo(below.clusterSize(), below.dirty(), null);
    }

    @Override
    public long clusterSize() throws BlockException {
        return file.clusterSize();
    }

    @Override
    public boolean hasZeroInit() {
        return file.hasZeroInit();
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        file.truncate(length, exact, preallocation);
    }

    @Override
    public void debugEvent(DebugEvent event) throws BlockException {
        file.debugEvent(event);
    }

    @Override
    public void close() {}
}
