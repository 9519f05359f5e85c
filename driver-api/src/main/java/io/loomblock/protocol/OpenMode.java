// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

/**
 * How a descriptor is opened.
 *
 * @param writable for reading and writing, else for reading
 * @param direct past the page cache (O_DIRECT)
 * @param create where there is no such file, an empty one is made
 */
record OpenMode(boolean writable, boolean direct, boolean create) {
    /** Whether a descriptor opened like this serves who wants {@code wanted}. */
    boolean serves(OpenMode wanted) {
        return direct == wanted.direct && (writable || !wanted.writable);
    }
}
