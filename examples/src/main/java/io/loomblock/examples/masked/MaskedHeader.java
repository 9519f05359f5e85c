// SPDX-License-Identifier: Apache-2.0
package io.loomblock.examples.masked;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;

/**
 * The first 4096 bytes of a masked image: magic at 0, version at 8 (an int), key at 16 (a long), little-endian; the rest is zero.
 *
 * <p>The disk follows, up to the end of the file, so there is no length that could be wrong.
 */
record MaskedHeader(int version, long key) {
    /** Where the disk begins: what is aligned for it is aligned for the file. */
    static final int BYTES = 4096;

    static final int VERSION = 1;

    private static final long MAGIC = 0x4b5349444b53414dL; // "MASKDISK"
    private static final int VERSION_AT = 8;
    private static final int KEY_AT = 16;
    private static final int END = 24;

    /** Whether the first {@code length} bytes of a file are those of a masked image, of whatever version. */
    static boolean isIn(AlignedBuffer head, int length) {
        return length >= END && head.getLong(0) == MAGIC;
    }

    /**
     * Decodes and checks the header: nothing in a file is trusted.
     *
     * @throws BlockException EINVAL if this is no masked image, ENOTSUP if it is of a version to come
     */
    static MaskedHeader decode(AlignedBuffer head) throws BlockException {
        if (!isIn(head, head.capacity())) {
            throw new BlockException(Errno.EINVAL, "Image not in masked format");
        }
        MaskedHeader header = new MaskedHeader(head.getInt(VERSION_AT), head.getLong(KEY_AT));
        if (header.version != VERSION) {
            throw new BlockException(Errno.ENOTSUP, "Unsupported version of the masked format: " + header.version);
        }
        if (header.key == 0) {
            throw new BlockException(Errno.EINVAL, "The key of a masked image is not zero");
        }
        return header;
    }

    void encode(AlignedBuffer head) {
        head.fill(0, BYTES, (byte) 0);
        head.putLong(0, MAGIC);
        head.putInt(VERSION_AT, version);
        head.putLong(KEY_AT, key);
    }
}
