// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Overlapping ranges take turns in the order in which they came; others do not wait. */
@Timeout(60)
class RangeLocksTest {
    private final RangeLocks locks = new RangeLocks();

    private static Thread startAndAwaitWaiting(Runnable task) {
        Thread thread = Thread.ofVirtual().start(task);
        awaitWaiting(thread);
        return thread;
    }

    private static void awaitWaiting(Thread thread) {
        while (thread.getState() != Thread.State.WAITING) {
            assertThat(thread.getState()).isNotEqualTo(Thread.State.TERMINATED);
            Thread.onSpinWait();
        }
    }

    @Test
    void rangesThatOnlyTouchDoNotWait() throws Exception {
        try (RangeLocks.Range first = locks.acquire(0, 10);
                RangeLocks.Range second = locks.acquire(10, 20);
                RangeLocks.Range empty = locks.acquire(5, 5)) {
            assertThat(List.of(first, second, empty)).hasSize(3);
        }
    }

    @Test
    void gapsAreWhatNobodyHoldsNorWaitsFor() throws Exception {
        RangeLocks.Range held = locks.acquire(10, 20);
        Thread waiting = startAndAwaitWaiting(() -> {
            try (RangeLocks.Range range = locks.acquire(15, 30)) {
                assertThat(range.start()).isEqualTo(15);
            } catch (BlockException e) {
                throw new AssertionError(e);
            }
        });
        try (RangeLocks.Range before = locks.tryAcquireGap(0, 100);
                RangeLocks.Range behind = locks.tryAcquireGap(5, 100)) {
            assertThat(before).isNotNull();
            assertThat(List.of(before.start(), before.end())).containsExactly(0L, 10L);
            assertThat(behind).isNotNull();
            assertThat(List.of(behind.start(), behind.end())).containsExactly(30L, 100L);
            assertThat(locks.tryAcquireGap(0, 100)).isNull();
        }
        held.close();
        waiting.join();
        try (RangeLocks.Range all = locks.tryAcquireGap(0, 100)) {
            assertThat(all).isNotNull();
            assertThat(all.end() - all.start()).isEqualTo(100);
        }
    }

    @Test
    void overlappingRangesAreGrantedInTheOrderInWhichTheyCame() throws Exception {
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        RangeLocks.Range first = locks.acquire(0, 100);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            int number = i;
            threads.add(startAndAwaitWaiting(() -> {
                try (RangeLocks.Range range = locks.acquire(number, 100)) {
                    order.add(number);
                } catch (BlockException e) {
                    order.add(-1);
                }
            }));
        }
        first.close();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(order).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    }

    @Test
    void aLaterRangeWaitsForAnEarlierOneThatWaitsItself() throws Exception {
        RangeLocks.Range first = locks.acquire(0, 10);
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        Thread wide = startAndAwaitWaiting(() -> take(0, 100, "wide", order));
        // Free by itself, but the wide one was asked for before.
        Thread late = startAndAwaitWaiting(() -> take(50, 60, "late", order));
        first.close();
        wide.join();
        late.join();
        assertThat(order).containsExactly("wide", "late");
    }

    private void take(long start, long end, String name, List<String> order) {
        try (RangeLocks.Range range = locks.acquire(start, end)) {
            order.add(name);
        } catch (BlockException e) {
            order.add(name + " failed with " + e.errno());
        }
    }

    @Test
    void anInterruptEndsTheWaitAndLetsThoseBehindGo() throws Exception {
        RangeLocks.Range first = locks.acquire(0, 10);
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        boolean[] flag = new boolean[1];
        Thread waiting = startAndAwaitWaiting(() -> {
            take(0, 100, "waiting", order);
            flag[0] = Thread.currentThread().isInterrupted();
        });
        Thread behind = startAndAwaitWaiting(() -> take(50, 60, "behind", order));
        waiting.interrupt();
        waiting.join();
        behind.join();
        assertThat(order).containsExactlyInAnyOrder("waiting failed with EINTR", "behind");
        assertThat(flag[0]).as("the flag stays set").isTrue();
        first.close();
        locks.acquire(0, 100).close();
    }

    @Test
    void anInterruptThatCameBeforeFailsNothing() throws Exception {
        RangeLocks.Range first = locks.acquire(0, 10);
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        Thread waiting = startAndAwaitWaiting(() -> {
            Thread.currentThread().interrupt();
            take(0, 10, "waiting", order);
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
        });
        first.close();
        waiting.join();
        assertThat(order).containsExactly("waiting");
    }

    @Test
    void whoMayHavePublishedSomethingIsNotInterrupted() throws Exception {
        RangeLocks.Range first = locks.acquire(0, 10);
        boolean[] flag = new boolean[1];
        Thread waiting = startAndAwaitWaiting(() -> {
            locks.acquireUninterruptibly(5, 15).close();
            flag[0] = Thread.currentThread().isInterrupted();
        });
        waiting.interrupt();
        assertThat(waiting.isAlive()).isTrue();
        first.close();
        waiting.join();
        assertThat(flag[0]).isTrue();
    }

    @Test
    void releasingTwiceIsAnError() throws Exception {
        RangeLocks.Range range = locks.acquire(0, 10);
        range.close();
        assertThatThrownBy(range::close).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void noTwoThreadsAreEverInsideOfOneUnit() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        int units = 64;
        AtomicIntegerArray inside = new AtomicIntegerArray(units);
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < 16; t++) {
                Random random = new Random(seed + t);
                all.add(executor.submit(() -> {
                    for (int i = 0; i < 2000; i++) {
                        int start = random.nextInt(units);
                        int end = start + 1 + random.nextInt(Math.min(8, units - start));
                        if (random.nextInt(50) == 0) {
                            Thread.currentThread().interrupt();
                        }
                        try (RangeLocks.Range range = locks.acquire(start, end)) {
                            for (int u = start; u < end; u++) {
                                assertThat(inside.incrementAndGet(u)).isEqualTo(1);
                            }
                            Thread.yield();
                            for (int u = start; u < end; u++) {
                                inside.decrementAndGet(u);
                            }
                        } catch (BlockException e) {
                            assertThat(e.errno()).isEqualTo(Errno.EINTR);
                        }
                        Thread.interrupted();
                    }
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get(50, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void thoseWhoShareDoNotWaitForOneAnother() throws Exception {
        try (RangeLocks.Range first = locks.acquireShared(0, 10);
                RangeLocks.Range second = locks.acquireShared(5, 15)) {
            assertThat(List.of(first, second)).hasSize(2);
            assertThatThrownBy(() -> locks.acquire(9, 20, true))
                    .isInstanceOfSatisfying(
                            BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EAGAIN));
            locks.acquire(15, 20, true).close();
        }
        locks.acquire(0, 20, true).close();
    }

    @Test
    void thoseWhoShareWaitForAnExclusiveRangeThatCameBefore() throws Exception {
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        RangeLocks.Range shared = locks.acquireShared(0, 10);
        Thread exclusive = startAndAwaitWaiting(() -> take(0, 10, "exclusive", order));
        Thread late = startAndAwaitWaiting(() -> {
            try (RangeLocks.Range range = locks.acquireShared(0, 10)) {
                order.add("shared");
            } catch (BlockException e) {
                order.add("interrupted");
            }
        });
        shared.close();
        exclusive.join();
        late.join();
        assertThat(order).containsExactly("exclusive", "shared");
    }
}
