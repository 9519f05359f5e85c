// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/** 4 KiB reads and writes of a disk that moves no bytes: what a device and a node cost, accounting included. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class NullProtocolBenchmark extends LoadBenchmark {
    private static final int BYTES = 4 << 10;
    private static final int REQUESTS = 1 << 18;
    private static final long SIZE = 1L << 30;

    private BlockDevice device;
    private List<RandomLane> reads;
    private List<RandomLane> writes;

    @Setup
    public void open() throws BlockException {
        device = NullDisk.open(SIZE);
        reads = random(REQUESTS, BYTES, SIZE, device::read);
        writes = random(REQUESTS, BYTES, SIZE, device::write);
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void read() throws InterruptedException {
        Load.run(reads);
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void write() throws InterruptedException {
        Load.run(writes);
    }

    @TearDown
    public void close() throws BlockException {
        device.close();
    }
}
