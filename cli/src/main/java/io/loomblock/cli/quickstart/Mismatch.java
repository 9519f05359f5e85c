// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import java.io.Serial;
import java.nio.ByteBuffer;

/** A disk reads as something else than the model says. */
final class Mismatch extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    /**
     * A wrong byte.
     *
     * @param when in which step it was found
     * @param offset where on the disk
     */
    Mismatch(String when, long offset, byte expected, byte found) {
        super("%s: byte at offset %d (0x%x): expected 0x%02x, found 0x%02x"
                .formatted(when, offset, offset, expected, found));
    }

    /** A disk or image that is wrong in another way. */
    Mismatch(String when, String what) {
        super(when + ": " + what);
    }

    /** Throws the first difference of two pieces of the same length, if there is any. */
    static void check(String when, long offset, ByteBuffer expected, ByteBuffer found) throws Mismatch {
        int at = expected.mismatch(found);
        if (at >= 0) {
            throw new Mismatch(
                    when, offset + at, expected.get(expected.position() + at), found.get(found.position() + at));
        }
    }
}
