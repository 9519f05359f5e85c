// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.iotests.support.QedReader;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.IdentityDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What may go on while something else is held up, and who waits for whom (acceptance rows 13, 17; spec section 13). */
@Timeout(60)
class ConcurrencyTest {
    private static final int CLUSTER = 64 << 10;
    private static final long SIZE = 64L << 20;

    @TempDir
    Path directory;

    private MemoryDriver file;
    private BlockingDriver blocking;

    private BlockDevice plain() throws Exception {
        file = QedImages.create(SIZE, CLUSTER, 4);
        blocking = new BlockingDriver(file);
        return QedImages.open(blocking, QedImages.readWrite());
    }

    private BlockDevice overlay() throws Exception {
        QedImages.raw(directory, "base.raw", Pattern.bytes(1, 0, 4 << 20));
        Path name = directory.resolve("test.qed");
        file = QedImages.createOver(name, "base.raw", SIZE, CLUSTER, 4);
        blocking = new BlockingDriver(file);
        return TestImages.open(name.toString(), blocking, QedImages.readWrite());
    }

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

        /** Returns when the thread waits for something. */
        Worker awaitWaiting() {
            while (thread.getState() != Thread.State.WAITING) {
                assertThat(thread.isAlive()).as("still at work").isTrue();
                Thread.onSpinWait();
            }
            return this;
        }

        void join() throws Exception {
            thread.join();
            if (failure.get() != null) {
                throw new AssertionError(failure.get());
            }
        }
    }

    @ParameterizedTest(name = "overlay {0}")
    @ValueSource(booleans = {false, true})
    void aHeldAllocationHoldsUpNoOtherCluster(boolean overlay) throws Exception {
        try (BlockDevice device = overlay ? overlay() : plain()) {
            Guest.write(device, 0, CLUSTER, 'a');
            byte[] before = Guest.read(device, 5 * CLUSTER, CLUSTER);
            BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.WRITE));
            Worker held = new Worker(() -> Guest.write(device, 5 * CLUSTER + 4096, 512, 'h'));
            hold.awaitHeld();

            Guest.write(device, 9 * CLUSTER, 512, 'n');
            Guest.write(device, 6 * CLUSTER, 512, 'm');
            device.writeZeroes(12L * CLUSTER, CLUSTER, 0);
            Guest.write(device, 100, 200, 'i');
            Guest.expect(device, 100, 200, 'i');
            Guest.expect(device, 9 * CLUSTER, 512, 'n');
            assertThat(device.blockStatus(0, CLUSTER).isData()).isTrue();
            assertThat(device.blockStatus(5 * CLUSTER, CLUSTER).isAllocated()).isFalse();
            assertThat(Guest.read(device, 5 * CLUSTER, CLUSTER)).isEqualTo(before);
            device.flush();
            assertThat(held.thread.isAlive()).isTrue();

            hold.release();
            held.join();
            Guest.expect(device, 5 * CLUSTER + 4096, 512, 'h');
        }
        QedImages.expectSound(file);
    }

    @Test
    void aHeldFlushHoldsUpNeitherReadsNorWritesNorAllocations() throws Exception {
        try (BlockDevice device = plain()) {
            Guest.write(device, 0, CLUSTER, 'a');
            BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.FLUSH));
            Worker flush = new Worker(device::flush);
            hold.awaitHeld();
            Guest.write(device, 7 * CLUSTER, 512, 'n');
            Guest.write(device, 512, 512, 'i');
            Guest.expect(device, 7 * CLUSTER, 512, 'n');
            Guest.expect(device, 512, 512, 'i');
            assertThat(device.blockStatus(7 * CLUSTER, CLUSTER).isData()).isTrue();
            hold.release();
            flush.join();
        }
        QedImages.expectSound(file);
    }

    @Test
    void aTableThatIsBeingCreatedHoldsUpNeitherOtherTablesNorFlushes() throws Exception {
        file = QedImages.create(SIZE, 4096, 1);
        blocking = new BlockingDriver(file);
        long span = 2 << 20;
        try (BlockDevice device = QedImages.open(blocking, QedImages.readWrite())) {
            Guest.write(device, 0, 4096, 'a');
            // The first request of an allocation in a span without a table writes that table.
            BlockingDriver.Hold hold = blocking.hold(r -> r.kind() == Kind.WRITE || r.kind() == Kind.ZERO);
            Worker creator = new Worker(() -> Guest.write(device, 3 * span, 4096, 'h'));
            hold.awaitHeld();
            Guest.write(device, 8192, 4096, 'b');
            Guest.write(device, 5 * span, 4096, 'c');
            Guest.expect(device, 3 * span, 4096, 0);
            device.flush();
            Guest.expect(device, 5 * span, 4096, 'c');
            hold.release();
            creator.join();
            Guest.expect(device, 3 * span, 4096, 'h');
        }
        assertThat(QedImages.expectSound(file).leaks()).isZero();
    }

    @Test
    void aHeldTableReadHoldsUpNoLookupInAnotherTable() throws Exception {
        file = QedImages.create(SIZE, 4096, 1);
        long span = 2 << 20;
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            Guest.write(device, 0, 4096, 'a');
            Guest.write(device, span, 4096, 'b');
        }
        long first = new QedReader(file.snapshot().toByteArray()).dataOffset(0);
        blocking = new BlockingDriver(file);
        try (BlockDevice device = QedImages.open(blocking, QedImages.readWrite())) {
            // The table of the first span lies right before or behind its data; only reads of tables come so early.
            BlockingDriver.Hold hold =
                    blocking.hold(r -> r.kind() == Kind.READ && Math.abs(r.offset() - first) <= 4096);
            Worker reader = new Worker(() -> Guest.expect(device, 0, 512, 'a'));
            hold.awaitHeld();
            Guest.expect(device, span, 512, 'b');
            Guest.write(device, span + 8192, 512, 'c');
            hold.release();
            reader.join();
        }
    }

    @Test
    void aSecondWriteToTheClusterWaitsAndThenWritesInPlace() throws Exception {
        try (BlockDevice device = overlay()) {
            Guest.write(device, 30 * CLUSTER, 4096, 't');
            BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.WRITE));
            Worker first = new Worker(() -> Guest.write(device, 3 * CLUSTER + 8192, 4096, 'x'));
            hold.awaitHeld();
            Worker second = new Worker(() -> Guest.write(device, 3 * CLUSTER + 16384, 4096, 'y')).awaitWaiting();
            Worker third = new Worker(() -> Guest.write(device, 2 * CLUSTER, 2 * CLUSTER, 'z')).awaitWaiting();
            Guest.write(device, 20 * CLUSTER, 4096, 'o');
            hold.release();
            first.join();
            second.join();
            third.join();
            Guest.expect(device, 2 * CLUSTER, 2 * CLUSTER, 'z');
        }
        QedReader reader = QedImages.expectSound(file);
        assertThat(reader.leaks())
                .as("nobody took space for a cluster that was there")
                .isZero();
    }

    @Test
    void writesToOneClusterAreServedInTheOrderInWhichTheyCame() throws Exception {
        try (BlockDevice device = plain()) {
            Guest.write(device, 30 * CLUSTER, 4096, 't');
            BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.WRITE));
            List<Worker> workers = new ArrayList<>();
            workers.add(new Worker(() -> Guest.write(device, 0, 512, 0)));
            hold.awaitHeld();
            for (int i = 1; i <= 5; i++) {
                int value = i;
                workers.add(new Worker(() -> Guest.write(device, 0, 512, value)).awaitWaiting());
            }
            hold.release();
            for (Worker worker : workers) {
                worker.join();
            }
            Guest.expect(device, 0, 512, 5);
        }
    }

    @Test
    void anInterruptedWaitGivesUpAndLeavesNothingBehind() throws Exception {
        try (BlockDevice device = plain()) {
            BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.WRITE));
            Worker first = new Worker(() -> Guest.write(device, 0, 512, 'x'));
            hold.awaitHeld();
            AtomicReference<Errno> errno = new AtomicReference<>();
            Worker second = new Worker(() -> {
                try {
                    Guest.write(device, 0, 512, 'y');
                } catch (BlockException e) {
                    errno.set(e.errno());
                    assertThat(Thread.currentThread().isInterrupted()).isTrue();
                }
            });
            second.awaitWaiting();
            second.thread.interrupt();
            second.join();
            assertThat(errno.get()).isEqualTo(Errno.EINTR);
            hold.release();
            first.join();
            Guest.expect(device, 0, 512, 'x');
            Guest.write(device, 0, 512, 'z');
            Guest.expect(device, 0, 512, 'z');
        }
        assertThat(QedImages.expectSound(file).leaks()).isZero();
    }

    @ParameterizedTest(name = "overlay {0}")
    @ValueSource(booleans = {false, true})
    void manyThreadsWritePiecesOfTheSameClusters(boolean overlay) throws Exception {
        int threads = 32;
        int piece = CLUSTER / threads;
        int clusters = 24;
        try (BlockDevice device = overlay ? overlay() : plain()) {
            CyclicBarrier together = new CyclicBarrier(threads);
            List<Worker> workers = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                int number = i;
                workers.add(new Worker(() -> {
                    for (int cluster = 0; cluster < clusters; cluster++) {
                        together.await();
                        // Some leave their piece out: there the backing file has to show through.
                        if (number % 5 != 4) {
                            Guest.write(device, (long) cluster * CLUSTER + number * piece, piece, number + 1);
                        }
                    }
                }));
            }
            for (Worker worker : workers) {
                worker.join();
            }
            byte[] base = overlay ? Pattern.bytes(1, 0, 4 << 20) : new byte[4 << 20];
            for (int cluster = 0; cluster < clusters; cluster++) {
                for (int i = 0; i < threads; i++) {
                    long at = (long) cluster * CLUSTER + i * piece;
                    if (i % 5 != 4) {
                        Guest.expect(device, at, piece, i + 1);
                    } else {
                        assertThat(ByteBuffer.wrap(Guest.read(device, at, piece)))
                                .isEqualTo(ByteBuffer.wrap(base, (int) at, piece));
                    }
                }
            }
        }
        QedReader reader = QedImages.expectSound(file);
        assertThat(reader.leaks()).isZero();
    }

    @Test
    void aReadHandsTheCallersMemoryToTheFile() throws Exception {
        file = QedImages.create(SIZE, CLUSTER, 4);
        IdentityDriver identity = new IdentityDriver(file);
        try (BlockDevice device = QedImages.open(identity, QedImages.readWrite());
                AlignedBuffer memory = AlignedBuffer.allocate(4 * CLUSTER)) {
            Guest.write(device, 0, 4 * CLUSTER, 'a');
            identity.handed().clear();
            IoVector vector = IoVector.of(memory, 4096, 2 * CLUSTER);
            device.read(1000, vector);
            assertThat(identity.handed()).isNotEmpty().allSatisfy(h -> {
                assertThat(h.kind()).isEqualTo(Kind.READ);
                assertThat(h.qiov()).isSameAs(vector);
            });
            assertThat(identity.handed().get(0).uses(memory, 4096)).isTrue();
        }
    }

    @Test
    void aWriteInPlaceHandsTheCallersMemoryToTheFile() throws Exception {
        file = QedImages.create(SIZE, CLUSTER, 4);
        IdentityDriver identity = new IdentityDriver(file);
        try (BlockDevice device = QedImages.open(identity, QedImages.readWrite());
                AlignedBuffer memory = AlignedBuffer.allocate(4 * CLUSTER)) {
            Guest.write(device, 0, 4 * CLUSTER, 'a');
            identity.handed().clear();
            IoVector vector = IoVector.of(memory, 512, 3 * CLUSTER);
            device.write(777, vector);
            assertThat(identity.handed()).isNotEmpty().allSatisfy(h -> {
                assertThat(h.kind()).isEqualTo(Kind.WRITE);
                assertThat(h.qiov()).isSameAs(vector);
            });
            assertThat(identity.handed().get(0).uses(memory, 512)).isTrue();
        }
    }
}
