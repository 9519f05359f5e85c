// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.testkit.VirtualThreads;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where a JVM does not make up for blocked carriers, channels hold one at most. */
class PacedChannelTest {
    private static final long ALWAYS_QUICK = Long.MAX_VALUE / 2;
    private static final int LENGTH = 512;

    @TempDir
    Path directory;

    private final AlignedBuffer memory;
    private final Queue<Boolean> onVirtualThread = new ConcurrentLinkedQueue<>();

    PacedChannelTest() throws BlockException {
        memory = AlignedBuffer.allocate(LENGTH);
    }

    private int note(long offset, AlignedBuffer target, int targetOffset, int length) {
        onVirtualThread.add(Thread.currentThread().isVirtual());
        return length;
    }

    private static PacedChannelTransfer transfer(long quickNanos, PacedChannelTransfer.Transfer transfer) {
        return new PacedChannelTransfer(transfer, quickNanos, IoThreads.forCalls());
    }

    @Test
    void ofCallsThatWaitOneHoldsACarrier() throws Exception {
        int calls = 8;
        CountDownLatch inside = new CountDownLatch(calls);
        PacedChannelTransfer reads = transfer(ALWAYS_QUICK, (offset, target, targetOffset, length) -> {
            inside.countDown();
            try {
                assertThat(inside.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new BlockException(Errno.EINTR);
            }
            return note(offset, target, targetOffset, length);
        });
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < calls; i++) {
                threads.execute(() -> run(reads));
            }
        }
        assertThat(onVirtualThread).hasSize(calls).containsOnlyOnce(true);
    }

    @Test
    void quickCallsStayWhereTheyAre() throws Exception {
        PacedChannelTransfer reads = transfer(ALWAYS_QUICK, this::note);
        runOften(reads, 100);
        assertThat(onVirtualThread).hasSize(100).containsOnly(true);
    }

    @Test
    void afterASlowCallTheNextAreHandedOn() throws Exception {
        PacedChannelTransfer reads = transfer(-LENGTH - 1, this::note);
        runOften(reads, 1 + Pace.HANDED_ON);
        assertThat(new ArrayList<>(onVirtualThread).getFirst()).isTrue();
        assertThat(onVirtualThread).hasSize(1 + Pace.HANDED_ON).containsOnlyOnce(true);
    }

    @Test
    void platformThreadsMakeTheirCallsThemselves() {
        PacedChannelTransfer reads = transfer(-LENGTH - 1, (offset, target, targetOffset, length) -> {
            assertThat(Thread.currentThread().getName()).isNotEqualTo("loomblock-io");
            return note(offset, target, targetOffset, length);
        });
        run(reads);
        run(reads);
        assertThat(onVirtualThread).containsExactly(false, false);
    }

    private void runOften(PacedChannelTransfer transfer, int times) throws Exception {
        VirtualThreads.call(() -> {
            for (int i = 0; i < times; i++) {
                run(transfer);
            }
            return times;
        });
    }

    private void run(PacedChannelTransfer transfer) {
        try {
            assertThat(transfer.run(4096, memory, 0, LENGTH)).isEqualTo(LENGTH);
        } catch (BlockException e) {
            throw new AssertionError(e);
        }
    }

    /** The JVM makes up for carriers that wait with O_DIRECT, and before Java 23 for all. */
    @Test
    void theJvmDecidesWhichFilesNeedThat() throws Exception {
        String file = Files.createFile(directory.resolve("file")).toString();
        OpenMode cached = new OpenMode(true, false, false);
        assertThat(open(new ChannelEngine(true, true), file, cached)).isEqualTo(PacedChannelFile.class);
        assertThat(open(new ChannelEngine(true, false), file, cached)).isEqualTo(ChannelFile.class);
        assertThat(open(new ChannelEngine(false, true), file, cached)).isEqualTo(OffThreadFile.class);
        assertThat(open(new ChannelEngine(), file, cached))
                .isEqualTo(Runtime.version().feature() < 23 ? ChannelFile.class : PacedChannelFile.class);
    }

    @Test
    void aPacedFileIsReadWrittenAndCut() throws Exception {
        String file = Files.createFile(directory.resolve("file")).toString();
        try (FileIo io = new ChannelEngine(true, true).open(file, new OpenMode(true, false, false))) {
            VirtualThreads.call(() -> {
                memory.fill(0, LENGTH, (byte) 7);
                io.write(LENGTH, memory, 0, LENGTH);
                memory.fill(0, LENGTH, (byte) 0);
                assertThat(io.read(LENGTH, memory, 0, LENGTH)).isEqualTo(LENGTH);
                assertThat(memory.getByte(LENGTH - 1)).isEqualTo((byte) 7);
                io.truncate(LENGTH + 1);
                return assertThat(io.read(LENGTH, memory, 0, LENGTH)).isEqualTo(1);
            });
        }
    }

    private static Class<?> open(ChannelEngine engine, String file, OpenMode mode) throws BlockException {
        try (FileIo io = engine.open(file, mode)) {
            return io.getClass();
        }
    }
}
