// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/** Makes requests that cover a disk once, from its beginning to its end or here and there, side by side with the other lanes. */
final class SequentialLane implements Load.Lane {
    /** From one request to the next, where they are scattered, in lengths of a request: just above the 1 MiB of a chunk of FVD for 64 KiB. */
    private static final int SCATTERED = 17;

    private final Request request;
    private final IoVector memory;
    private final AtomicLong next;
    private final long diskSize;
    private final int step;

    private SequentialLane(Request request, IoVector memory, AtomicLong next, long diskSize, int step) {
        this.request = request;
        this.memory = memory;
        this.next = next;
        this.diskSize = diskSize;
        this.step = step;
    }

    /**
     * So many lanes, which together pass over the disk once.
     *
     * @param memory of all lanes, the same part for each, as long as its requests
     * @param diskSize in bytes, a multiple of a request
     */
    static List<SequentialLane> lanes(int inFlight, AlignedBuffer memory, long diskSize, Request request) {
        return lanes(inFlight, memory, diskSize, request, 1);
    }

    /** The same, each request far from the one before; {@code diskSize} is a power of two. */
    static List<SequentialLane> scattered(int inFlight, AlignedBuffer memory, long diskSize, Request request) {
        if (Long.bitCount(diskSize) != 1) {
            throw new IllegalArgumentException("the size of the disk must be a power of two");
        }
        return lanes(inFlight, memory, diskSize, request, SCATTERED);
    }

    private static List<SequentialLane> lanes(
            int inFlight, AlignedBuffer memory, long diskSize, Request request, int step) {
        int size = memory.capacity() / inFlight;
        AtomicLong next = new AtomicLong();
        return IntStream.range(0, inFlight)
                .mapToObj(i -> new SequentialLane(request, IoVector.of(memory, i * size, size), next, diskSize, step))
                .toList();
    }

    @Override
    public void run() throws BlockException {
        for (long offset = claim(); offset < diskSize; offset = claim()) {
            request.make(offset * step % diskSize, memory);
        }
    }

    private long claim() {
        return next.getAndAdd(memory.size());
    }
}
