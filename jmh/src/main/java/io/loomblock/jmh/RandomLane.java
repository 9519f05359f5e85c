// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.List;
import java.util.stream.IntStream;

/** Makes requests at random places of a disk, each as large as its memory and aligned to that; the same places in every run. */
final class RandomLane implements Load.Lane {
    private final Request request;
    private final IoVector memory;
    private final long mask;
    private final int count;
    private long random;

    private RandomLane(Request request, IoVector memory, long diskSize, int count, long seed) {
        if (Long.bitCount(diskSize) != 1 || Integer.bitCount(memory.size()) != 1) {
            throw new IllegalArgumentException("sizes must be powers of two");
        }
        this.request = request;
        this.memory = memory;
        this.mask = diskSize - memory.size();
        this.count = count;
        this.random = seed;
    }

    /**
     * So many lanes, which together make {@code total} requests of {@code size} bytes.
     *
     * @param memory of all lanes
     * @param diskSize in bytes, a power of two
     */
    static List<RandomLane> lanes(
            int inFlight, int total, int size, AlignedBuffer memory, long diskSize, Request request) {
        return IntStream.range(0, inFlight)
                .mapToObj(i -> new RandomLane(
                        request, IoVector.of(memory, i * size, size), diskSize, total / inFlight, i + 1L))
                .toList();
    }

    @Override
    public void run() throws BlockException {
        long x = random;
        for (int i = 0; i < count; i++) {
            // Knuth's generator; its high bits are the good ones.
            x = x * 6364136223846793005L + 1442695040888963407L;
            request.make((x >>> 20) & mask, memory);
        }
        random = x;
    }
}
