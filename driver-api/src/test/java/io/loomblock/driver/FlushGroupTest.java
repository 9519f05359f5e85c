// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Flushes asked for at once share one; a failure is everybody's who shared it. */
@Timeout(60)
class FlushGroupTest {
    private final FlushGroup group = new FlushGroup();
    private final AtomicInteger flushes = new AtomicInteger();

    @Test
    void nothingIsDoneWhereNothingWasWritten() throws Exception {
        group.flush(flushes::incrementAndGet);
        assertThat(flushes).hasValue(0);
        group.written();
        assertThat(group.isClean()).isFalse();
        group.flush(flushes::incrementAndGet);
        group.flush(flushes::incrementAndGet);
        assertThat(flushes).hasValue(1);
        assertThat(group.isClean()).isTrue();
    }

    /** Starts a flush that lasts until the latch opens, and returns when it runs. */
    private Future<?> longFlush(ExecutorService executor, CountDownLatch end, BlockException outcome)
            throws InterruptedException {
        CountDownLatch runs = new CountDownLatch(1);
        Future<?> flush = executor.submit(() -> {
            group.flush(() -> {
                runs.countDown();
                awaitQuietly(end);
                flushes.incrementAndGet();
                if (outcome != null) {
                    throw outcome;
                }
            });
            return null;
        });
        assertThat(runs.await(30, TimeUnit.SECONDS)).isTrue();
        return flush;
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Starts flushes that have to wait, and returns when they do. */
    private List<Future<?>> waiters(ExecutorService executor, int count, BlockAction action) {
        List<Future<?>> waiting = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            CountDownLatch started = new CountDownLatch(1);
            waiting.add(executor.submit(() -> {
                synchronizedAdd(threads, started);
                group.flush(action);
                return null;
            }));
            awaitQuietly(started);
        }
        for (Thread thread : threads) {
            while (thread.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
        }
        return waiting;
    }

    private static void synchronizedAdd(List<Thread> threads, CountDownLatch started) {
        threads.add(Thread.currentThread());
        started.countDown();
    }

    @Test
    void thoseWhoComeDuringAFlushShareTheNextOne() throws Exception {
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            CountDownLatch end = new CountDownLatch(1);
            group.written();
            Future<?> first = longFlush(executor, end, null);
            group.written();
            List<Future<?>> waiting = waiters(executor, 10, flushes::incrementAndGet);
            end.countDown();
            first.get(30, TimeUnit.SECONDS);
            for (Future<?> one : waiting) {
                one.get(30, TimeUnit.SECONDS);
            }
            assertThat(flushes).as("the long one, and one for all who waited").hasValue(2);
        }
    }

    @Test
    void aWriteDuringAFlushIsNotCoveredByIt() throws Exception {
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            CountDownLatch end = new CountDownLatch(1);
            group.written();
            Future<?> first = longFlush(executor, end, null);
            group.written();
            end.countDown();
            first.get(30, TimeUnit.SECONDS);
            assertThat(group.isClean()).isFalse();
            group.flush(flushes::incrementAndGet);
            assertThat(flushes).hasValue(2);
        }
    }

    @Test
    void thoseWhoShareAFlushThatFailsAllFail() throws Exception {
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            CountDownLatch end = new CountDownLatch(1);
            group.written();
            Future<?> first = longFlush(executor, end, null);
            group.written();
            AtomicInteger failures = new AtomicInteger();
            List<Future<?>> waiting = waiters(executor, 5, () -> {
                failures.incrementAndGet();
                throw new BlockException(Errno.ENOSPC);
            });
            end.countDown();
            first.get(30, TimeUnit.SECONDS);
            for (Future<?> one : waiting) {
                assertThatThrownBy(() -> one.get(30, TimeUnit.SECONDS))
                        .cause()
                        .isInstanceOfSatisfying(
                                BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
            }
            assertThat(failures).hasValue(1);
        }
    }

    @Test
    void whoLeavesBecauseItIsInterruptedTakesNobodyAlong() throws Exception {
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            CountDownLatch end = new CountDownLatch(1);
            group.written();
            Future<?> leaving = longFlush(executor, end, new BlockException(Errno.EINTR));
            List<Future<?>> waiting = waiters(executor, 5, flushes::incrementAndGet);
            end.countDown();
            assertThatThrownBy(() -> leaving.get(30, TimeUnit.SECONDS)).cause().isInstanceOf(BlockException.class);
            for (Future<?> one : waiting) {
                one.get(30, TimeUnit.SECONDS);
            }
            assertThat(flushes)
                    .as("the one that was left, and one for the others")
                    .hasValue(2);
        }
    }

    @Test
    void whatFailedIsFlushedAgain() throws Exception {
        group.written();
        assertThatThrownBy(() -> group.flush(() -> {
                    throw new BlockException(Errno.EIO);
                }))
                .isInstanceOf(BlockException.class);
        assertThat(group.isClean()).isFalse();
        group.flush(flushes::incrementAndGet);
        assertThat(flushes).hasValue(1);
    }

    @Test
    void aBugInAFlushCountsAsAFailure() {
        group.written();
        assertThatThrownBy(() -> group.flush(() -> {
                    throw new IllegalStateException("bug");
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(group.isClean()).isFalse();
    }
}
