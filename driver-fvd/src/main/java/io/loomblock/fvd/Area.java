// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

/**
 * A part of the FVD file that holds one kind of metadata.
 *
 * @param offset bytes from the start of the file; 0 where there is none
 * @param size bytes; 0 where there is none
 */
record Area(long offset, long size) {
    static final Area NONE = new Area(0, 0);

    boolean isEmpty() {
        return size == 0;
    }

    /** One past the last byte; negative if no file can be so long. */
    long end() {
        return offset + size;
    }

    boolean overlaps(Area other) {
        return !isEmpty() && !other.isEmpty() && offset < other.end() && other.offset < end();
    }
}
