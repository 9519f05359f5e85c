// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;

/**
 * Where blocks, chunks and their metadata lie: arithmetic only, checked against overflow. spec: fvd.md sections 3 to 5.
 *
 * <p>A block is a piece of the base image, a chunk one of the disk; they need not fit together. All values are bytes.
 *
 * @param virtualSize of the disk
 * @param baseSize bytes of the base image that show; 0 without a bitmap
 * @param dataStart where the data area starts in its file
 * @param bitmapOffset of the bitmap in the FVD file
 * @param blockLength how long a block is; none without a bitmap
 * @param tableOffset of the table in the FVD file
 * @param chunkLength how long a chunk is; none without a table
 */
record FvdLayout(
        long virtualSize,
        long baseSize,
        long dataStart,
        long bitmapOffset,
        PieceSize blockLength,
        long tableOffset,
        PieceSize chunkLength) {

    /**
     * Into what the disk is divided. Sizes are powers of two as a rule: then no request waits for a division.
     *
     * @param bytes of a piece; 0 for none
     * @param shift what the size is two to the power of, or -1
     */
    record PieceSize(long bytes, int shift) {
        static PieceSize of(long bytes) {
            return new PieceSize(bytes, Long.bitCount(bytes) == 1 ? Long.numberOfTrailingZeros(bytes) : -1);
        }

        /** How many whole pieces that is, and the number of the piece that a byte is in; at least 0. */
        long whole(long length) {
            return shift < 0 ? length / bytes : length >>> shift;
        }
    }

    /** The same with sizes in bytes, 0 for none. */
    FvdLayout(
            long virtualSize,
            long baseSize,
            long dataStart,
            long bitmapOffset,
            long blockSize,
            long tableOffset,
            long chunkSize) {
        this(
                virtualSize,
                baseSize,
                dataStart,
                bitmapOffset,
                PieceSize.of(blockSize),
                tableOffset,
                PieceSize.of(chunkSize));
    }

    static final int ENTRY_BYTES = 4;

    /** Physical chunks have lower numbers: the last one would read as empty once it is marked dirty. */
    static final long PHYSICAL_LIMIT = 0x7fffffffL;

    /** {@code a / b}, rounded up; both at least 0, b above 0. */
    static long ceilDiv(long a, long b) {
        return a / b + (a % b == 0 ? 0 : 1);
    }

    /** The next multiple; the sum must be below 2^63, as it is for all that was checked before. */
    static long roundUp(long value, long multiple) {
        return Math.multiplyExact(ceilDiv(value, multiple), multiple);
    }

    /**
     * How many entries the table of a disk has.
     *
     * @throws BlockException EINVAL if there are more than physical chunks can have numbers
     */
    static long entries(long virtualSize, long chunkSize) throws BlockException {
        long entries = ceilDiv(virtualSize, chunkSize);
        if (entries > PHYSICAL_LIMIT) {
            throw new BlockException(Errno.EINVAL, "FVD chunk_size is too small for the disk");
        }
        return entries;
    }

    /** Bytes of a table of at most 2^31 entries. */
    static long tableBytes(long entries) {
        return entries * ENTRY_BYTES;
    }

    /** Bytes of a bitmap. */
    static long bitmapBytes(long blocks) {
        return ceilDiv(blocks, Byte.SIZE);
    }

    /** Bytes of a block, 0 without a bitmap. */
    long blockSize() {
        return blockLength.bytes;
    }

    /** Bytes of a chunk, 0 without a table. */
    long chunkSize() {
        return chunkLength.bytes;
    }

    boolean hasBitmap() {
        return blockSize() > 0;
    }

    boolean isCompact() {
        return chunkSize() > 0;
    }

    /** How many blocks the base image has. */
    long blocks() {
        return hasBitmap() ? ceilDiv(baseSize, blockSize()) : 0;
    }

    /** The block that holds a byte below {@link #baseSize}. */
    long block(long pos) {
        return blockLength.whole(pos);
    }

    long blockStart(long block) {
        return block * blockSize();
    }

    /** Where a block ends: the last one where the base image does. */
    long blockEnd(long block) {
        long start = blockStart(block);
        return blockSize() < baseSize - start ? start + blockSize() : baseSize;
    }

    /** How many chunks the disk has. */
    long chunks() {
        return isCompact() ? ceilDiv(virtualSize, chunkSize()) : 0;
    }

    long chunk(long pos) {
        return chunkLength.whole(pos);
    }

    long chunkStart(long chunk) {
        return chunk * chunkSize();
    }

    /** Where the bytes of a chunk end on the disk. */
    long chunkEnd(long chunk) {
        long start = chunkStart(chunk);
        return chunkSize() < virtualSize - start ? start + chunkSize() : virtualSize;
    }

    /** Where the entry of a chunk stands in the FVD file. */
    long entryOffset(long chunk) {
        return tableOffset + chunk * ENTRY_BYTES;
    }

    /** Where the byte with the bit of a block stands in the FVD file. */
    long bitmapByte(long block) {
        return bitmapOffset + block / Byte.SIZE;
    }

    /** Whether a physical chunk has a place in a file at all. */
    boolean isPhysical(long physical) {
        return physical < PHYSICAL_LIMIT && physical < chunkLength.whole(Long.MAX_VALUE - dataStart);
    }

    /**
     * What each part of an open image may take of so many bytes of memory: the table, the bitmap, and the marks of blocks that are not
     * logged, or in their place those of a check.
     */
    long share(long budget) {
        return budget / (1 + (isCompact() ? 1 : 0) + (hasBitmap() ? 1 : 0));
    }

    /** Where a physical chunk starts in the data area's file. */
    long physicalOffset(long physical) {
        return dataStart + physical * chunkSize();
    }

    /** How many physical chunks begin inside of a file of this length. */
    long storage(long fileLength) {
        return ceilDiv(Math.max(0, fileLength - dataStart), chunkSize());
    }
}
