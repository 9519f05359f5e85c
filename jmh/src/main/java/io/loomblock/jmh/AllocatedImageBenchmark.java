// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import io.loomblock.memory.AlignedBuffer;
import java.io.IOException;
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

/** 4 KiB reads and in-place writes at random places of an image that is allocated and in the page cache. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class AllocatedImageBenchmark {
    private static final int REQUEST = 4 << 10;
    private static final int REQUESTS = 1 << 15;

    @Param({"raw", "qed", "add-cow"})
    public String format;

    @Param({"1", "32"})
    public int inFlight;

    @Param("512")
    public int megabytes;

    private ScratchImage image;
    private List<RandomLane> reads;
    private List<RandomLane> writes;

    @Setup
    public void open() throws IOException, InterruptedException {
        long size = (long) megabytes << 20;
        image = ScratchImage.create(format, size).fill();
        BlockDevice device = image.device();
        AlignedBuffer memory = AlignedBuffer.allocate(inFlight * REQUEST);
        reads = RandomLane.lanes(inFlight, REQUESTS, REQUEST, memory, size, device::read);
        writes = RandomLane.lanes(inFlight, REQUESTS, REQUEST, memory, size, device::write);
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
    public void close() throws IOException {
        image.close();
    }
}
