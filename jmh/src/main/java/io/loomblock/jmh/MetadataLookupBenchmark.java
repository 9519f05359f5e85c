// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import io.loomblock.memory.AlignedBuffer;
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

/**
 * 4 KiB reads at random places of an image whose data takes no time to read: the null protocol's figure, a second node, and the lookup
 * in cached tables.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class MetadataLookupBenchmark extends LoadBenchmark {
    private static final int BYTES = 4 << 10;
    private static final int REQUESTS = 1 << 18;
    private static final int FILL = 1 << 20;

    @Param({"qed", "fvd"})
    public String format;

    /** 128 KiB of QED's tables for each GiB. */
    @Param({"1", "64"})
    public int gigabytes;

    private DatalessImage image;
    private List<RandomLane> reads;

    @Setup
    public void open() throws IOException, InterruptedException {
        long size = (long) gigabytes << 30;
        AlignedBuffer memory = AlignedBuffer.allocate(FILL);
        image = new DatalessImage(format, size, memory);
        BlockDevice device = image.device();
        Load.run(SequentialLane.lanes(1, memory, size, device::write));
        reads = RandomLane.lanes(inFlight, REQUESTS, BYTES, memory, size, device::read);
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void read() throws InterruptedException {
        Load.run(reads);
    }

    @TearDown
    public void close() throws IOException {
        image.close();
    }
}
