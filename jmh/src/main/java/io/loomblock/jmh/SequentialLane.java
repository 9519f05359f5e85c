// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/** Makes requests that cover a disk from its beginning to its end, side by side with the other lanes. */
final class SequentialLane implements Load.Lane {
    private final Request request;
    private final IoVector memory;
    private final AtomicLong next;
    private final long diskSize;

    private SequentialLane(Request request, IoVector memory, AtomicLong next, long diskSize) {
        this.request = request;
        this.memory = memory;
        this.next = next;
        this.diskSize = diskSize;
    }

    /**
     * So many lanes, which together pass over the disk once.
     *
     * @param memory of all lanes, the same part for each, as long as its requests
     * @param diskSize in bytes, a multiple of a request
     */
    static List<SequentialLane> lanes(int inFlight, AlignedBuffer memory, long diskSize, Request request) {
        int size = memory.capacity() / inFlight;
        AtomicLong next = new AtomicLong();
        return IntStream.range(0, inFlight)
                .mapToObj(i -> new SequentialLane(request, IoVector.of(memory, i * size, size), next, diskSize))
                .toList();
    }

    @Override
    public void run() throws BlockException {
        for (long offset = claim(); offset < diskSize; offset = claim()) {
            request.make(offset, memory);
        }
    }

    private long claim() {
        return next.getAndAdd(memory.size());
    }
}
