// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import io.loomblock.memory.AlignedBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** 4 KiB reads and writes of a disk that moves no bytes: what a device and a node cost, accounting included. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class NullProtocolBenchmark {
    private static final int REQUEST = 4 << 10;
    private static final int REQUESTS = 1 << 18;
    private static final long SIZE = 1L << 30;

    @Param({"1", "32"})
    public int inFlight;

    private BlockDevice device;
    private List<RandomLane> reads;
    private List<RandomLane> writes;

    @Setup
    public void open() throws BlockException {
        OpenOptions options = OpenOptions.readWrite()
                .withFormat("null-co")
                .withNodeOptions(NodeOptions.NONE.with("size", Long.toString(SIZE)));
        device = BlockDevice.open("null-co://", options);
        AlignedBuffer memory = AlignedBuffer.allocate(inFlight * REQUEST);
        reads = RandomLane.lanes(inFlight, REQUESTS, REQUEST, memory, SIZE, device::read);
        writes = RandomLane.lanes(inFlight, REQUESTS, REQUEST, memory, SIZE, device::write);
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
