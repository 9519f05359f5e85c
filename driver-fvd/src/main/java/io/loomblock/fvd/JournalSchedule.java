// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.BlockAction;
import io.loomblock.driver.Timers;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When a buffered journal writes behind the scenes: full buffers at once, others when a record has waited for a period. spec: fvd.md section
 * 15.5.
 *
 * <p>All that is called from outside is called under the lock of the journal, which the work is done without. Work that fails is told to the
 * log only: the journal sees to it that nothing is written any more.
 */
final class JournalSchedule {
    private static final Logger LOG = LoggerFactory.getLogger(JournalSchedule.class);

    private final ReentrantLock lock;
    private final Timers timers;
    private final long periodNanos;
    private final BlockAction writeAll;
    private final BlockAction writeFull;

    private Timers.@Nullable Timer timer;
    /** Somebody is on the way to write what is full. */
    private boolean kicked;

    private boolean paused;

    /**
     * A schedule with nothing to do.
     *
     * @param lock of the journal
     * @param periodMillis how long a record waits at most for others
     * @param writeAll what to do then
     * @param writeFull writes the buffers that are full
     */
    JournalSchedule(ReentrantLock lock, Timers timers, long periodMillis, BlockAction writeAll, BlockAction writeFull) {
        this.lock = lock;
        this.timers = timers;
        this.periodNanos = TimeUnit.MILLISECONDS.toNanos(periodMillis);
        this.writeAll = writeAll;
        this.writeFull = writeFull;
    }

    /** There is a record: it is written a period from now at the latest. */
    void hasRecord() {
        if (timer == null && !paused) {
            timer = timers.schedule("loomblock-fvd-journal", periodNanos, this::onTimer);
        }
    }

    /** There is a buffer that is full. */
    void hasFull() {
        if (!kicked && !paused) {
            kicked = true;
            timers.schedule("loomblock-fvd-journal-write", 0, this::onKick);
        }
    }

    private void onTimer() {
        run(() -> timer = null, writeAll);
    }

    private void onKick() {
        run(() -> kicked = false, writeFull);
    }

    private void run(Runnable begin, BlockAction work) {
        lock.lock();
        try {
            begin.run();
            if (paused) {
                return;
            }
        } finally {
            lock.unlock();
        }
        runOrWarn(work);
    }

    /** Runs work now, whose failure is told to the log; not under the lock. */
    static void runOrWarn(BlockAction work) {
        try {
            work.run();
        } catch (BlockException e) {
            LOG.warn("journal records could not be written, the image is not written to any more: {}", e.getMessage());
        }
    }

    /** Nothing begins before {@link #resume}. */
    void pause() {
        paused = true;
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
    }

    /** Ends it; what waits has to be told anew. */
    void resume() {
        paused = false;
    }
}
