// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import java.util.List;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What benchmarks have in common: how long they run, how many requests are in flight, and the memory of those. */
@State(Scope.Benchmark)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public abstract class LoadBenchmark {
    /** How many virtual threads make requests, one after the other. */
    @Param({"1", "32", "256"})
    public int inFlight;

    /** Lanes that together make {@code total} requests of {@code bytes} bytes at random places of a disk of {@code size} bytes. */
    final List<RandomLane> random(int total, int bytes, long size, Request request) throws BlockException {
        return RandomLane.lanes(inFlight, total, bytes, memory(bytes), size, request);
    }

    /** Lanes that together pass over a disk of {@code size} bytes once. */
    final List<SequentialLane> sequential(int bytes, long size, Request request) throws BlockException {
        return SequentialLane.lanes(inFlight, memory(bytes), size, request);
    }

    /** Lanes that together pass over a disk of {@code size} bytes once, here and there. */
    final List<SequentialLane> scattered(int bytes, long size, Request request) throws BlockException {
        return SequentialLane.scattered(inFlight, memory(bytes), size, request);
    }

    /** Lanes that together make {@code total} requests, one behind the other, and begin anew at the end of the disk. */
    final List<RowLane> inRow(int total, int bytes, long size, Request request) throws BlockException {
        return RowLane.lanes(inFlight, total, bytes, memory(bytes), size, request);
    }

    private AlignedBuffer memory(int bytes) throws BlockException {
        AlignedBuffer memory = AlignedBuffer.allocate(inFlight * bytes);
        memory.fill(0, memory.capacity(), (byte) 0x5a);
        return memory;
    }
}
