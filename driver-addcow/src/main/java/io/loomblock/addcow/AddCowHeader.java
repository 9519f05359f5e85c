// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The 76 bytes at the start of an add-cow file. spec: addcow.md section 2.
 *
 * @param backing where the name of the backing file stands; {@link NamePlace#NONE} if there is none
 * @param image where the name of the data file stands
 * @param clusterBits log2 of the cluster size
 * @param features bits that a reader must know; none is defined
 * @param compatFeatures bits that a reader may ignore
 * @param headerSize where the bitmap starts, in bytes
 * @param backingFormat format of the backing file; 16 characters if no NUL ends it in the file
 * @param imageFormat format of the data file, likewise
 */
record AddCowHeader(
        NamePlace backing,
        NamePlace image,
        long clusterBits,
        long features,
        long compatFeatures,
        long headerSize,
        String backingFormat,
        String imageFormat) {

    /** Length of the encoded header. */
    static final int BYTES = 76;
    /** "ACOW". */
    static final int MAGIC = 0x574f4341;
    /** Every cluster is in the data file: neither bitmap nor backing file mean anything. */
    static final long ALL_ALLOCATED = 0x1;

    static final int MIN_CLUSTER_BITS = 12;
    static final int MAX_CLUSTER_BITS = 21;
    static final int DEFAULT_CLUSTER_SIZE = 65536;

    /** Longest name of a file, in bytes. */
    static final int MAX_NAME = 1023;
    /** Longest name of a format. */
    static final int MAX_FORMAT = 15;

    private static final int FORMAT_FIELD = 16;
    private static final int BACKING_FORMAT = 44;
    private static final int IMAGE_FORMAT = 60;
    private static final long UNSIGNED_INT = 0xffffffffL;

    /**
     * Where a name stands in the header.
     *
     * @param offset bytes from the start of the file
     * @param size bytes, no terminator
     */
    record NamePlace(long offset, long size) {
        static final NamePlace NONE = new NamePlace(0, 0);

        long end() {
            return offset + size;
        }

        boolean overlaps(NamePlace other) {
            return Math.max(offset, other.offset) < Math.min(end(), other.end());
        }

        private boolean isInside(long headerSize) {
            return offset >= BYTES && size >= 1 && size <= MAX_NAME && end() <= headerSize;
        }
    }

    /**
     * Decodes the fields; only the magic is looked at.
     *
     * @throws BlockException EINVAL if this is no add-cow image
     */
    static AddCowHeader decode(AlignedBuffer b) throws BlockException {
        require(b.getInt(0) == MAGIC, "Image not in add-cow format");
        return new AddCowHeader(
                new NamePlace(b.getInt(4) & UNSIGNED_INT, b.getInt(8) & UNSIGNED_INT),
                new NamePlace(b.getInt(12) & UNSIGNED_INT, b.getInt(16) & UNSIGNED_INT),
                b.getInt(20) & UNSIGNED_INT,
                b.getLong(24),
                b.getLong(32),
                b.getInt(40) & UNSIGNED_INT,
                format(b, BACKING_FORMAT),
                format(b, IMAGE_FORMAT));
    }

    private static String format(AlignedBuffer b, int at) {
        byte[] field = new byte[FORMAT_FIELD];
        b.get(at, field, 0, FORMAT_FIELD);
        int length = 0;
        while (length < FORMAT_FIELD && field[length] != 0) {
            length++;
        }
        return new String(field, 0, length, StandardCharsets.ISO_8859_1);
    }

    /** Puts the 76 bytes at the start of {@code b}; the rest of it is left as it is. */
    void encode(AlignedBuffer b) {
        b.putInt(0, MAGIC);
        b.putInt(4, (int) backing.offset);
        b.putInt(8, (int) backing.size);
        b.putInt(12, (int) image.offset);
        b.putInt(16, (int) image.size);
        b.putInt(20, (int) clusterBits);
        b.putLong(24, features);
        b.putLong(32, compatFeatures);
        b.putInt(40, (int) headerSize);
        putFormat(b, BACKING_FORMAT, backingFormat);
        putFormat(b, IMAGE_FORMAT, imageFormat);
    }

    private static void putFormat(AlignedBuffer b, int at, String format) {
        byte[] bytes = format.getBytes(StandardCharsets.ISO_8859_1);
        b.fill(at, FORMAT_FIELD, (byte) 0);
        b.put(at, bytes, 0, Math.min(bytes.length, FORMAT_FIELD));
    }

    /**
     * Checks every field by itself, in the order of spec section 7, rows 3 to 8.
     *
     * @throws BlockException ENOTSUP for features and header sizes that are not known, EINVAL for the rest
     */
    AddCowLayout validate() throws BlockException {
        if (features != 0) {
            throw new BlockException(Errno.ENOTSUP, "Unsupported add-cow features: 0x" + Long.toHexString(features));
        }
        require(clusterBits >= MIN_CLUSTER_BITS && clusterBits <= MAX_CLUSTER_BITS, "add-cow cluster size is invalid");
        AddCowLayout layout = new AddCowLayout((int) clusterBits);
        if (headerSize != layout.headerSize()) {
            throw new BlockException(Errno.ENOTSUP, "Unsupported add-cow header size: " + headerSize);
        }
        if (namesBacking()) {
            require(backing.isInside(headerSize), "add-cow backing file name is out of bounds");
            require(isFormat(backingFormat), "add-cow backing format is invalid");
        }
        require(image.isInside(headerSize), "add-cow image file name is out of bounds");
        require(isFormat(imageFormat), "add-cow image format is invalid");
        require(!namesBacking() || !backing.overlaps(image), "add-cow file names overlap");
        return layout;
    }

    private static void require(boolean condition, String otherwise) throws BlockException {
        if (!condition) {
            throw new BlockException(Errno.EINVAL, otherwise);
        }
    }

    private static boolean isFormat(String name) {
        return !name.isEmpty() && name.length() <= MAX_FORMAT;
    }

    boolean allAllocated() {
        return (compatFeatures & ALL_ALLOCATED) != 0;
    }

    /** Whether there is a backing file that matters. */
    boolean namesBacking() {
        return !allAllocated() && !backing.equals(NamePlace.NONE);
    }

    AddCowHeader withBacking(NamePlace place, String format) {
        return new AddCowHeader(place, image, clusterBits, features, compatFeatures, headerSize, format, imageFormat);
    }

    AddCowHeader withAllAllocated() {
        long changed = compatFeatures | ALL_ALLOCATED;
        return new AddCowHeader(backing, image, clusterBits, features, changed, headerSize, backingFormat, imageFormat);
    }
}
