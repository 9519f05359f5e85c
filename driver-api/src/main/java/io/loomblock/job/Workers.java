// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import java.util.ArrayList;
import java.util.List;

/**
 * The virtual threads that do a job side by side, each with a buffer of {@link BufferPool#MAX_BUFFER}, which it has before it claims
 * anything: so whoever is waited for has memory.
 */
final class Workers {
    /** What each of them does. */
    @FunctionalInterface
    interface Work {
        /** Claims piece by piece and does it. */
        void run(AlignedBuffer buffer) throws BlockException;
    }

    private Workers() {}

    /**
     * Runs {@code count} workers to their end.
     *
     * @param turns hears of what a worker fails with, and of an interrupt of the caller
     * @throws BlockException the first failure; EINTR if the caller was interrupted
     */
    static void run(String name, int count, BufferPool pool, Turns turns, Work work) throws BlockException {
        // A flag that is there already fails nothing; one that is set from here on stops the workers.
        boolean interrupted = Thread.interrupted();
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            workers.add(Thread.ofVirtual().name(name + "-" + i).start(() -> run(pool, turns, work)));
        }
        for (Thread worker : workers) {
            while (worker.isAlive()) {
                try {
                    worker.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                    turns.fail(new BlockException(Errno.EINTR));
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        turns.throwFailure();
    }

    private static void run(BufferPool pool, Turns turns, Work work) {
        try (AlignedBuffer buffer = pool.acquire(BufferPool.MAX_BUFFER)) {
            work.run(buffer);
        } catch (BlockException e) {
            turns.fail(e);
        } catch (RuntimeException | Error e) {
            // A bug must not leave the others waiting for this worker's turn.
            turns.fail(new BlockException(Errno.EIO, "internal error: " + e, e));
        }
    }
}
