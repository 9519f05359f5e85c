// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.addcow;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockStatus;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.AddCowImages;
import io.loomblock.iotests.support.Guest;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.IdentityDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.TestFiles;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Many requests at once: none is lost in a cluster that is copied, none waits for one in another cluster, and memory is passed on as it is. */
@Timeout(120)
class ConcurrencyTest {
    private static final int BASE_BYTES = 4 << 20;

    /** A step that a test runs on a thread of its own. */
    private interface Step {
        void run() throws Exception;
    }

    private static final class Worker {
        private final AtomicReference<Throwable> failure = new AtomicReference<>();
        private final Thread thread;

        Worker(Step step) {
            thread = Thread.ofVirtual().start(() -> {
                try {
                    step.run();
                } catch (Throwable e) {
                    failure.set(e);
                }
            });
        }

        void join() throws Exception {
            thread.join();
            if (failure.get() != null) {
                throw new AssertionError(failure.get());
            }
        }
    }

    /** R5: 32 virtual threads write pieces of the same clusters at the same time, some leave theirs to the backing file. */
    @ParameterizedTest(name = "clusters {0}, data in {1}")
    @CsvSource({"4096, raw", "65536, raw", "65536, qed", "1048576, raw"})
    void manyThreadsWritePiecesOfTheSameClusters(int cluster, String dataFormat) throws Exception {
        int threads = 32;
        int piece = cluster / threads;
        int clusters = Math.min(24, 8 << 20 >> Integer.numberOfTrailingZeros(cluster));
        byte[] base = Pattern.bytes(1, 0, BASE_BYTES);
        TestFiles files = AddCowImages.create(16 << 20, cluster, dataFormat, base);
        try (BlockDevice device = AddCowImages.open(files, OpenOptions.readWrite())) {
            CyclicBarrier together = new CyclicBarrier(threads);
            List<Worker> workers = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                int number = i;
                workers.add(new Worker(() -> {
                    for (int c = 0; c < clusters; c++) {
                        together.await();
                        if (number % 5 != 4) {
                            Guest.write(device, (long) c * cluster + number * piece, piece, number + 1);
                        }
                    }
                }));
            }
            for (Worker worker : workers) {
                worker.join();
            }
            expectPieces(device, cluster, clusters, piece, base);
        }
        try (BlockDevice device = AddCowImages.open(files, OpenOptions.readOnly())) {
            expectPieces(device, cluster, clusters, piece, base);
        }
    }

    private static void expectPieces(BlockDevice device, int cluster, int clusters, int piece, byte[] base)
            throws Exception {
        byte[] shown = java.util.Arrays.copyOf(base, 16 << 20);
        for (int c = 0; c < clusters; c++) {
            for (int i = 0; i < cluster / piece; i++) {
                long at = (long) c * cluster + i * piece;
                if (i % 5 != 4) {
                    Guest.expect(device, at, piece, i + 1);
                } else {
                    assertThat(ByteBuffer.wrap(Guest.read(device, at, piece)))
                            .isEqualTo(ByteBuffer.wrap(shown, (int) at, piece));
                }
            }
        }
    }

    /** With one copy held up, everything in other clusters completes: reads, rewrites, allocations, zeros, status and flushes. */
    @Test
    void aBlockedCopyHoldsUpNoOtherCluster() throws Exception {
        int cluster = 65536;
        byte[] base = Pattern.bytes(1, 0, BASE_BYTES);
        TestFiles files = AddCowImages.create(16 << 20, cluster, "raw", base);
        BlockingDriver backing = new BlockingDriver(files.memory(AddCowImages.BASE));
        files.put(AddCowImages.BASE, backing);
        try (BlockDevice device = AddCowImages.open(files, OpenOptions.readWrite())) {
            BlockingDriver.Hold hold = backing.hold(Request.of(Kind.READ, 5 * cluster, 6 * cluster));
            Worker held = new Worker(() -> Guest.write(device, 5 * cluster + 512, 512, 'h'));
            hold.awaitHeld();
            List<Worker> others = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                int at = (6 + i) * cluster;
                others.add(new Worker(() -> {
                    Guest.write(device, at + 1000, 3000, 'n');
                    Guest.expect(device, at + 1000, 3000, 'n');
                    device.flush();
                }));
            }
            for (Worker other : others) {
                other.join();
            }
            device.writeZeroes(80L * cluster, 2 * cluster, 0);
            assertThat(device.blockStatus(5 * cluster, cluster).isAllocated()).isFalse();
            assertThat(held.thread.isAlive()).isTrue();
            hold.release();
            held.join();
            Guest.expect(device, 5 * cluster + 512, 512, 'h');
        }
    }

    /** R2, R3: status is asked while bits are set, with a cache of few pages; what was said to be allocated stays so. */
    @Test
    void statusNeverSaysWhatWasNot() throws Exception {
        long span = 128L << 20;
        long size = 40 * span;
        TestFiles files = AddCowImages.create(size, 4096, "raw", new byte[512]);
        OpenOptions little = OpenOptions.readWrite().withMetadataBudget(0);
        try (BlockDevice device = AddCowImages.open(files, little)) {
            AtomicBoolean stop = new AtomicBoolean();
            List<Worker> askers = new ArrayList<>();
            for (int n = 0; n < 4; n++) {
                int number = n;
                askers.add(new Worker(() -> {
                    while (!stop.get()) {
                        // Odd clusters are never written, even ones in order.
                        long page = number * 10L * span;
                        BlockStatus odd = device.blockStatus(page + 4096, 4096);
                        assertThat(odd.isAllocated()).isFalse();
                        boolean later =
                                device.blockStatus(page + 40 * 8192L, 4096).isAllocated();
                        boolean earlier =
                                device.blockStatus(page + 20 * 8192L, 4096).isAllocated();
                        assertThat(earlier || !later).isTrue();
                        LockSupport.parkNanos(1000);
                    }
                }));
            }
            List<Worker> writers = new ArrayList<>();
            for (int n = 0; n < 8; n++) {
                int number = n;
                writers.add(new Worker(() -> {
                    for (int i = 0; i < 100; i++) {
                        for (int page = number; page < 40; page += 8) {
                            Guest.write(device, page * span + i * 8192L, 4096, 'w');
                        }
                    }
                }));
            }
            for (Worker writer : writers) {
                writer.join();
            }
            stop.set(true);
            for (Worker asker : askers) {
                asker.join();
            }
            for (int page = 0; page < 40; page++) {
                BlockStatus status = device.blockStatus(page * span + 99 * 8192L, 8192);
                assertThat(status.isAllocated()).isTrue();
                assertThat(status.length()).isEqualTo(4096);
            }
        }
    }

    @Test
    void theCallersMemoryGoesToTheDataFileAsItIs() throws Exception {
        int cluster = 65536;
        TestFiles files = AddCowImages.create(16 << 20, cluster, "raw", new byte[4096]);
        IdentityDriver data = new IdentityDriver(files.memory(AddCowImages.DATA));
        files.put(AddCowImages.DATA, data);
        try (BlockDevice device = AddCowImages.open(files, OpenOptions.readWrite());
                AlignedBuffer memory = AlignedBuffer.allocate(4 * cluster)) {
            Guest.write(device, 0, 4 * cluster, 'a');
            data.handed().clear();
            IoVector vector = IoVector.of(memory, 4096, 2 * cluster);
            device.read(1000, vector);
            device.write(3000, vector);
            assertThat(data.handed())
                    .hasSize(2)
                    .allSatisfy(h -> assertThat(h.qiov()).isSameAs(vector));
            assertThat(data.handed()).extracting(IdentityDriver.Handed::kind).containsExactly(Kind.READ, Kind.WRITE);
            assertThat(data.handed().get(0).uses(memory, 4096)).isTrue();
        }
    }
}
