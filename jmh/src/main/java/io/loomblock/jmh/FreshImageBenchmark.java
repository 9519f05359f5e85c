// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.memory.IoVector;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
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

/** Fills an empty image, from one end to the other or here and there, by writes, each of which allocates; the score is the time for all of it. */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 20)
@Measurement(iterations = 10)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class FreshImageBenchmark extends LoadBenchmark {
    /** Writes from one flush to the next, where there are flushes. */
    private static final int FLUSH_INTERVAL = 256;

    @Param({"raw", "qed", "add-cow", "fvd"})
    public String format;

    /** Of a request. */
    @Param({"65536", "4096"})
    public int bytes;

    @Param("512")
    public int megabytes;

    private ScratchImage image;
    private List<SequentialLane> writes;
    private List<SequentialLane> scattered;
    private List<SequentialLane> writesAndFlushes;
    private AtomicInteger written;

    @Setup(Level.Iteration)
    public void create() throws IOException {
        long size = (long) megabytes << 20;
        image = ScratchImage.create(format, size);
        written = new AtomicInteger();
        writes = sequential(bytes, size, image.device()::write);
        scattered = scattered(bytes, size, image.device()::write);
        writesAndFlushes = sequential(bytes, size, this::writeThenPerhapsFlush);
    }

    private void writeThenPerhapsFlush(long offset, IoVector memory) throws BlockException {
        BlockDevice device = image.device();
        device.write(offset, memory);
        if (written.incrementAndGet() % FLUSH_INTERVAL == 0) {
            device.flush();
        }
    }

    /** Into the page cache; the flush that ends the iteration is not measured. */
    @Benchmark
    public void write() throws InterruptedException {
        Load.run(writes);
    }

    /** The same, each write in another place than the one before. */
    @Benchmark
    public void scatteredWrite() throws InterruptedException {
        Load.run(scattered);
    }

    /** Down to the disk at the end. */
    @Benchmark
    public void writeAndFlush() throws InterruptedException, BlockException {
        Load.run(writes);
        image.device().flush();
    }

    /** Down to the disk now and then, while other writes go on. */
    @Benchmark
    public void writeWithFlushes() throws InterruptedException {
        Load.run(writesAndFlushes);
    }

    @TearDown(Level.Iteration)
    public void close() throws IOException {
        image.close();
    }
}
