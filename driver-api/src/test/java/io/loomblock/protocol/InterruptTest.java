// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static io.loomblock.protocol.TestBytes.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.CacheMode;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** An interrupt fails no request on a file, neither the interrupted thread's nor anybody else's, and its flag stays set. */
@Tag("jars")
@Timeout(120)
class InterruptTest {
    private static final int THREADS = 6;
    private static final int ROUNDS = 400;
    private static final int PIECE = 8192;

    @TempDir
    Path directory;

    @ParameterizedTest
    @MethodSource("io.loomblock.protocol.TestEngine#all")
    void interruptsInTheMiddleOfReadsAndWritesFailNothing(TestEngine engine) throws Exception {
        for (CacheMode cache : List.of(CacheMode.WRITEBACK, CacheMode.NONE)) {
            run(engine, cache, Thread.ofVirtual().factory());
            run(engine, cache, Thread.ofPlatform().factory());
        }
    }

    @ParameterizedTest
    @MethodSource("io.loomblock.protocol.TestEngine#all")
    void anInterruptedThreadOpensCreatesFlushesResizesAndClosesFiles(TestEngine engine) throws Exception {
        String file = directory.resolve("image").toString();
        Thread.currentThread().interrupt();
        try {
            engine.create(file, 0);
            for (CacheMode cache : List.of(CacheMode.WRITEBACK, CacheMode.NONE)) {
                OpenOptions options = OpenOptions.readWrite().withCache(cache);
                try (Node node = engine.open(file, options)) {
                    node.truncate(0, true, PreallocationMode.OFF);
                    node.truncate(PIECE, true, PreallocationMode.FULL);
                    node.coWriteZeroes(0, 2 * PIECE, 0);
                    node.flush();
                    assertThat(node.blockStatus(0, PIECE).length()).isPositive();
                    assertFails(Errno.EAGAIN, () -> engine.open(file, options));
                }
            }
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
        } finally {
            Thread.interrupted();
        }
    }

    private void run(TestEngine engine, CacheMode cache, ThreadFactory factory) throws Exception {
        String file = directory.resolve("image").toString();
        engine.create(file, (long) THREADS * PIECE);
        ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
        CountDownLatch working = new CountDownLatch(THREADS);
        try (Node node = engine.open(file, OpenOptions.readWrite().withCache(cache))) {
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < THREADS; t++) {
                int mine = t;
                threads.add(factory.newThread(() -> {
                    try {
                        work(node, mine);
                    } catch (Throwable e) {
                        failures.add(e);
                    } finally {
                        working.countDown();
                    }
                }));
            }
            threads.forEach(Thread::start);
            while (working.getCount() > 0) {
                threads.forEach(Thread::interrupt);
                working.await(1, TimeUnit.MILLISECONDS);
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failures).isEmpty();
            node.coReadv(0, IoVector.of(AlignedBuffer.allocate(PIECE)));
        }
    }

    private static void work(Node node, int mine) throws Exception {
        AlignedBuffer out = AlignedBuffer.allocate(PIECE);
        AlignedBuffer in = AlignedBuffer.allocate(PIECE);
        long offset = (long) mine * PIECE;
        for (int round = 0; round < ROUNDS; round++) {
            boolean before = Thread.currentThread().isInterrupted();
            out.fill(0, PIECE, (byte) round);
            node.coWritev(offset, IoVector.of(out));
            node.coReadv(offset, IoVector.of(in));
            if (round % 100 == 0) {
                node.flush();
            }
            assertThat(in.mismatch(0, out, 0, PIECE)).isEqualTo(-1);
            if (before) {
                assertThat(Thread.currentThread().isInterrupted())
                        .as("the flag stays")
                        .isTrue();
                if (round % 3 == 0) {
                    Thread.interrupted();
                }
            }
        }
    }
}
