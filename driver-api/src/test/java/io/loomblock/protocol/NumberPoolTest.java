// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each number has one holder at a time; who finds none waits for one, and learns of the close. */
@Timeout(60)
class NumberPoolTest {
    private static final int SIZE = 8;

    private final NumberPool pool = new NumberPool(SIZE);

    @Test
    void allNumbersAreHandedOut() {
        assertThat(takeAll()).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7);
    }

    @Test
    void noTwoThreadsHaveTheSame() throws Exception {
        AtomicIntegerArray holders = new AtomicIntegerArray(SIZE);
        List<Future<?>> done = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(2 * SIZE)) {
            for (int thread = 0; thread < 2 * SIZE; thread++) {
                done.add(threads.submit(() -> {
                    for (int round = 0; round < 20_000; round++) {
                        int number = pool.take();
                        assertThat(holders.incrementAndGet(number)).isEqualTo(1);
                        holders.decrementAndGet(number);
                        pool.give(number);
                    }
                }));
            }
        }
        for (Future<?> each : done) {
            each.get();
        }
        assertThat(takeAll()).hasSize(SIZE).doesNotHaveDuplicates();
    }

    @Test
    void whoFindsNoneWaitsForOneWhateverInterrupts() throws Exception {
        List<Integer> all = takeAll();
        int[] got = new int[1];
        boolean[] interrupted = new boolean[1];
        Thread late = Thread.ofVirtual().start(() -> {
            got[0] = pool.take();
            interrupted[0] = Thread.currentThread().isInterrupted();
        });
        awaitWaiting(late);
        late.interrupt();
        assertThat(late.join(Duration.ofMillis(20))).isFalse();
        pool.give(all.get(3));
        late.join();
        assertThat(got[0]).isEqualTo(all.get(3));
        assertThat(interrupted[0]).isTrue();
    }

    @Test
    void closeWaitsForAllAndLeavesNone() throws Exception {
        int last = pool.take();
        Thread closing = Thread.ofVirtual().start(pool::close);
        awaitWaiting(closing);
        pool.give(last);
        closing.join();
        assertThat(pool.take()).isEqualTo(NumberPool.NONE);
    }

    @Test
    void whoWaitsWhenItIsClosedLearnsOfIt() throws Exception {
        List<Integer> all = takeAll();
        int[] got = new int[1];
        Thread late = Thread.ofVirtual().start(() -> got[0] = pool.take());
        awaitWaiting(late);
        Thread closing = Thread.ofVirtual().start(pool::close);
        awaitWaiting(closing);
        all.forEach(pool::give);
        closing.join();
        late.join();
        assertThat(got[0]).isEqualTo(NumberPool.NONE);
    }

    private List<Integer> takeAll() {
        List<Integer> all = new ArrayList<>();
        for (int i = 0; i < SIZE; i++) {
            all.add(pool.take());
        }
        return all;
    }

    private static void awaitWaiting(Thread thread) {
        while (thread.getState() != Thread.State.WAITING) {
            LockSupport.parkNanos(100_000);
        }
    }
}
