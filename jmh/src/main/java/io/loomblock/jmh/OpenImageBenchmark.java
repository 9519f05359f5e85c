// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
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

/** Opens FVD images writable, and closes them: small ones and large ones, and one that crashed with a full journal. */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 5)
@Measurement(iterations = 10)
@Fork(1)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class OpenImageBenchmark {
    /** An image that was closed in order. */
    @State(Scope.Benchmark)
    public static class Clean {
        @Param({"1", "1024"})
        public int gigabytes;

        private Path path;

        @Setup
        public void create() throws IOException {
            path = Files.createTempFile("loomblock-jmh-", ".fvd");
            BlockDevice.create(
                    "fvd", path.toString(), CreateOptions.ofSize((long) gigabytes << 30), OpenOptions.readWrite());
        }

        @TearDown
        public void delete() throws IOException {
            Files.delete(path);
        }
    }

    /** One whose journal of 16 MiB has a record in every sector. */
    @State(Scope.Benchmark)
    public static class Crashed {
        private static final int CHUNK = 4096;
        private static final int RECORDS = (16 << 20) / 512;

        private Path crashed;
        private Path path;

        @Setup
        public void create() throws IOException {
            Path image = Files.createTempFile("loomblock-jmh-", ".fvd");
            crashed = Files.createTempFile("loomblock-jmh-", ".crashed");
            path = Files.createTempFile("loomblock-jmh-", ".fvd");
            CreateOptions options = CreateOptions.ofSize((long) RECORDS * CHUNK).with("chunk_size", CHUNK);
            BlockDevice.create("fvd", image.toString(), options, OpenOptions.readWrite());
            OpenOptions logged = OpenOptions.readWrite()
                    .withFormat("fvd")
                    .withNodeOptions(NodeOptions.of(Map.of("journal-mode", "write-through")));
            try (BlockDevice device = BlockDevice.open(image.toString(), logged);
                    AlignedBuffer sector = AlignedBuffer.allocate(512)) {
                for (int i = 0; i < RECORDS; i++) {
                    device.write((long) i * CHUNK, IoVector.of(sector));
                }
                Files.copy(image, crashed, StandardCopyOption.REPLACE_EXISTING);
            }
            Files.delete(image);
        }

        @Setup(Level.Invocation)
        public void copy() throws IOException {
            Files.copy(crashed, path, StandardCopyOption.REPLACE_EXISTING);
        }

        @TearDown
        public void delete() throws IOException {
            Files.delete(crashed);
            Files.delete(path);
        }
    }

    private static void openAndClose(Path path) throws IOException {
        BlockDevice.open(path.toString(), OpenOptions.readWrite().withFormat("fvd"))
                .close();
    }

    @Benchmark
    public void open(Clean image) throws IOException {
        openAndClose(image.path);
    }

    @Benchmark
    public void recover(Crashed image) throws IOException {
        openAndClose(image.path);
    }
}
