// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static io.loomblock.protocol.TestBytes.assertFails;
import static io.loomblock.protocol.TestBytes.read;
import static io.loomblock.protocol.TestBytes.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.testkit.VirtualThreads;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Virtual threads read what is not in the page cache as they read what is, on any file system. */
@Tag("jars")
@Timeout(120)
class ColdFileTest {
    private static final String ENGINES = "io.loomblock.protocol.TestEngine#all";
    private static final int PIECE = 64 << 10;
    private static final int PIECES = 64;

    @TempDir
    Path directory;

    @ParameterizedTest
    @MethodSource(ENGINES)
    void whatIsNotInThePageCacheIsRead(TestEngine engine) throws Exception {
        Path file = directory.resolve("cold");
        fill(engine, file);
        try (Node node = engine.open(file.toString(), OpenOptions.readOnly())) {
            for (int round = 0; round < 3; round++) {
                dropCache(file);
                readAll(node);
            }
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void readsAcrossTheEndAreFilledWithZeros(TestEngine engine) throws Exception {
        Path file = directory.resolve("short");
        engine.create(file.toString(), 0);
        try (Node node = engine.open(file.toString(), OpenOptions.readWrite())) {
            write(node, 0, 5000, 7);
            node.flush();
            dropCache(file);
            byte[] expected = new byte[PIECE];
            Arrays.fill(expected, 0, 5000, (byte) 7);
            assertThat(VirtualThreads.call(() -> read(node, 0, PIECE))).isEqualTo(expected);
            assertThat(VirtualThreads.call(() -> read(node, 5000, PIECE))).containsOnly(0);
            assertThat(VirtualThreads.call(() -> read(node, 1 << 20, PIECE))).containsOnly(0);
        }
    }

    /** Which cannot tell whether a read would wait. */
    @ParameterizedTest
    @MethodSource(ENGINES)
    void aFileSystemInMemoryIsReadAndWritten(TestEngine engine) throws Exception {
        Path memory = Path.of("/dev/shm");
        Assumptions.assumeTrue(Files.isWritable(memory), "there is no /dev/shm");
        Path file = Files.createTempFile(memory, "loomblock-", ".test");
        try {
            fill(engine, file);
            try (Node node = engine.open(file.toString(), OpenOptions.readOnly())) {
                readAll(node);
                readAll(node);
            }
        } finally {
            Files.delete(file);
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void afterCloseReadsFail(TestEngine engine) throws Exception {
        Path file = directory.resolve("closed");
        fill(engine, file);
        Node node = engine.open(file.toString(), OpenOptions.readOnly());
        dropCache(file);
        List<Future<byte[]>> reads = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < PIECES; i++) {
                long offset = (long) i * PIECE;
                reads.add(threads.submit(() -> read(node, offset, PIECE)));
            }
            node.close();
        }
        // Each either began before the close and gave what is there, or was refused.
        for (int i = 0; i < PIECES; i++) {
            Future<byte[]> done = reads.get(i);
            if (done.state() == Future.State.SUCCESS) {
                assertThat(done.resultNow()).containsOnly(i);
            } else {
                assertThat(done.exceptionNow())
                        .isInstanceOfSatisfying(
                                BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBADF));
            }
        }
        assertFails(Errno.EBADF, () -> VirtualThreads.call(() -> read(node, 0, PIECE)));
    }

    private static void fill(TestEngine engine, Path file) throws Exception {
        engine.create(file.toString(), 0);
        try (Node node = engine.open(file.toString(), OpenOptions.readWrite())) {
            VirtualThreads.call(() -> {
                for (int i = 0; i < PIECES; i++) {
                    write(node, (long) i * PIECE, PIECE, i);
                }
                node.flush();
                return true;
            });
        }
    }

    private static void readAll(Node node) throws Exception {
        List<Future<byte[]>> reads = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < PIECES; i++) {
                // From the end, so that reading ahead does not make the rest warm.
                long offset = (long) (PIECES - 1 - i) * PIECE;
                reads.add(threads.submit(() -> read(node, offset, PIECE)));
            }
        }
        for (int i = 0; i < PIECES; i++) {
            assertThat(reads.get(i).get()).containsOnly(PIECES - 1 - i);
        }
    }

    /** As far as the system does that for the owner of a file. */
    private static void dropCache(Path file) throws Exception {
        Process drop = new ProcessBuilder(
                        "dd", "of=" + file, "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none")
                .redirectErrorStream(true)
                .start();
        assertThat(drop.waitFor()).isZero();
    }
}
