// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import org.jspecify.annotations.Nullable;

/**
 * One image of the chain that is being opened, and those above it: a chain that contains itself is refused by the identity of its
 * files, whatever their names.
 *
 * @param above the image that named this one, or null
 * @param identity of its file; null if there is no such thing
 */
record Ancestor(@Nullable Ancestor above, @Nullable Object identity) {
    /** Longer chains are refused; each level costs stack and open files. */
    private static final int MAX_DEPTH = 200;

    /** Throws ELOOP if an image above is the same file as this one. */
    void refuseLoop(@Nullable String filename) throws BlockException {
        int depth = 0;
        for (Ancestor a = above; a != null; a = a.above) {
            if (identity != null && identity.equals(a.identity)) {
                throw new BlockException(Errno.ELOOP, "Backing file '" + filename + "' creates an infinite loop.");
            }
            if (++depth > MAX_DEPTH) {
                throw new BlockException(Errno.ELOOP, "Backing chain is longer than " + MAX_DEPTH + " images");
            }
        }
    }
}
