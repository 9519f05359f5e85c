// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

/**
 * What a driver wants of requests; {@link Node} sees to it. All sizes are bytes.
 *
 * @param requestAlignment offsets and lengths of reads and writes are multiples of it, a power of two up to {@link
 *     #MAX_ALIGNMENT}; 1 for any
 * @param memoryAlignment addresses of the memory are multiples of it, a power of two; 1 for any
 * @param zeroAlignment zero writes that are a multiple of it, and begin at one, are done without writing zeros
 * @param discardAlignment the same for discards
 * @param optimalTransfer requests of a multiple of it go fastest; 0 if it does not matter
 * @param maxTransfer the longest read or write; 0 for no limit
 * @param maxZeroes the longest zero write; 0 for no limit
 * @param maxDiscard the longest discard; 0 for no limit
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
        long maxZeroes,
        long maxDiscard,
        int writeFlags,
        int zeroFlags) {

    /** The coarsest alignment of requests, 1 MiB: a block that is written in part is read into one buffer as a whole. */
    public static final int MAX_ALIGNMENT = 1 << 20;

    /** Any request will do. */
    public static final Limits NONE = new Limits(1, 1, 1, 1, 0, 0, 0, 0, 0, 0);

    public Limits {
        if (Integer.bitCount(requestAlignment) != 1
                || Integer.bitCount(memoryAlignment) != 1
                || requestAlignment < 0
                || memoryAlignment < 0) {
            throw new IllegalArgumentException("alignments of requests must be powers of two");
        }
        if (requestAlignment > MAX_ALIGNMENT) {
            throw new IllegalArgumentException("requests aligned to more than " + MAX_ALIGNMENT);
        }
        if (zeroAlignment < 1 || discardAlignment < 1) {
            throw new IllegalArgumentException("zero writes and discards of no bytes");
        }
        if ((maxTransfer | maxZeroes | maxDiscard) < 0) {
            throw new IllegalArgumentException("a longest request of less than no bytes");
        }
    }

    /** The same with other alignments of reads and writes. */
    public Limits withAlignment(int request, int memory) {
        return new Limits(
                request,
                memory,
                zeroAlignment,
                discardAlignment,
                optimalTransfer,
                maxTransfer,
                maxZeroes,
                maxDiscard,
                writeFlags,
                zeroFlags);
    }

    /** The same with other alignments of zero writes and discards. */
    public Limits withZeroAlignment(int zero, int discard) {
        return new Limits(
                requestAlignment,
                memoryAlignment,
                zero,
                discard,
                optimalTransfer,
                maxTransfer,
                maxZeroes,
                maxDiscard,
                writeFlags,
                zeroFlags);
    }

    /** The same with other lengths of reads and writes that go fastest, or are the longest. */
    public Limits withTransfer(int optimal, int max) {
        return new Limits(
                requestAlignment,
                memoryAlignment,
                zeroAlignment,
                discardAlignment,
                optimal,
                max,
                maxZeroes,
                maxDiscard,
                writeFlags,
                zeroFlags);
    }

    /** The same with other longest zero writes and discards. */
    public Limits withMaxZeroes(long zeroes, long discard) {
        return new Limits(
                requestAlignment,
                memoryAlignment,
                zeroAlignment,
                discardAlignment,
                optimalTransfer,
                maxTransfer,
                zeroes,
                discard,
                writeFlags,
                zeroFlags);
    }

    /** The same with other flags that writes and zero writes know. */
    public Limits withFlags(int write, int zero) {
        return new Limits(
                requestAlignment,
                memoryAlignment,
                zeroAlignment,
                discardAlignment,
                optimalTransfer,
                maxTransfer,
                maxZeroes,
                maxDiscard,
                write,
                zero);
    }
}
