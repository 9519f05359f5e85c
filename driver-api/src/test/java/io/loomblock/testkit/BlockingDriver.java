// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.driver.BlockDriver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;

/** A driver that holds up one chosen request, before it is passed on, until the test lets it go. Thread-safe. */
public final class BlockingDriver extends InterceptingDriver {
    /** How long a test waits for what must happen. */
    private static final long PATIENCE_SECONDS = 30;

    private final AtomicReference<List<Hold>> holds = new AtomicReference<>(List.of());

    public BlockingDriver(BlockDriver below) {
        super(below);
    }

    /** Holds up the next request that this is true of. */
    public Hold hold(Predicate<Request> which) {
        Hold hold = new Hold(which);
        holds.updateAndGet(all -> {
            List<Hold> more = new ArrayList<>(all);
            more.add(hold);
            return List.copyOf(more);
        });
        return hold;
    }

    @Override
    void before(Request request) {
        for (Hold hold : holds.get()) {
            if (hold.which.test(request) && hold.taken.compareAndSet(null, request)) {
                hold.held.countDown();
                await(hold.released, "a held request was never released");
            }
        }
    }

    private static void await(CountDownLatch latch, String otherwise) {
        boolean interrupted = Thread.interrupted();
        try {
            if (!latch.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError(otherwise);
            }
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while waiting in a test", e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** One request that is, or will be, held up; closing it lets it go. */
    public static final class Hold implements AutoCloseable {
        private final Predicate<Request> which;
        private final AtomicReference<Request> taken = new AtomicReference<>();
        private final CountDownLatch held = new CountDownLatch(1);
        private final CountDownLatch released = new CountDownLatch(1);

        private Hold(Predicate<Request> which) {
            this.which = which;
        }

        /** Returns when the request is there, held up. */
        public Request awaitHeld() {
            await(held, "the request to be held up never came");
            return taken.get();
        }

        /** Whether the request has come. */
        public boolean isHeld() {
            return held.getCount() == 0;
        }

        /** Lets the request go on, now or when it comes. */
        public void release() {
            released.countDown();
        }

        @Override
        public void close() {
            release();
        }
    }
}
