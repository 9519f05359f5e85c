// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

/**
 * Where the bits lie: pure arithmetic, exact for every disk below 2^63 bytes. spec: addcow.md section 2, "Bitmap".
 *
 * <p>The bitmap begins right after the header, a bit for each cluster, the lowest bit of a byte first. It is as long as needed, rounded up
 * to a cluster (a table, in the format's words).
 *
 * @param clusterBits log2 of the cluster size, 12 to 21
 */
record AddCowLayout(int clusterBits) {
    static final int SECTOR = 512;
    private static final int MIN_HEADER = 4096;

    int clusterSize() {
        return 1 << clusterBits;
    }

    /** Where the bitmap starts in the add-cow file. */
    int headerSize() {
        return Math.max(MIN_HEADER, clusterSize());
    }

    /** The cluster that holds a guest byte. */
    long cluster(long pos) {
        return pos >>> clusterBits;
    }

    /** Where a cluster starts on the guest's disk. */
    long start(long cluster) {
        return cluster << clusterBits;
    }

    int offsetInCluster(long pos) {
        return (int) pos & (clusterSize() - 1);
    }

    /** How many clusters a disk of this size has; the last one may be incomplete. */
    long clusters(long size) {
        return cluster(size) + (offsetInCluster(size) == 0 ? 0 : 1);
    }

    /** Where the byte with a cluster's bit lies in the add-cow file. */
    long byteOffset(long cluster) {
        return headerSize() + (cluster >>> 3);
    }

    /** Where the bits of a disk of this size end in the add-cow file, whole bytes. */
    long endOfBits(long size) {
        return byteOffset(clusters(size) + 7);
    }

    /** How long the add-cow file of a disk of this size is at least: header and whole tables. */
    long fileLength(long size) {
        long bitmap = endOfBits(size) - headerSize();
        return headerSize() + start(clusters(bitmap));
    }

    static boolean isClusterSize(long bytes) {
        return bytes >= 1L << AddCowHeader.MIN_CLUSTER_BITS
                && bytes <= 1L << AddCowHeader.MAX_CLUSTER_BITS
                && Long.bitCount(bytes) == 1;
    }
}
