// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static io.loomblock.protocol.TestBytes.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.VirtualThreads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Requests of virtual threads past the page cache: more at once than any queue holds, to and beyond the end, refused, and closed upon. */
@Tag("jars")
@Timeout(120)
class DirectFileTest {
    private static final String ENGINES = "io.loomblock.protocol.TestEngine#all";
    private static final int BLOCK = 4096;

    @TempDir
    Path directory;

    @ParameterizedTest
    @MethodSource(ENGINES)
    void manyThreadsReadWhatTheyWrote(TestEngine engine) throws Exception {
        int lanes = 600;
        int blocks = 4;
        String file = directory.resolve("many").toString();
        engine.create(file, (long) lanes * blocks * BLOCK);
        long seed = System.nanoTime();
        System.out.println("DirectFileTest seed " + seed);
        try (Node node = engine.open(file, OpenOptions.readWrite().withCache(CacheMode.NONE))) {
            List<Future<?>> done = new ArrayList<>();
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (int i = 0; i < lanes; i++) {
                    int lane = i;
                    done.add(threads.submit(() -> {
                        writeAndRead(node, (long) lane * blocks * BLOCK, blocks, new Random(seed + lane));
                        return null;
                    }));
                }
            }
            for (Future<?> each : done) {
                each.get();
            }
        }
    }

    private static void writeAndRead(Node node, long start, int blocks, Random random) throws BlockException {
        byte[] expected = new byte[blocks * BLOCK];
        for (int round = 0; round < 10; round++) {
            int first = random.nextInt(blocks);
            int length = (1 + random.nextInt(blocks - first)) * BLOCK;
            byte[] data = new byte[length];
            random.nextBytes(data);
            TestBytes.write(node, start + (long) first * BLOCK, data);
            System.arraycopy(data, 0, expected, first * BLOCK, length);
            assertThat(TestBytes.read(node, start, blocks * BLOCK)).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void readsAcrossTheEndAreFilledWithZeros(TestEngine engine) throws Exception {
        Path file = directory.resolve("short");
        byte[] data = new byte[BLOCK + 700];
        new Random(5).nextBytes(data);
        Files.write(file, data);
        OpenOptions options = OpenOptions.readOnly().withCache(CacheMode.NONE);
        try (Node node = engine.open(file.toString(), options)) {
            byte[] read = VirtualThreads.call(() -> TestBytes.read(node, 0, 4 * BLOCK));
            assertThat(read).startsWith(data).hasSize(4 * BLOCK);
            for (int i = data.length; i < read.length; i++) {
                assertThat(read[i]).isZero();
            }
            assertThat(VirtualThreads.call(() -> TestBytes.read(node, 2 * BLOCK, BLOCK)))
                    .containsOnly(0);
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void whatTheSystemRefusesFailsWithItsErrnoAndTheNextRequestDoesNot(TestEngine engine) throws Exception {
        Assumptions.assumeTrue(engine.knowsHoles(), "channels refuse by themselves");
        String file = directory.resolve("refused").toString();
        engine.create(file, 4 * BLOCK);
        AlignedBuffer memory = AlignedBuffer.allocate(BLOCK);
        FileIo io = engine.engine().open(file, new OpenMode(false, true, false));
        try (io) {
            for (int round = 0; round < 3; round++) {
                assertFails(
                        Errno.EBADF,
                        () -> VirtualThreads.call(() -> {
                            io.write(0, memory, 0, BLOCK);
                            return true;
                        }));
                assertThat(VirtualThreads.call(() -> io.read(BLOCK, memory, 0, BLOCK)))
                        .isEqualTo(BLOCK);
            }
        }
        assertFails(Errno.EBADF, () -> VirtualThreads.call(() -> io.read(0, memory, 0, BLOCK)));
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void closeWaitsForRequestsAndRefusesThoseAfterIt(TestEngine engine) throws Exception {
        Assumptions.assumeTrue(engine.knowsHoles(), "channels say in words of their own that they are closed");
        String file = directory.resolve("closed").toString();
        engine.create(file, 64 * BLOCK);
        for (int round = 0; round < 20; round++) {
            FileIo io = engine.engine().open(file, new OpenMode(true, true, false));
            List<Future<Integer>> reads = new ArrayList<>();
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (int i = 0; i < 64; i++) {
                    long offset = (long) i * BLOCK;
                    reads.add(threads.submit(() -> io.read(offset, AlignedBuffer.allocate(BLOCK), 0, BLOCK)));
                }
                io.close();
            }
            for (Future<Integer> read : reads) {
                if (read.state() == Future.State.SUCCESS) {
                    assertThat(read.resultNow()).isEqualTo(BLOCK);
                } else {
                    assertFails(Errno.EBADF, () -> {
                        throw read.exceptionNow();
                    });
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void aThousandFilesLeaveNothingBehind(TestEngine engine) throws Exception {
        Assumptions.assumeTrue(engine.knowsHoles() && Files.isReadable(Path.of("/proc/self/maps")));
        String file = directory.resolve("again").toString();
        engine.create(file, BLOCK);
        AlignedBuffer memory = AlignedBuffer.allocate(BLOCK);
        long descriptors = descriptors();
        for (int i = 0; i < 1000; i++) {
            try (Node node = engine.open(file, OpenOptions.readOnly().withCache(CacheMode.NONE))) {
                VirtualThreads.call(() -> {
                    node.coReadv(0, IoVector.of(memory));
                    return true;
                });
            }
        }
        assertThat(descriptors()).isLessThanOrEqualTo(descriptors + 5);
        // Its thread takes a queue down when the file is closed already.
        while (queues() > 0
                || Thread.getAllStackTraces().keySet().stream()
                        .anyMatch(thread -> thread.getName().equals("loomblock-aio"))) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.count();
        }
    }

    /** Those of the kernel that are mapped into this process. */
    private static long queues() throws IOException {
        try (Stream<String> all = Files.lines(Path.of("/proc/self/maps"))) {
            return all.filter(line -> line.contains("[aio]")).count();
        }
    }
}
