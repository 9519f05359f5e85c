// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import java.io.IOException;
import java.util.List;
import java.util.Map;
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

/**
 * 4 KiB reads at random places of a QED image whose data takes no time to read: the null protocol's figure, a second node, and the lookup in
 * cached tables.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class MetadataLookupBenchmark {
    private static final int REQUEST = 4 << 10;
    private static final int REQUESTS = 1 << 18;
    private static final int FILL = 1 << 20;

    @Param({"1", "32"})
    public int inFlight;

    /** 128 KiB of tables for each GiB. */
    @Param({"1", "64"})
    public int gigabytes;

    private ScratchImage image;
    private BlockDevice device;
    private List<RandomLane> reads;

    @Setup
    public void open() throws IOException, InterruptedException {
        long size = (long) gigabytes << 30;
        AlignedBuffer memory = AlignedBuffer.allocate(FILL);
        image = ScratchImage.create("qed", size);
        image.device().close();
        OpenOptions options = OpenOptions.readWrite();
        Node file = BlockDevice.open(image.path().toString(), options.withFormat("file"))
                .node();
        Node dataless = new Node(
                file.filename(), new DatalessFile(file, memory), Map.of(Node.FILE, file), OpenOptions.readWrite());
        device = BlockDevice.openOn(dataless, options.withFormat("qed"));
        Load.run(SequentialLane.lanes(1, memory, size, device::write));
        reads = RandomLane.lanes(inFlight, REQUESTS, REQUEST, memory, size, device::read);
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void read() throws InterruptedException {
        Load.run(reads);
    }

    @TearDown
    public void close() throws IOException {
        device.close();
        image.close();
    }
}
