// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

/**
 * Where things lie in a QED image: pure arithmetic on valid cluster and table sizes, none of which can overflow. spec: qed.md
 * sections 2 to 4.
 *
 * @param clusterSize bytes, a power of two, 2^12 to 2^26
 * @param tableSize clusters of a table, a power of two, 1 to 16
 * @param headerSize clusters of the header area, 1 to 2^32-1
 * @param l1Offset where the L1 table starts in the file, as the header says
 */
record QedLayout(int clusterSize, int tableSize, long headerSize, long l1Offset) {
    /** Sectors are what a disk writes atomically. */
    static final int SECTOR = 512;

    private static final long LARGEST_SIZE = Long.MAX_VALUE & -SECTOR;

    int clusterBits() {
        return Integer.numberOfTrailingZeros(clusterSize);
    }

    /** Bytes of a table: at most 2^30. */
    int tableBytes() {
        return clusterSize * tableSize;
    }

    /** Entries of a table. */
    int tableEntries() {
        return tableBytes() / Long.BYTES;
    }

    /** log2 of the guest bytes that one L2 table maps: at most 53. */
    int l1Shift() {
        return clusterBits() + Integer.numberOfTrailingZeros(tableEntries());
    }

    int l1Index(long pos) {
        return (int) (pos >>> l1Shift());
    }

    int l2Index(long pos) {
        return (int) (pos >>> clusterBits()) & (tableEntries() - 1);
    }

    int offsetInCluster(long pos) {
        return (int) pos & (clusterSize - 1);
    }

    /** Where the span of guest bytes ends that the L2 table of {@code pos} maps; saturates. */
    long endOfSpan(long pos) {
        long end = ((pos >>> l1Shift()) + 1) << l1Shift();
        return end <= 0 ? Long.MAX_VALUE : end;
    }

    /** Clusters that {@code bytes} bytes fill, the last one perhaps in part. */
    long clusters(long bytes) {
        return (bytes >>> clusterBits()) + ((bytes & (clusterSize - 1)) == 0 ? 0 : 1);
    }

    /** The largest guest size that two levels of tables map, at most 2^63-512. */
    long maxImageSize() {
        int bits = l1Shift() + Integer.numberOfTrailingZeros(tableEntries());
        return bits >= Long.SIZE - 1 ? LARGEST_SIZE : 1L << bits;
    }

    boolean isImageSize(long bytes) {
        return bytes >= 0 && bytes % SECTOR == 0 && bytes <= maxImageSize();
    }

    /** L1 entries that a guest's disk of this size uses. */
    int usedL1Entries(long imageSize) {
        return imageSize == 0 ? 0 : l1Index(imageSize - 1) + 1;
    }

    /** Bytes of the header area; may be beyond 32 bits in a bad header. */
    long headerBytes() {
        return headerSize * clusterSize;
    }

    /** {@code fileLength} without the part of a cluster at its end. */
    long wholeClusters(long fileLength) {
        return fileLength & -(long) clusterSize;
    }

    /** Whether a cluster may lie at {@code offset} in a file of {@code fileEnd} bytes of whole clusters. */
    boolean isCluster(long offset, long fileEnd) {
        return (offset & (clusterSize - 1)) == 0 && offset >= headerBytes() && offset < fileEnd;
    }

    /** Whether a table may. */
    boolean isTable(long offset, long fileEnd) {
        return isCluster(offset, fileEnd) && tableBytes() <= fileEnd - offset;
    }

    boolean isInL1(long offset) {
        return offset >= l1Offset && offset - l1Offset < tableBytes();
    }

    /** Whether the table at {@code offset} shares a cluster with the L1 table. */
    boolean overlapsL1(long offset) {
        return isInL1(offset) || isInL1(offset + tableBytes() - 1);
    }
}
