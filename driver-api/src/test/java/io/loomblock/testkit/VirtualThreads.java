// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** Has a virtual thread do what a test wants done on one. */
public final class VirtualThreads {
    private VirtualThreads() {}

    /**
     * What {@code work} gives, done on a thread of its own.
     *
     * @throws Exception what it throws
     */
    public static <T> T call(Callable<T> work) throws Exception {
        FutureTask<T> task = new FutureTask<>(work);
        Thread.ofVirtual().start(task);
        try {
            return task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        }
    }
}
