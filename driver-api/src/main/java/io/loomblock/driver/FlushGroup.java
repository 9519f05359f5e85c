// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Group commit: flushes that are asked for at once share one, and none is done where nothing was written since the last.
 *
 * <p>A flush covers every write that was {@link #written} before it was asked for, so a caller is content with one that starts after
 * its call. Those who share a flush that fails all get its failure, and what was written counts as not flushed. Thread-safe.
 */
public final class FlushGroup {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition finished = lock.newCondition();
    private long started;
    private long completed;
    private boolean running;

    private volatile boolean dirty;
    /** Outcome of the last flush; guarded by the lock. */
    private @Nullable BlockException failure;

    /** Something was written; called after each write that returns to its caller. */
    public void written() {
        if (!dirty) {
            dirty = true;
        }
    }

    /** Whether nothing was written since the last flush began. */
    public boolean isClean() {
        return !dirty;
    }

    /**
     * Returns when a flush that began after this call is done, {@code action} being that flush if this thread has to do it.
     *
     * @throws BlockException the failure of that flush
     */
    public void flush(BlockAction action) throws BlockException {
        lock.lock();
        try {
            long wanted = started + 1;
            while (completed < wanted && running) {
                finished.awaitUninterruptibly();
            }
            if (completed >= wanted) {
                if (failure != null) {
                    throw new BlockException(failure.errno(), failure.reason(), failure);
                }
                return;
            }
            running = true;
            started++;
        } finally {
            lock.unlock();
        }
        run(action);
    }

    private void run(BlockAction action) throws BlockException {
        boolean succeeded = false;
        BlockException thrown = null;
        try {
            if (dirty) {
                dirty = false;
                action.run();
            }
            succeeded = true;
        } catch (BlockException e) {
            thrown = e;
            throw e;
        } finally {
            if (!succeeded) {
                dirty = true;
                thrown = thrown != null ? thrown : new BlockException(Errno.EIO, "The flush did not come to its end");
            }
            finish(thrown);
        }
    }

    private void finish(@Nullable BlockException outcome) {
        lock.lock();
        try {
            running = false;
            if (outcome != null && outcome.errno() == Errno.EINTR) {
                // One of them has left: the others have not been interrupted, and flush by themselves.
                started--;
            } else {
                completed = started;
                failure = outcome;
            }
            finished.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
