// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A call on a virtual thread of its own, and what came of it. */
public final class Call {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** What is called. */
    @FunctionalInterface
    public interface Body {
        void run() throws Exception;
    }

    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final Thread thread;

    private Call(Body body) {
        thread = Thread.ofVirtual().start(() -> {
            try {
                body.run();
            } catch (Throwable e) {
                failure.set(e);
            }
        });
    }

    public static Call of(Body body) {
        return new Call(body);
    }

    /** One that waits for something by now. */
    public static Call thatWaits(Body body) {
        Call call = new Call(body);
        Waits.untilParked(call.thread);
        return call;
    }

    public Thread thread() {
        return thread;
    }

    /** Whether it has neither returned nor thrown. */
    public boolean isRunning() {
        return thread.isAlive();
    }

    /** Returns when it has returned, or throws what it has thrown. */
    public void join() throws Exception {
        if (!thread.join(PATIENCE)) {
            throw new AssertionError("a call does not end");
        }
        if (failure.get() instanceof Exception e) {
            throw e;
        }
        if (failure.get() instanceof Error e) {
            throw e;
        }
    }
}
