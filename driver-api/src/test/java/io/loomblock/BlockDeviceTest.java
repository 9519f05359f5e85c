// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.driver.BlockDriver;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a user of a device may rely on: buffers of any kind, drained sections, a close in order, figures. */
@Tag("jars")
@Timeout(60)
class BlockDeviceTest {
    private static final OpenOptions RAW = OpenOptions.readWrite().withFormat("raw");
    private static final int SIZE = 8 << 20;

    private static MemoryDriver disk() {
        MemoryDriver memory = new MemoryDriver();
        memory.truncate(SIZE, true, PreallocationMode.OFF);
        return memory;
    }

    private static IoVector bytes(int size, int value) throws BlockException {
        AlignedBuffer buffer = AlignedBuffer.allocate(size);
        buffer.fill(0, size, (byte) value);
        return IoVector.of(buffer);
    }

    private static void assertErrno(Errno errno, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    @Test
    void heapBuffersOfAnySizeAreBounced() throws Exception {
        BufferPool pool = new BufferPool(6 << 20, 2 << 20);
        try (BlockDevice device = TestImages.open("disk", disk(), RAW.withPool(pool))) {
            byte[] data = new byte[3_000_001];
            new Random(1).nextBytes(data);
            ByteBuffer source = ByteBuffer.wrap(data);
            source.position(1);
            device.write(1001, source);
            assertThat(source.hasRemaining()).isFalse();
            ByteBuffer target = ByteBuffer.allocate(data.length);
            target.position(1);
            device.read(1001, target);
            assertThat(target.hasRemaining()).isFalse();
            target.put(0, data[0]);
            assertThat(target.array()).isEqualTo(data);
        }
        assertThat(pool.outstanding()).isZero();
    }

    @Test
    void withoutAWriteCacheEveryWriteIsFlushed() throws Exception {
        AtomicInteger flushes = new AtomicInteger();
        ForwardingDriver counting = new ForwardingDriver(disk()) {
            @Override
            public void flushToDisk() {
                flushes.incrementAndGet();
            }
        };
        try (BlockDevice device = TestImages.open("disk", counting, RAW.withCache(CacheMode.WRITETHROUGH))) {
            device.write(0, bytes(512, 1));
            assertThat(flushes).hasValue(1);
            device.writeZeroes(0, 512, 0);
            assertThat(flushes).hasValue(2);
        }
    }

    @Test
    void aDrainedSectionWaitsForRequestsAndKeepsOthersAway() throws Exception {
        BlockingDriver blocking = new BlockingDriver(disk());
        BlockDevice device = TestImages.open("disk", blocking, RAW);
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.WRITE));
            Future<?> write = executor.submit(() -> {
                device.write(0, bytes(512, 1));
                return null;
            });
            hold.awaitHeld();
            Future<BlockDevice.Drained> draining = executor.submit(device::drain);
            assertThat(draining.isDone()).isFalse();
            hold.release();
            write.get(30, TimeUnit.SECONDS);
            BlockDevice.Drained section = draining.get(30, TimeUnit.SECONDS);
            Future<?> late = executor.submit(() -> {
                device.write(0, bytes(512, 2));
                return null;
            });
            // Nested sections are the owner's to use: changing the size is one.
            device.truncate(SIZE / 2, true, PreallocationMode.OFF);
            assertThat(late.isDone()).isFalse();
            section.close();
            late.get(30, TimeUnit.SECONDS);
        }
        device.close();
    }

    @Test
    void closingLetsRequestsFinishAndTurnsOthersAway() throws Exception {
        BlockingDriver blocking = new BlockingDriver(disk());
        BlockDevice device = TestImages.open("disk", blocking, RAW);
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.WRITE));
            Future<?> write = executor.submit(() -> {
                device.write(0, bytes(512, 1));
                return null;
            });
            hold.awaitHeld();
            Future<?> closing = executor.submit(() -> {
                device.close();
                return null;
            });
            while (!device.isClosed()) {
                Thread.onSpinWait();
            }
            assertErrno(Errno.EBADF, () -> device.read(0, bytes(512, 0)));
            hold.release();
            write.get(30, TimeUnit.SECONDS);
            closing.get(30, TimeUnit.SECONDS);
        }
        device.close();
        assertErrno(Errno.EBADF, device::flush);
        assertErrno(Errno.EBADF, device::drain);
    }

    @Test
    void closingWaitsForACheckThatRuns() throws Exception {
        CountDownLatch checking = new CountDownLatch(1);
        CountDownLatch closing = new CountDownLatch(1);
        List<String> order = new CopyOnWriteArrayList<>();
        BlockDriver slow = new ForwardingDriver(disk()) {
            @Override
            public CheckResult check(FixMode fix) throws BlockException {
                checking.countDown();
                try {
                    closing.await(30, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    throw new BlockException(Errno.EINTR, "interrupted", e);
                }
                order.add("checked");
                return new CheckResult(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
            }

            @Override
            public void close() {
                order.add("closed");
            }
        };
        BlockDevice device = BlockDevice.of(TestImages.node("disk", slow, RAW), RAW);
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<CheckResult> check = executor.submit(() -> device.check(FixMode.NONE));
            assertThat(checking.await(30, TimeUnit.SECONDS)).isTrue();
            Future<?> close = executor.submit(() -> {
                device.close();
                return null;
            });
            while (!device.isClosed()) {
                Thread.onSpinWait();
            }
            closing.countDown();
            check.get(30, TimeUnit.SECONDS);
            close.get(30, TimeUnit.SECONDS);
        }
        assertThat(order).containsExactly("checked", "closed");
    }

    @Test
    void figuresCountWhatWasAskedForAndWhatFailed() throws Exception {
        FaultDriver faulty = new FaultDriver(disk());
        try (BlockDevice device = TestImages.open("disk", faulty, RAW)) {
            device.write(0, bytes(512, 1));
            device.read(0, bytes(1024, 1));
            device.writeZeroes(0, 4096, 0);
            device.flush();
            device.discard(0, 4096);
            faulty.arm(FaultDriver.Fault.once(Request.of(Kind.READ)));
            assertErrno(Errno.EIO, () -> device.read(0, bytes(512, 1)));
            Accounting.Figures reads = device.accounting().of(Accounting.Kind.READ);
            Accounting.Figures writes = device.accounting().of(Accounting.Kind.WRITE);
            assertThat(reads.operations()).isEqualTo(1);
            assertThat(reads.bytes()).isEqualTo(1024);
            assertThat(reads.failed()).isEqualTo(1);
            assertThat(writes.operations()).isEqualTo(2);
            assertThat(writes.bytes()).isEqualTo(4608);
            assertThat(device.accounting().of(Accounting.Kind.FLUSH).operations())
                    .isEqualTo(1);
            assertThat(device.accounting().of(Accounting.Kind.UNMAP).operations())
                    .isEqualTo(1);
        }
    }

    @Test
    void whatCannotBeOpenedLeavesNothingBehind() {
        AtomicInteger closed = new AtomicInteger();
        ForwardingDriver file = new ForwardingDriver(disk()) {
            @Override
            public void close() {
                closed.incrementAndGet();
            }
        };
        assertErrno(Errno.EINVAL, () -> TestImages.open("disk", file, RAW.withFormat("none")));
        assertThat(closed).hasValue(1);
    }

    @Test
    void memoryThatDoesNotExistIsTheCallersMistake() throws Exception {
        IoVector vector = IoVector.of(AlignedBuffer.allocate(4096));
        try (BlockDevice device = BlockDevice.open("null-co://", OpenOptions.readWrite())) {
            assertThatIllegalArgumentException().isThrownBy(() -> device.read(0, 4096, vector, 1));
            assertThatIllegalArgumentException().isThrownBy(() -> device.read(0, -1, vector, 0));
            assertThatIllegalArgumentException().isThrownBy(() -> device.write(0, 4097, vector, 0, 0));
            assertThatIllegalArgumentException().isThrownBy(() -> device.write(0, 1, vector, -1, 0));
        }
    }

    @Test
    void unknownProtocolsAreRefused() {
        assertThatThrownBy(() -> BlockDevice.open("nosuch://x", OpenOptions.readOnly()))
                .hasMessage("Unknown protocol 'nosuch'");
    }

    @Test
    void requestsThatADrainedSectionKeepsAwayHoldNoMemory() throws Exception {
        OpenOptions little = RAW.withPool(new BufferPool(4 << 20, 2 << 20));
        try (BlockDevice drained = TestImages.open("drained", disk(), little);
                BlockDevice other = TestImages.open("other", disk(), little)) {
            List<Call> kept = new ArrayList<>();
            try (BlockDevice.Drained section = drained.drain()) {
                for (int i = 0; i < 4; i++) {
                    kept.add(Call.thatWaits(() -> drained.read(0, ByteBuffer.allocate(2 << 20))));
                }
                Call.of(() -> other.read(0, ByteBuffer.allocate(2 << 20))).join();
                assertThat(kept).allMatch(Call::isRunning);
            }
            for (Call call : kept) {
                call.join();
            }
        }
    }
}
