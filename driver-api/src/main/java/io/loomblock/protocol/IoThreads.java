// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.driver.BlockAction;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Platform threads for calls that must not run on the caller's thread: because an interrupt would harm them, or because they block
 * and would hold a virtual thread's carrier meanwhile.
 *
 * <p>Each file has threads of its own, and others for what is slow, so that a device that no longer answers, or takes long to make
 * writes durable, keeps nothing waiting but itself. The caller waits, whatever interrupts it, and finds its interrupt flag as it was.
 * The threads are daemons that end when idle.
 */
final class IoThreads {
    /** More were not faster, with 256 requests of O_DIRECT in flight. */
    private static final int THREADS = 32;
    /** Enough for reads that the device is at work on already: more threads only wake more often. */
    private static final int GATHERERS = 8;
    /** One sync serves all writes before it: few are made at once. */
    private static final int SYNCERS = 4;

    private static final long IDLE_SECONDS = 10;

    private final ThreadPoolExecutor executor;

    private IoThreads(String name, int threads) {
        // No numbers: Java's counter of them is put together in each JVM anew, while the first requests wait for
        // threads.
        ThreadFactory factory = Thread.ofPlatform().daemon().name(name).factory();
        executor = new ThreadPoolExecutor(
                threads, threads, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), factory);
        executor.allowCoreThreadTimeOut(true);
    }

    /** New threads for calls of a file each of which may take long. */
    static IoThreads forCalls() {
        return new IoThreads("loomblock-io", THREADS);
    }

    /** New threads for reads of a file that the system has begun and that are only to be waited for. */
    static IoThreads forReadsBegun() {
        return new IoThreads("loomblock-read", GATHERERS);
    }

    /** New threads to make a file's writes durable. */
    static IoThreads forSyncs() {
        return new IoThreads("loomblock-sync", SYNCERS);
    }

    /** What is to be done. */
    @FunctionalInterface
    interface Call<T extends @Nullable Object> {
        T run() throws BlockException;
    }

    /** Runs the call on one of the threads and gives its result, or throws what it throws. */
    <T extends @Nullable Object> T call(Call<T> call) throws BlockException {
        Task<T> task = new Task<>(call);
        executor.execute(task);
        return task.outcome();
    }

    /** Runs what gives no result on one of the threads, or throws what it throws. */
    void run(BlockAction action) throws BlockException {
        call(() -> {
            action.run();
            return Boolean.TRUE;
        });
    }

    /** Runs what nobody waits for on one of the threads. */
    void begin(Runnable action) {
        executor.execute(action);
    }

    private static final class Task<T extends @Nullable Object> extends Rendezvous implements Runnable {
        private final Call<T> call;
        private @Nullable T result;
        private @Nullable Throwable failure;

        Task(Call<T> call) {
            this.call = call;
        }

        @Override
        public void run() {
            try {
                result = call.run();
            } catch (BlockException | RuntimeException | Error e) {
                failure = e;
            }
            finish();
        }

        @SuppressWarnings("NullAway") // null is a result where the call's type allows it
        T outcome() throws BlockException {
            await();
            if (failure instanceof BlockException e) {
                throw new BlockException(e.errno(), e.reason(), e);
            }
            if (failure instanceof RuntimeException e) {
                throw e;
            }
            if (failure instanceof Error e) {
                throw e;
            }
            return result;
        }
    }
}
