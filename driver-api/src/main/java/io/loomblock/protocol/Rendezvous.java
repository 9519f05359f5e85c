// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.util.concurrent.locks.LockSupport;

/**
 * What one thread waits for and another one does. The wait goes on, whatever interrupts it, and leaves the interrupt flag as it was:
 * the other one may be at work on memory that the first one owns.
 *
 * <p>What the other thread wrote before {@link #finish} the first one sees after {@link #await}. It may be used again after that, by
 * whatever thread calls {@link #begin}.
 */
class Rendezvous {
    private Thread waiting = Thread.currentThread();
    private volatile boolean finished;

    /** The calling thread is the one that will wait. */
    final void begin() {
        waiting = Thread.currentThread();
        finished = false;
    }

    /** It is done; the last thing that the other thread does with this. */
    final void finish() {
        // Once it is finished another one may begin.
        Thread thread = waiting;
        finished = true;
        LockSupport.unpark(thread);
    }

    /** Waits until it is done. */
    final void await() {
        boolean interrupted = false;
        while (!finished) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
