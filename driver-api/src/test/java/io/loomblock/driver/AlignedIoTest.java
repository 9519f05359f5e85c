// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests of any alignment on a driver that wants blocks: nothing is lost, and the driver sees whole blocks only. */
class AlignedIoTest {
    private static final int BLOCK = 4096;

    /** Insists on its alignment, and may know zero writes or not. */
    private static class Blocks extends ForwardingDriver {
        final List<Request> zeroed = Collections.synchronizedList(new ArrayList<>());
        final List<Request> written = Collections.synchronizedList(new ArrayList<>());
        private final Limits limits;
        private final boolean zeroes;

        Blocks(BlockDriver below, Limits limits, boolean zeroes) {
            super(below);
            this.limits = limits;
            this.zeroes = zeroes;
        }

        @Override
        public Limits limits() {
            return limits;
        }

        private void check(long offset, long bytes, IoVector qiov, int qiovOffset) {
            int mask = limits.requestAlignment() - 1;
            if (((offset | bytes) & mask) != 0
                    || limits.maxTransfer() > 0 && bytes > limits.maxTransfer()
                    || !qiov.isAligned(qiovOffset, (int) bytes, limits.memoryAlignment())) {
                throw new AssertionError("unaligned: " + offset + " +" + bytes);
            }
        }

        @Override
        public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
            check(offset, bytes, qiov, qiovOffset);
            below.coReadv(offset, bytes, qiov, qiovOffset, flags);
        }

        @Override
        public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
            check(offset, bytes, qiov, qiovOffset);
            written.add(new Request(Kind.WRITE, offset, bytes));
            below.coWritev(offset, bytes, qiov, qiovOffset, flags);
        }

        @Override
        public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
            if (!zeroes) {
                throw new BlockException(Errno.ENOTSUP);
            }
            int mask = Math.max(limits.requestAlignment(), limits.zeroAlignment()) - 1;
            if (((offset | bytes) & mask) != 0) {
                throw new AssertionError("unaligned zero write: " + offset + " +" + bytes);
            }
            zeroed.add(new Request(Kind.WRITE, offset, bytes));
            below.coWriteZeroes(offset, bytes, flags);
        }
    }

    private static Limits limits(int alignment, int zeroAlignment) {
        return Limits.NONE.withAlignment(alignment, alignment).withZeroAlignment(zeroAlignment, zeroAlignment);
    }

    private static Node node(BlockDriver driver) throws BlockException {
        return new Node("blocks", driver, Map.of(), OpenOptions.readWrite());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 512, BLOCK, Limits.MAX_ALIGNMENT})
    void anyRequestDoesWhatItWouldDoToAByteArray(int alignment) throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (boolean zeroes : new boolean[] {true, false}) {
            Limits limits = Limits.NONE
                    .withAlignment(alignment, Math.min(alignment, BLOCK))
                    .withZeroAlignment(2 * alignment, 1)
                    .withTransfer(0, alignment == 1 ? 1000 : Math.max(65536, alignment));
            Node node = node(new Blocks(new MemoryDriver(), limits, zeroes));
            byte[] model = new byte[3 << 20];
            AlignedBuffer memory = AlignedBuffer.allocate(3 << 20);
            for (int i = 0; i < 300; i++) {
                int length = random.nextInt(random.nextInt(10) == 0 ? 2 << 20 : 3 * BLOCK);
                int offset = random.nextInt(model.length - length);
                int at = random.nextInt(memory.capacity() - length);
                IoVector vector = IoVector.of(memory, at, length);
                switch (random.nextInt(3)) {
                    case 0 -> {
                        byte[] data = new byte[length];
                        random.nextBytes(data);
                        memory.put(at, data, 0, length);
                        node.coWritev(offset, vector);
                        System.arraycopy(data, 0, model, offset, length);
                    }
                    case 1 -> {
                        node.coWriteZeroes(offset, length, 0);
                        java.util.Arrays.fill(model, offset, offset + length, (byte) 0);
                    }
                    default -> {
                        node.coReadv(offset, vector);
                        byte[] read = new byte[length];
                        memory.get(at, read, 0, length);
                        assertThat(ByteBuffer.wrap(read).mismatch(ByteBuffer.wrap(model, offset, length)))
                                .as("seed %d, request %d", seed, i)
                                .isEqualTo(-1);
                    }
                }
            }
            node.close();
        }
    }

    @Test
    void writersOfNeighbouringBytesLoseNothing() throws Exception {
        int threads = 64;
        int rounds = 200;
        Node node = node(new Blocks(new MemoryDriver(), limits(BLOCK, BLOCK), false));
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int mine = t;
                all.add(executor.submit(() -> {
                    AlignedBuffer memory = AlignedBuffer.allocate(16);
                    for (int round = 1; round <= rounds; round++) {
                        // Each thread has every 64th byte of a range across a block's border.
                        memory.fill(0, 16, (byte) round);
                        long offset = BLOCK - 32 + mine;
                        if (round % 5 == 0) {
                            node.coWriteZeroes(offset, 1, 0);
                        }
                        node.coWritev(offset, IoVector.of(memory, 0, 1));
                        node.coReadv(offset, IoVector.of(memory, 8, 1));
                        assertThat(memory.getByte(8)).isEqualTo((byte) round);
                    }
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get(60, TimeUnit.SECONDS);
            }
        }
        AlignedBuffer memory = AlignedBuffer.allocate(threads);
        node.coReadv(BLOCK - 32, IoVector.of(memory));
        for (int t = 0; t < threads; t++) {
            assertThat(memory.getByte(t)).as("byte of thread %d", t).isEqualTo((byte) rounds);
        }
    }

    @Test
    void aWriteOfWholeBlocksWaitsForAReadModifyWriteOfThem() throws Exception {
        BlockingDriver blocking = new BlockingDriver(new MemoryDriver());
        Node node = node(new Blocks(blocking, limits(BLOCK, BLOCK), false));
        AlignedBuffer memory = AlignedBuffer.allocate(2 * BLOCK);
        memory.fill(0, 2 * BLOCK, (byte) 5);
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> partly;
            Future<?> whole;
            try (BlockingDriver.Hold hold = blocking.hold(request -> request.kind() == Kind.WRITE)) {
                partly = executor.submit(() -> {
                    AlignedBuffer one = AlignedBuffer.allocate(1);
                    one.fill(0, 1, (byte) 1);
                    node.coWritev(100, IoVector.of(one));
                    return null;
                });
                hold.awaitHeld();
                whole = executor.submit(() -> {
                    node.coWritev(0, IoVector.of(memory, 0, BLOCK));
                    return null;
                });
                // Elsewhere nothing waits.
                node.coWritev(BLOCK, IoVector.of(memory, 0, BLOCK));
                assertThat(whole.isDone()).isFalse();
            }
            partly.get(30, TimeUnit.SECONDS);
            whole.get(30, TimeUnit.SECONDS);
        }
        AlignedBuffer read = AlignedBuffer.allocate(BLOCK);
        node.coReadv(0, IoVector.of(read));
        assertThat(read.getByte(100)).isEqualTo((byte) 5);
    }

    @Test
    void theCallersMemoryGoesThroughWhereItFits() throws Exception {
        IoVector[] seen = new IoVector[1];
        BlockDriver driver = new Blocks(new MemoryDriver(), limits(512, 512), true) {
            @Override
            public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
                    throws BlockException {
                seen[0] = qiov;
                super.coWritev(offset, bytes, qiov, qiovOffset, flags);
            }
        };
        IoVector mine = IoVector.of(AlignedBuffer.allocate(2048));
        node(driver).coWritev(512, 1024, mine, 512, 0);
        assertThat(seen[0]).isSameAs(mine);
    }

    @Test
    void zeroWritesGoToTheDriverInItsGranularityAndTheRestIsWritten() throws Exception {
        Blocks driver = new Blocks(new MemoryDriver(), limits(512, BLOCK), true);
        node(driver).coWriteZeroes(BLOCK - 512, 2L * BLOCK + 1024, 0);
        assertThat(driver.zeroed).containsExactly(new Request(Kind.WRITE, BLOCK, 2 * BLOCK));
        assertThat(driver.written)
                .containsExactly(new Request(Kind.WRITE, BLOCK - 512, 512), new Request(Kind.WRITE, 3 * BLOCK, 512));
    }

    @Test
    void withoutFallbackNothingIsWrittenOut() throws Exception {
        Blocks driver = new Blocks(new MemoryDriver(), limits(512, BLOCK), false);
        assertThatThrownBy(() -> node(driver).coWriteZeroes(0, BLOCK, RequestFlags.NO_FALLBACK))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOTSUP));
        assertThat(driver.written).isEmpty();
    }

    @Test
    void anInterruptThatWasThereBeforeFailsNothing() throws Exception {
        Node node = node(new Blocks(new MemoryDriver(), limits(BLOCK, BLOCK), true));
        Thread.currentThread().interrupt();
        try {
            node.coWritev(1, IoVector.of(AlignedBuffer.allocate(10)));
            node.coReadv(1, IoVector.of(AlignedBuffer.allocate(10)));
            node.coWriteZeroes(1, 10, 0);
            node.flush();
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
        } finally {
            Thread.interrupted();
        }
    }

    @Test
    void anInterruptWhileWaitingForAnotherWriteHasWrittenNothing() throws Exception {
        BlockingDriver blocking = new BlockingDriver(new MemoryDriver());
        Blocks driver = new Blocks(blocking, limits(BLOCK, BLOCK), false);
        Node node = node(driver);
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
                BlockingDriver.Hold hold = blocking.hold(request -> request.kind() == Kind.WRITE)) {
            executor.submit(() -> {
                node.coWritev(0, IoVector.of(AlignedBuffer.allocate(BLOCK)));
                return null;
            });
            hold.awaitHeld();
            int before = driver.written.size();
            Thread[] waiting = new Thread[1];
            Future<Boolean> interrupted = executor.submit(() -> {
                waiting[0] = Thread.currentThread();
                try {
                    node.coWriteZeroes(BLOCK / 2, 2 * BLOCK, 0);
                    throw new AssertionError("the write went through");
                } catch (BlockException e) {
                    assertThat(e.errno()).isEqualTo(Errno.EINTR);
                    return Thread.currentThread().isInterrupted();
                }
            });
            while (waiting[0] == null || waiting[0].getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            waiting[0].interrupt();
            assertThat(interrupted.get(30, TimeUnit.SECONDS)).isTrue();
            assertThat(driver.written).hasSize(before);
        }
    }

    @Test
    void aRequestThatNeedsABounceBufferGivesItBackWhenItFails() throws Exception {
        BufferPool pool = new BufferPool(4 << 20, 2 << 20);
        BlockDriver failing = new Blocks(new MemoryDriver(), limits(BLOCK, BLOCK), false) {
            @Override
            public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
                    throws BlockException {
                throw new BlockException(Errno.ENOSPC);
            }
        };
        Node node =
                new Node("blocks", failing, Map.of(), OpenOptions.readWrite().withPool(pool));
        assertThatThrownBy(() -> node.coWritev(1, IoVector.of(AlignedBuffer.allocate(10))))
                .isInstanceOf(BlockException.class);
        assertThatThrownBy(() -> node.coWriteZeroes(1, 10, 0)).isInstanceOf(BlockException.class);
        assertThat(pool.outstanding()).isZero();
    }

    /** A driver on other nodes may need memory of the pool, and so may they, while the node holds the bounce. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void bouncesOfANodeOnOthersLeaveThemThePool() throws Exception {
        BufferPool pool = new BufferPool(BufferPool.MAX_BUFFER, 0);
        BlockDriver needing = new Blocks(new MemoryDriver(), limits(BLOCK, BLOCK), false) {
            @Override
            public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
                    throws BlockException {
                try (AlignedBuffer all = pool.acquireReserved(BufferPool.MAX_BUFFER)) {
                    super.coWritev(offset, bytes, qiov, qiovOffset, flags);
                }
            }
        };
        Node below = node(new MemoryDriver());
        OpenOptions options = OpenOptions.readWrite().withPool(pool);
        try (Node node = new Node("blocks", needing, Map.of(Node.FILE, below), options)) {
            node.coWritev(1, IoVector.of(AlignedBuffer.allocate(10)));
            node.coWriteZeroes(1, 10, 0);
        }
    }

    @Test
    void failuresOfOneDoNotHoldUpTheNext() throws ExecutionException, BlockException {
        Node node = node(new Blocks(new MemoryDriver(), limits(BLOCK, BLOCK), false) {
            private boolean failed;

            @Override
            public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
                    throws BlockException {
                if (!failed) {
                    failed = true;
                    throw new BlockException(Errno.EIO);
                }
                super.coWritev(offset, bytes, qiov, qiovOffset, flags);
            }
        });
        IoVector memory = IoVector.of(AlignedBuffer.allocate(10));
        assertThatThrownBy(() -> node.coWritev(1, memory)).isInstanceOf(BlockException.class);
        node.coWritev(1, memory);
    }

    @Test
    void blocksThatNoBufferHoldsAreNoAlignment() {
        assertThatIllegalArgumentException().isThrownBy(() -> limits(2 * Limits.MAX_ALIGNMENT, 1));
    }
}
