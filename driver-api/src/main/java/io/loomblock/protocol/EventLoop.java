// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes in the ends of requests until the last of them, whatever fails meanwhile: nobody else would wake those who wait.
 *
 * <p>Where they cannot be asked for it asks again, pausing before, for as long as it takes: until then the kernel may be at work on memory
 * whose owners must not go on.
 */
final class EventLoop implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(EventLoop.class);

    private final Events events;
    private final Runnable pause;
    /** Whether asking failed the last time too: that is told once. */
    private boolean failing;

    /** Where ends of requests are told. */
    interface Events {
        /** Waits for some, and leaves them in places from 0 on; how many, or throws. */
        int await();

        /** Wakes who waits for the request in this place; whether it was the last of all. */
        boolean end(int place);
    }

    /** {@code pause} returns after some time. */
    EventLoop(Events events, Runnable pause) {
        this.events = events;
        this.pause = pause;
    }

    /** Returns after the last one. */
    @Override
    public void run() {
        boolean ended = false;
        while (!ended) {
            int count = await();
            for (int place = 0; place < count; place++) {
                ended |= end(place);
            }
        }
    }

    private int await() {
        try {
            int count = events.await();
            failing = false;
            return count;
        } catch (RuntimeException | Error e) {
            if (!failing) {
                failing = true;
                tell("requests that have ended are not known, which is tried again", e);
            }
            pause.run();
            return 0;
        }
    }

    /** A thread that cannot be woken is lost; the others are not. */
    private boolean end(int place) {
        try {
            return events.end(place);
        } catch (RuntimeException | Error e) {
            tell("a thread could not be woken after its request", e);
            return false;
        }
    }

    private static void tell(String what, Throwable failure) {
        try {
            LOG.error(what, failure);
        } catch (RuntimeException | Error e) {
            // No memory for that either, say; what matters is to go on.
            failure.addSuppressed(e);
        }
    }
}
