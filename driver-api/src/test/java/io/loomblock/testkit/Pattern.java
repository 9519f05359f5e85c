// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

/** Bytes that tell by which write, and for which place on the disk, they were made. */
public final class Pattern {
    private Pattern() {}

    /** Fills {@code count} bytes of {@code target} with what write {@code id} puts at {@code offset} and after. */
    public static void fill(long id, long offset, byte[] target, int targetOffset, int count) {
        long word = -1;
        long bits = 0;
        for (int i = 0; i < count; i++) {
            long at = offset + i;
            if (at >>> 3 != word) {
                word = at >>> 3;
                bits = mix(id * 0x9E3779B97F4A7C15L + word);
            }
            target[targetOffset + i] = (byte) (bits >>> ((at & 7) << 3));
        }
    }

    /** What write {@code id} puts at {@code [offset, offset + count)}. */
    public static byte[] bytes(long id, long offset, int count) {
        byte[] bytes = new byte[count];
        fill(id, offset, bytes, 0, count);
        return bytes;
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
