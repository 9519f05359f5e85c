// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Keeps a number of requests in flight: so many virtual threads, each of which makes one request after the other.
 *
 * <p>Threads are started for each call, so a call makes many requests: the cost of the threads is then below the noise.
 */
final class Load {
    /** What one virtual thread does. */
    @FunctionalInterface
    interface Lane {
        void run() throws BlockException;
    }

    private Load() {}

    /** Runs every lane on a virtual thread of its own and returns when all have finished; the first failure is thrown. */
    static void run(List<? extends Lane> lanes) throws InterruptedException {
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>(lanes.size());
        for (Lane lane : lanes) {
            threads.add(Thread.startVirtualThread(() -> {
                try {
                    lane.run();
                } catch (Throwable e) {
                    // An error too: the benchmark fails, instead of being fast for want of a lane.
                    failures.add(e);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        if (!failures.isEmpty()) {
            throw new IllegalStateException("a request failed", failures.peek());
        }
    }
}
