// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** How a request waits: until something holds, or until the thread is interrupted meanwhile. */
public final class Waiting {
    private Waiting() {}

    /**
     * Parks until {@code done}; whoever makes it true unparks this thread. A flag that was set before fails nothing and is set
     * again at the end.
     *
     * @throws BlockException EINTR if interrupted while waiting and {@code withdraw} says that the wait could be given up
     */
    public static void until(BooleanSupplier done, BooleanSupplier withdraw) throws BlockException {
        if (!park(done, withdraw)) {
            throw new BlockException(Errno.EINTR);
        }
    }

    /** Parks until {@code done}, interrupted or not; the flag is as it should be at the end. */
    public static void until(BooleanSupplier done) {
        park(done, () -> false);
    }

    /** Does something whose waits an interrupt must not end: it is done again where one did. The flag is as it should be at the end. */
    public static void uninterruptibly(BlockAction step) throws BlockException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    step.run();
                    return;
                } catch (BlockException e) {
                    // Storage may say EINTR too, and would say it for ever.
                    if (e.errno() != Errno.EINTR || !Thread.interrupted()) {
                        throw e;
                    }
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static boolean park(BooleanSupplier done, BooleanSupplier withdraw) {
        boolean interrupted = Thread.interrupted();
        try {
            while (!done.getAsBoolean()) {
                LockSupport.park(done);
                if (Thread.interrupted()) {
                    interrupted = true;
                    if (withdraw.getAsBoolean()) {
                        return false;
                    }
                }
            }
            return true;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
