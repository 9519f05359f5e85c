// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.Node;
import io.loomblock.memory.IoVector;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the threads of a benchmark ask a disk for. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BenchLoadTest {
    private final Recorder disk = new Recorder();

    @Test
    void everyRequestIsMadeOnce() throws Exception {
        run(new BenchPlan(1000, 8, 0, 512, 0, Recorder.LENGTH), null, true);
        assertThat(disk.offsets.stream().sorted().toList())
                .isEqualTo(LongStream.range(0, 1000).map(i -> i * 512).boxed().toList());
        assertThat(disk.flushes).hasValue(0);
    }

    @Test
    void requestsAreInFlightAtOnce() throws Exception {
        disk.together = new CountDownLatch(16);
        run(new BenchPlan(64, 16, 0, 512, 0, Recorder.LENGTH), (byte) 3, true);
        assertThat(disk.together.getCount()).isZero();
    }

    @Test
    void requestsAreInFlightAtOnceInEveryPart() throws Exception {
        disk.meeting = new CyclicBarrier(16);
        run(new BenchPlan(512, 16, 0, 512, 64, Recorder.LENGTH), (byte) 3, true);
        assertThat(disk.offsets).hasSize(512);
        assertThat(disk.flushes).hasValue(7);
        assertThat(disk.inFlightAtFlush).containsOnly(0);
    }

    @Test
    void aDrainedFlushComesWhenNothingIsInFlight() throws Exception {
        run(new BenchPlan(100, 10, 0, 512, 20, Recorder.LENGTH), (byte) 3, true);
        assertThat(disk.offsets).hasSize(100);
        assertThat(disk.flushes).hasValue(4);
        assertThat(disk.inFlightAtFlush).containsOnly(0);
        assertThat(disk.completedAtFlush).containsExactly(20, 40, 60, 80);
    }

    @Test
    void anUndrainedFlushLetsRequestsGoOn() throws Exception {
        disk.released = new CountDownLatch(100);
        run(new BenchPlan(100, 10, 0, 512, 20, Recorder.LENGTH), (byte) 3, false);
        // Flushes that are asked for at once share one.
        assertThat(disk.flushes).hasPositiveValue();
    }

    @Test
    void moreInFlightThanThereAreThreadsFor() throws Exception {
        run(new BenchPlan(70_000, 70_000, 0, 512, 0, Recorder.LENGTH), (byte) 3, true);
        assertThat(disk.offsets).hasSize(70_000);
    }

    @Test
    void theFirstFailureEndsIt() {
        disk.failFrom = 30 * 512;
        assertThatThrownBy(() -> run(new BenchPlan(10_000, 4, 0, 512, 0, Recorder.LENGTH), null, true))
                .isInstanceOf(ToolException.class)
                .hasMessage("Failed request: No space left on device");
        assertThat(disk.offsets).hasSizeLessThan(10_000);
    }

    @Test
    void aFlushThatFailsEndsItToo() {
        disk.failFlush = true;
        assertThatThrownBy(() -> run(new BenchPlan(100, 4, 0, 512, 10, Recorder.LENGTH), (byte) 1, true))
                .hasMessage("Failed request: Input/output error");
        assertThatThrownBy(() -> run(new BenchPlan(100, 4, 0, 512, 10, Recorder.LENGTH), (byte) 1, false))
                .hasMessage("Failed flush request: Input/output error");
    }

    private void run(BenchPlan plan, @Nullable Byte pattern, boolean drain) throws Exception {
        OpenOptions options = OpenOptions.readWrite();
        BlockDevice device = BlockDevice.of(new Node("disk", disk, Map.of(), options), options);
        try (BenchLoad load = new BenchLoad(device, plan, 512, pattern, drain)) {
            assertThat(load.run()).isPositive();
        }
    }

    /** A disk that notes what it is asked for. */
    private static final class Recorder implements BlockDriver {
        static final long LENGTH = 1L << 40;

        final ConcurrentLinkedQueue<Long> offsets = new ConcurrentLinkedQueue<>();
        final AtomicInteger inFlight = new AtomicInteger();
        final AtomicInteger completed = new AtomicInteger();
        final AtomicInteger flushes = new AtomicInteger();
        final List<Integer> inFlightAtFlush = new CopyOnWriteArrayList<>();
        final List<Integer> completedAtFlush = new CopyOnWriteArrayList<>();
        /** Requests wait until so many have come. */
        volatile @Nullable CountDownLatch together;
        /** The first sixteen requests of a part of 64 wait for one another; a thread takes one at first, more later if they are short. */
        volatile @Nullable CyclicBarrier meeting;
        /** Flushes wait until so many requests are completed. */
        volatile @Nullable CountDownLatch released;

        volatile long failFrom = Long.MAX_VALUE;
        volatile boolean failFlush;

        @Override
        public String formatName() {
            return "recorder";
        }

        @Override
        public long length() {
            return LENGTH;
        }

        @Override
        public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
            request(offset);
        }

        @Override
        public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
            assertThat(qiov.buffer(0).getByte(qiov.offset(0))).isEqualTo((byte) (failFlush ? 1 : 3));
            request(offset);
        }

        private void request(long offset) throws BlockException {
            inFlight.incrementAndGet();
            offsets.add(offset);
            CountDownLatch all = together;
            if (all != null) {
                all.countDown();
                await(all);
            }
            CyclicBarrier others = meeting;
            if (others != null && offset / 512 % 64 < 16) {
                meet(others);
            }
            inFlight.decrementAndGet();
            completed.incrementAndGet();
            CountDownLatch flush = released;
            if (flush != null) {
                flush.countDown();
            }
            if (offset >= failFrom) {
                throw new BlockException(Errno.ENOSPC);
            }
        }

        @Override
        public void flushToDisk() throws BlockException {
            CountDownLatch all = released;
            if (all != null) {
                await(all);
            }
            flushes.incrementAndGet();
            inFlightAtFlush.add(inFlight.get());
            completedAtFlush.add(completed.get());
            if (failFlush) {
                throw new BlockException(Errno.EIO);
            }
        }

        private static void meet(CyclicBarrier others) {
            try {
                others.await(30, TimeUnit.SECONDS);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
                throw new AssertionError(e);
            }
        }

        private static void await(CountDownLatch latch) {
            try {
                assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void close() {}
    }
}
