// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockException;
import java.nio.ByteBuffer;

/** What a disk reads as before anything is written to it. For any number of threads. */
interface Contents {
    /** Fills {@code target}'s remaining bytes with what is at {@code offset}. */
    void read(long offset, ByteBuffer target) throws BlockException;

    /**
     * How many bytes from {@code offset} on are known, without reading them, to be zero.
     *
     * @param limit not to look further than this many bytes, above 0
     * @return 0 to {@code limit}
     */
    long zeros(long offset, long limit) throws BlockException;
}
