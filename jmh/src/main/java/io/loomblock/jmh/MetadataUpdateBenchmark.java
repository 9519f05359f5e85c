// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Fills an image whose data is dropped, by writes each of which allocates, and flushes it: what tables (QED) and journal (FVD) take. The
 * score is the time for all of it.
 */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 20)
@Measurement(iterations = 10)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class MetadataUpdateBenchmark extends LoadBenchmark {
    private static final int BYTES = 64 << 10;
    private static final long SIZE = 1L << 30;

    @Param({"qed", "fvd"})
    public String format;

    private DatalessImage image;
    private List<SequentialLane> writes;

    @Setup(Level.Iteration)
    public void create() throws IOException {
        AlignedBuffer memory = AlignedBuffer.allocate(inFlight * BYTES);
        image = new DatalessImage(format, SIZE, memory);
        writes = SequentialLane.lanes(inFlight, memory, SIZE, image.device()::write);
    }

    @Benchmark
    public void write() throws InterruptedException, BlockException {
        Load.run(writes);
        image.device().flush();
    }

    @TearDown(Level.Iteration)
    public void close() throws IOException {
        image.close();
    }
}
