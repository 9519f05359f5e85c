// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Fills an empty image from one end to the other by writes of 64 KiB, each of which allocates; the score is the time for all of it. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 20)
@Measurement(iterations = 10)
@Fork(3)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class FreshImageBenchmark {
    private static final int REQUEST = 64 << 10;

    @Param({"raw", "qed", "add-cow"})
    public String format;

    @Param({"1", "32"})
    public int inFlight;

    @Param("512")
    public int megabytes;

    private ScratchImage image;
    private List<SequentialLane> lanes;

    @Setup(Level.Iteration)
    public void create() throws IOException {
        long size = (long) megabytes << 20;
        image = ScratchImage.create(format, size);
        AlignedBuffer memory = AlignedBuffer.allocate(inFlight * REQUEST);
        memory.fill(0, memory.capacity(), (byte) 0x5a);
        lanes = SequentialLane.lanes(inFlight, memory, size, image.device()::write);
    }

    /** Into the page cache; the flush that ends the iteration is not measured. */
    @Benchmark
    public void write() throws InterruptedException {
        Load.run(lanes);
    }

    /** Down to the disk. */
    @Benchmark
    public void writeAndFlush() throws InterruptedException, BlockException {
        Load.run(lanes);
        image.device().flush();
    }

    @TearDown(Level.Iteration)
    public void close() throws IOException {
        image.close();
    }
}
