// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/** Reads and in-place writes of an image that is allocated and in the page cache, at random places and from end to end. */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class AllocatedImageBenchmark extends LoadBenchmark {
    /** So many that the start of 256 threads is nothing next to them. */
    private static final int REQUESTS = 1 << 16;

    @Param({"raw", "qed", "add-cow", "fvd"})
    public String format;

    /** Of a request. */
    @Param({"4096", "65536"})
    public int bytes;

    /** A power of two. */
    @Param("512")
    public int megabytes;

    private ScratchImage image;
    private List<RandomLane> reads;
    private List<RandomLane> writes;
    private List<RowLane> readsInRow;
    private List<RowLane> writesInRow;

    @Setup
    public void open() throws IOException, InterruptedException {
        long size = (long) megabytes << 20;
        image = ScratchImage.create(format, size).fill();
        BlockDevice device = image.device();
        reads = random(REQUESTS, bytes, size, device::read);
        writes = random(REQUESTS, bytes, size, device::write);
        readsInRow = inRow(REQUESTS, bytes, size, device::read);
        writesInRow = inRow(REQUESTS, bytes, size, device::write);
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

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void sequentialRead() throws InterruptedException {
        Load.run(readsInRow);
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void sequentialWrite() throws InterruptedException {
        Load.run(writesInRow);
    }

    @TearDown
    public void close() throws IOException {
        image.close();
    }
}
