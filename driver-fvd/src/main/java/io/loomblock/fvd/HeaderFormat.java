// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;

/** How a header stands in the file: one of the two layouts. spec: fvd.md sections 2 and 14. */
sealed interface HeaderFormat permits HeaderV1, HeaderV2 {
    /** The area that both layouts keep for the header. */
    int AREA = 8192;

    /** Areas begin and end at multiples of so many bytes, as far as we make them. */
    int ALIGNMENT = 4096;

    /** Bytes that tell which layout it is. */
    int PROBE_BYTES = 8;

    /** 1 or 2. */
    int version();

    /** Length of the encoded header. */
    int bytes();

    /** Longest name of a file, in bytes of UTF-8. */
    default int maxName() {
        return 1023;
    }

    /** Longest name of a format. */
    default int maxFormatName() {
        return 15;
    }

    /** Longest add_storage_cmd. */
    int maxCommand();

    /**
     * The area of a table that starts where {@code current} does, for a disk of this size.
     *
     * @throws BlockException EINVAL if there are more chunks than can have numbers
     */
    Area tableArea(Area current, long virtualSize, long chunkSize) throws BlockException;

    /** Decodes all fields; only strings and signs are looked at. */
    FvdHeader decode(AlignedBuffer bytes) throws BlockException;

    /** Puts the fields where they stand, and leaves alone what else there is. */
    void encode(FvdHeader header, AlignedBuffer bytes);

    /** Whether there is any FVD magic. */
    static boolean hasMagic(AlignedBuffer head) {
        return head.getInt(0) == HeaderV1.MAGIC || head.getInt(0) == HeaderV2.MAGIC;
    }

    /** Whether these first bytes are of a known layout. */
    static boolean isKnown(AlignedBuffer head) {
        return isLayout(head, HeaderV1.INSTANCE, HeaderV1.MAGIC) || isLayout(head, HeaderV2.INSTANCE, HeaderV2.MAGIC);
    }

    private static boolean isLayout(AlignedBuffer head, HeaderFormat format, int magic) {
        return head.getInt(0) == magic && head.getInt(4) == format.version();
    }

    /**
     * The layout of this header.
     *
     * @throws BlockException EINVAL without a magic, ENOTSUP for an unknown version
     */
    static HeaderFormat of(AlignedBuffer head) throws BlockException {
        if (isLayout(head, HeaderV1.INSTANCE, HeaderV1.MAGIC)) {
            return HeaderV1.INSTANCE;
        }
        if (isLayout(head, HeaderV2.INSTANCE, HeaderV2.MAGIC)) {
            return HeaderV2.INSTANCE;
        }
        if (hasMagic(head)) {
            throw new BlockException(
                    Errno.ENOTSUP, "Unsupported FVD version " + Integer.toUnsignedString(head.getInt(4)));
        }
        throw new BlockException(Errno.EINVAL, "Image not in FVD format");
    }
}
