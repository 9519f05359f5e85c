// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

/**
 * What a driver wants of requests; {@link Node} sees to it. All sizes are bytes and powers of two.
 *
 * @param requestAlignment offsets and lengths of reads and writes are multiples of it; 1 for any
 * @param memoryAlignment addresses of the memory are multiples of it; 1 for any
 * @param zeroAlignment zero writes that are a multiple of it, and begin at one, are done without writing zeros
 * @param discardAlignment the same for discards
 * @param optimalTransfer requests of a multiple of it go fastest; 0 if it does not matter
 * @param maxTransfer the longest request; 0 for no limit
 * @param writeFlags which of {@link RequestFlags} writes know
 * @param zeroFlags which of {@link RequestFlags} zero writes know
 */
public record Limits(
        int requestAlignment,
        int memoryAlignment,
        int zeroAlignment,
        int discardAlignment,
        int optimalTransfer,
        int maxTransfer,
        int writeFlags,
        int zeroFlags) {

    /** Any request will do. */
    public static final Limits NONE = new Limits(1, 1, 1, 1, 0, 0, 0, 0);

    public Limits {
        if (Integer.bitCount(requestAlignment) != 1
                || Integer.bitCount(memoryAlignment) != 1
                || Integer.bitCount(zeroAlignment) != 1
                || Integer.bitCount(discardAlignment) != 1
                || requestAlignment < 0) {
            throw new IllegalArgumentException("alignments must be powers of two");
        }
    }

    /** The same with other alignments of reads and writes. */
    public Limits withAlignment(int request, int memory) {
        return new Limits(
                request, memory, zeroAlignment, discardAlignment, optimalTransfer, maxTransfer, writeFlags, zeroFlags);
    }

    /** The same with other alignments of zero writes and discards. */
    public Limits withZeroAlignment(int zero, int discard) {
        return new Limits(
                requestAlignment, memoryAlignment, zero, discard, optimalTransfer, maxTransfer, writeFlags, zeroFlags);
    }
}
