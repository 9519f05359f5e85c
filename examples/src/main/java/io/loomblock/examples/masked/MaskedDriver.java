// SPDX-License-Identifier: Apache-2.0
package io.loomblock.examples.masked;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.DriverInfo;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Limits;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.Map;

/**
 * An open masked image: passes requests on to its file, behind the header, and masks what goes down and comes up.
 *
 * <p>Each request runs on the thread that makes it and takes no lock, for nothing here changes. Bounds, access, alignment and the flush of the
 * file are the node's, which is around every driver.
 */
final class MaskedDriver implements BlockDriver {
    static final String FORMAT = "masked";

    /** Longer requests come in pieces, so that none takes much of {@link #copies}. */
    private static final int MAX_TRANSFER = 256 << 10;

    private final Node file;
    private final Mask mask;
    /** Its own, for who writes holds memory while he waits for the file, and the file may be an image that copies what it is given, too. */
    private final BufferPool copies = new BufferPool(4L * BufferPool.MAX_BUFFER, 0);

    MaskedDriver(Node file, Mask mask) {
        this.file = file;
        this.mask = mask;
    }

    /** How long the file of a disk is; EFBIG if no file is. */
    static long fileLength(long diskLength) throws BlockException {
        if (diskLength > Long.MAX_VALUE - MaskedHeader.BYTES) {
            throw new BlockException(Errno.EFBIG);
        }
        return MaskedHeader.BYTES + diskLength;
    }

    @Override
    public String formatName() {
        return FORMAT;
    }

    @Override
    public long length() throws BlockException {
        return file.length() - MaskedHeader.BYTES;
    }

    /** Those of the file, but whole words only: a node reads and writes the rest of words that a request covers in part. */
    @Override
    public Limits limits() {
        Limits below = file.limits();
        return below.withAlignment(Mask.WORD, Mask.WORD)
                .withZeroAlignment(
                        Math.max(Mask.WORD, below.zeroAlignment()), Math.max(Mask.WORD, below.discardAlignment()))
                .withTransfer(below.optimalTransfer(), MAX_TRANSFER);
    }

    /** Straight into the caller's memory, where it is unmasked. */
    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        file.debugEvent(DebugEvent.READ_AIO);
        file.coReadv(MaskedHeader.BYTES + offset, bytes, qiov, qiovOffset, flags);
        mask.apply(qiov, qiovOffset, bytes);
    }

    /**
     * By way of memory of our own, for the caller's is not ours to change. No interrupt ends the wait for it: what is written may be the
     * metadata of an image inside this one.
     */
    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        try (AlignedBuffer buffer = copies.acquireReserved(bytes)) {
            IoVector masked = IoVector.of(buffer);
            qiov.copyTo(qiovOffset, buffer, 0, bytes);
            mask.apply(masked, 0, bytes);
            file.debugEvent(DebugEvent.WRITE_AIO);
            file.coWritev(MaskedHeader.BYTES + offset, bytes, masked, 0, flags);
        }
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        file.coWriteZeroes(MaskedHeader.BYTES + offset, bytes, flags);
    }

    @Override
    public void coDiscard(long offset, long bytes) throws BlockException {
        file.coDiscard(MaskedHeader.BYTES + offset, bytes);
    }

    /** The file knows what is zero; where the rest lies is nobody's business, who would find it masked. */
    @Override
    public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
        BlockStatus below = file.blockStatus(MaskedHeader.BYTES + offset, bytes);
        int flags = below.flags() & (BlockStatus.DATA | BlockStatus.ZERO);
        return BlockStatus.of(flags | BlockStatus.ALLOCATED, below.length());
    }

    @Override
    public boolean hasZeroInit() {
        return file.hasZeroInit();
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        MaskedProvider.requireSectors(length);
        file.truncate(fileLength(length), exact, preallocation);
    }

    @Override
    public DriverInfo info() {
        return new DriverInfo(0, false, Map.of("key", "0x" + Long.toHexString(mask.key())));
    }

    /** From the node above to the file, where a fault injector may listen. */
    @Override
    public void debugEvent(DebugEvent event) throws BlockException {
        file.debugEvent(event);
    }

    @Override
    public void close() {}
}
