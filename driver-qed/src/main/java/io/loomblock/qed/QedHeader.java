// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;

/**
 * The 64 bytes at the start of a QED image. spec: qed.md section 2.
 *
 * @param clusterSize bytes
 * @param tableSize clusters of the L1 table and of each L2 table
 * @param headerSize clusters of the header area
 * @param features bits that a reader must know
 * @param compatFeatures bits that a reader may ignore
 * @param autoclearFeatures bits that a writer clears if it does not know them
 * @param l1TableOffset bytes from the start of the file
 * @param imageSize size of the guest's disk in bytes
 * @param backingFilenameOffset bytes from the start of the file
 * @param backingFilenameSize bytes, no terminator
 */
record QedHeader(
        long clusterSize,
        long tableSize,
        long headerSize,
        long features,
        long compatFeatures,
        long autoclearFeatures,
        long l1TableOffset,
        long imageSize,
        long backingFilenameOffset,
        long backingFilenameSize) {

    /** Length of the encoded header. */
    static final int BYTES = 64;
    /** "QED\0". */
    static final int MAGIC = 0x00444551;

    static final long BACKING_FILE = 0x1;
    static final long NEED_CHECK = 0x2;
    static final long BACKING_FORMAT_NO_PROBE = 0x4;
    static final long KNOWN_FEATURES = BACKING_FILE | NEED_CHECK | BACKING_FORMAT_NO_PROBE;

    static final int MIN_CLUSTER_SIZE = 4096;
    static final int MAX_CLUSTER_SIZE = 64 << 20;
    static final int DEFAULT_CLUSTER_SIZE = 65536;
    static final int MAX_TABLE_SIZE = 16;
    static final int DEFAULT_TABLE_SIZE = 4;

    /** Longest backing name that is read; the limit of QEMU 7.2. */
    static final int MAX_BACKING_NAME = 4095;
    /** Longest backing name that is written; what every reader takes. */
    static final int MAX_NEW_BACKING_NAME = 1023;

    private static final long UNSIGNED_INT = 0xffffffffL;

    /**
     * Decodes the fields; only the magic is looked at.
     *
     * @throws BlockException EINVAL if this is no QED image
     */
    static QedHeader decode(AlignedBuffer b) throws BlockException {
        if (b.getInt(0) != MAGIC) {
            throw new BlockException(Errno.EINVAL, "Image not in QED format");
        }
        return new QedHeader(
                b.getInt(4) & UNSIGNED_INT,
                b.getInt(8) & UNSIGNED_INT,
                b.getInt(12) & UNSIGNED_INT,
                b.getLong(16),
                b.getLong(24),
                b.getLong(32),
                b.getLong(40),
                b.getLong(48),
                b.getInt(56) & UNSIGNED_INT,
                b.getInt(60) & UNSIGNED_INT);
    }

    /** Puts the 64 bytes at the start of {@code b}; the rest of it is left as it is. */
    void encode(AlignedBuffer b) {
        b.putInt(0, MAGIC);
        b.putInt(4, (int) clusterSize);
        b.putInt(8, (int) tableSize);
        b.putInt(12, (int) headerSize);
        b.putLong(16, features);
        b.putLong(24, compatFeatures);
        b.putLong(32, autoclearFeatures);
        b.putLong(40, l1TableOffset);
        b.putLong(48, imageSize);
        b.putInt(56, (int) backingFilenameOffset);
        b.putInt(60, (int) backingFilenameSize);
    }

    /**
     * Checks every field against the file, in the order of spec section 8, steps 3 to 11.
     *
     * @param fileLength bytes
     * @throws BlockException ENOTSUP for features that are not known, EINVAL for the rest
     */
    QedLayout validate(long fileLength) throws BlockException {
        if ((features & ~KNOWN_FEATURES) != 0) {
            throw new BlockException(
                    Errno.ENOTSUP, "Unsupported QED features: " + Long.toHexString(features & ~KNOWN_FEATURES));
        }
        require(isClusterSize(clusterSize), "QED cluster size is invalid");
        require(isTableSize(tableSize), "QED table size is invalid");
        require(headerSize >= 1, "QED header size is invalid");
        QedLayout layout = new QedLayout((int) clusterSize, (int) tableSize, headerSize, l1TableOffset);
        require(layout.isImageSize(imageSize), "QED image size is invalid");
        require(layout.isTable(l1TableOffset, layout.wholeClusters(fileLength)), "QED table offset is invalid");
        require(layout.headerBytes() <= UNSIGNED_INT, "QED header size is too large");
        if (has(BACKING_FILE)) {
            require(
                    backingFilenameOffset >= BYTES
                            && backingFilenameOffset + backingFilenameSize <= layout.headerBytes(),
                    "QED backing filename offset is invalid");
            require(backingFilenameSize <= MAX_BACKING_NAME, "Failed to read backing filename");
        }
        return layout;
    }

    private static void require(boolean condition, String otherwise) throws BlockException {
        if (!condition) {
            throw new BlockException(Errno.EINVAL, otherwise);
        }
    }

    static boolean isClusterSize(long bytes) {
        return bytes >= MIN_CLUSTER_SIZE && bytes <= MAX_CLUSTER_SIZE && Long.bitCount(bytes) == 1;
    }

    static boolean isTableSize(long clusters) {
        return clusters >= 1 && clusters <= MAX_TABLE_SIZE && Long.bitCount(clusters) == 1;
    }

    boolean has(long feature) {
        return (features & feature) != 0;
    }

    QedHeader withFeature(long feature, boolean on) {
        long changed = on ? features | feature : features & ~feature;
        return with(changed, autoclearFeatures, imageSize, backingFilenameOffset, backingFilenameSize);
    }

    /** No autoclear feature is defined, so a writer clears them all. */
    QedHeader withoutAutoclear() {
        return with(features, 0, imageSize, backingFilenameOffset, backingFilenameSize);
    }

    QedHeader withImageSize(long bytes) {
        return with(features, autoclearFeatures, bytes, backingFilenameOffset, backingFilenameSize);
    }

    /** With another place of the backing name; {@code size} 0 and neither flag for no backing file. */
    QedHeader withBacking(long backingFlags, long offset, long size) {
        long others = features & ~(BACKING_FILE | BACKING_FORMAT_NO_PROBE);
        return with(others | backingFlags, autoclearFeatures, imageSize, offset, size);
    }

    /** What may change once an image is made; this one if nothing does. */
    private QedHeader with(long newFeatures, long autoclear, long size, long nameOffset, long nameSize) {
        boolean same = newFeatures == features
                && autoclear == autoclearFeatures
                && size == imageSize
                && nameOffset == backingFilenameOffset
                && nameSize == backingFilenameSize;
        return same
                ? this
                : new QedHeader(
                        clusterSize,
                        tableSize,
                        headerSize,
                        newFeatures,
                        compatFeatures,
                        autoclear,
                        l1TableOffset,
                        size,
                        nameOffset,
                        nameSize);
    }
}
