// SPDX-License-Identifier: Apache-2.0
package io.loomblock.examples.masked;

import io.loomblock.memory.IoVector;
import java.nio.LongBuffer;

/**
 * What stands in the file for a word of the disk: the word XORed with a key, but zero for zero.
 *
 * <p>Zero stays zero so that holes of the file are zeros of the disk, and new images, zero writes and discards cost nothing. The key, which
 * zero would have come from, then stays the key: so this undoes itself.
 *
 * @param key not zero
 */
record Mask(long key) {
    /** Bytes that are masked as one, at multiples of it, little-endian. */
    static final int WORD = Long.BYTES;

    long of(long word) {
        return word == 0 || word == key ? word : word ^ key;
    }

    /** Masks, or unmasks, {@code bytes} bytes of {@code qiov} from {@code position} on, whose pieces are whole words. */
    void apply(IoVector qiov, int position, int bytes) {
        for (int done = 0; done < bytes; ) {
            int piece = qiov.pieceAt(position + done);
            int inside = position + done - qiov.start(piece);
            int n = Math.min(bytes - done, qiov.length(piece) - inside);
            apply(qiov.buffer(piece).nio(qiov.offset(piece) + inside, n).asLongBuffer());
            done += n;
        }
    }

    private void apply(LongBuffer words) {
        for (int i = 0; i < words.limit(); i++) {
            words.put(i, of(words.get(i)));
        }
    }
}
