// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/** Makes requests one behind the other, side by side with the other lanes, and goes on where the run before ended. */
final class RowLane implements Load.Lane {
    private final Request request;
    private final IoVector memory;
    private final AtomicLong next;
    private final long mask;
    private final int count;

    private RowLane(Request request, IoVector memory, AtomicLong next, long diskSize, int count) {
        if (Long.bitCount(diskSize) != 1 || Integer.bitCount(memory.size()) != 1) {
            throw new IllegalArgumentException("sizes must be powers of two");
        }
        this.request = request;
        this.memory = memory;
        this.next = next;
        this.mask = diskSize - memory.size();
        this.count = count;
    }

    /**
     * So many lanes, which together make {@code total} requests of {@code size} bytes in each run.
     *
     * @param memory of all lanes
     * @param diskSize in bytes, a power of two
     */
    static List<RowLane> lanes(
            int inFlight, int total, int size, AlignedBuffer memory, long diskSize, Request request) {
        AtomicLong next = new AtomicLong();
        return IntStream.range(0, inFlight)
                .mapToObj(i ->
                        new RowLane(request, IoVector.of(memory, i * size, size), next, diskSize, total / inFlight))
                .toList();
    }

    @Override
    public void run() throws BlockException {
        for (int i = 0; i < count; i++) {
            request.make(next.getAndAdd(memory.size()) & mask, memory);
        }
    }
}
