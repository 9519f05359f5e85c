// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** Takes a buffer from a pool and gives it back: what a request with unaligned memory, or with copy-on-write, pays. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class BufferPoolBenchmark extends LoadBenchmark {
    private static final int ROUNDS = 1 << 18;

    @Param({"4096", "65536"})
    public int bytes;

    private BufferPool pool;
    private List<Load.Lane> lanes;

    @Setup
    public void fill() {
        pool = new BufferPool(64L << 20, 8L << 20);
        lanes = Collections.nCopies(inFlight, this::rounds);
    }

    private void rounds() throws BlockException {
        for (int i = 0; i < ROUNDS / inFlight; i++) {
            try (AlignedBuffer buffer = pool.acquire(bytes)) {
                buffer.putLong(0, i);
            }
        }
    }

    @Benchmark
    @OperationsPerInvocation(ROUNDS)
    public void acquireAndRelease() throws InterruptedException {
        Load.run(lanes);
    }
}
