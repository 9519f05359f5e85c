// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Locks on ranges of numbers (bytes, clusters), exclusive or shared: ranges in conflict are granted first come, first served, others
 * at once.
 *
 * <p>Ranges are in conflict that overlap and are not both shared. A range waits for every one in conflict that was asked for before
 * it, granted or not, so nobody starves. Thread-safe; not reentrant; a range may be released by another thread than the one that took
 * it.
 */
public final class RangeLocks {
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable Range first;
    private @Nullable Range last;

    /**
     * Locks {@code [start, end)}, waiting in line where it overlaps.
     *
     * @throws BlockException EINTR if interrupted while waiting; nothing is locked then
     */
    public Range acquire(long start, long end) throws BlockException {
        return await(enqueue(start, end, false));
    }

    /** The same, but others who share may hold ranges that overlap. */
    public Range acquireShared(long start, long end) throws BlockException {
        return await(enqueue(start, end, true));
    }

    private Range await(Range range) throws BlockException {
        if (range.blockers > 0) {
            Waiting.until(() -> range.blockers == 0, () -> giveUp(range));
        }
        return range;
    }

    /**
     * The same as {@link #acquire(long, long)}, or without waiting.
     *
     * @param noWait whether to fail with EAGAIN where somebody is in the way
     */
    public Range acquire(long start, long end, boolean noWait) throws BlockException {
        Range range = enqueue(start, end, false);
        if (noWait && range.blockers > 0 && giveUp(range)) {
            throw new BlockException(Errno.EAGAIN);
        }
        return await(range);
    }

    /** Like {@link #acquire}, for one who may have published something already: an interrupt does not end the wait. */
    public Range acquireUninterruptibly(long start, long end) {
        Range range = enqueue(start, end, false);
        if (range.blockers > 0) {
            Waiting.until(() -> range.blockers == 0);
        }
        return range;
    }

    /**
     * Locks the first part of {@code [start, end)} that nobody holds or waits for, without waiting.
     *
     * @return null if there is none
     */
    public @Nullable Range tryAcquireGap(long start, long end) {
        lock.lock();
        try {
            long from = endOfClaims(start, end);
            if (from >= end) {
                return null;
            }
            long to = end;
            for (Range other = first; other != null; other = other.next) {
                if (other.start >= from) {
                    to = Math.min(to, other.start);
                }
            }
            Range range = new Range(from, to, false);
            append(range);
            return range;
        } finally {
            lock.unlock();
        }
    }

    /** The first place from {@code from} on, at most {@code limit}, that is in no range. */
    private long endOfClaims(long from, long limit) {
        long at = from;
        for (Range other = first; other != null && at < limit; ) {
            if (other.start <= at && other.end > at) {
                at = other.end;
                other = first;
            } else {
                other = other.next;
            }
        }
        return at;
    }

    private void append(Range range) {
        range.previous = last;
        if (last == null) {
            first = range;
        } else {
            last.next = range;
        }
        last = range;
    }

    private Range enqueue(long start, long end, boolean shared) {
        Range range = new Range(start, end, shared);
        lock.lock();
        try {
            int blockers = 0;
            for (Range other = first; other != null; other = other.next) {
                if (other.conflictsWith(range)) {
                    blockers++;
                }
            }
            range.blockers = blockers;
            append(range);
            return range;
        } finally {
            lock.unlock();
        }
    }

    /** Takes the range out of the line; false if it has been granted meanwhile. */
    private boolean giveUp(Range range) {
        lock.lock();
        try {
            if (range.blockers == 0) {
                return false;
            }
            unlink(range);
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void release(Range range) {
        lock.lock();
        try {
            if (range.released) {
                throw new IllegalStateException("range released twice");
            }
            range.released = true;
            unlink(range);
        } finally {
            lock.unlock();
        }
    }

    private void unlink(Range range) {
        if (range.previous == null) {
            first = range.next;
        } else {
            range.previous.next = range.next;
        }
        if (range.next == null) {
            last = range.previous;
        } else {
            range.next.previous = range.previous;
        }
        for (Range later = range.next; later != null; later = later.next) {
            if (later.conflictsWith(range) && later.unblock()) {
                LockSupport.unpark(later.thread);
            }
        }
    }

    /** A range that is locked, or in line to be. */
    public final class Range implements AutoCloseable {
        private final long start;
        private final long end;
        private final boolean shared;
        private final Thread thread = Thread.currentThread();
        private @Nullable Range previous;
        private @Nullable Range next;
        private boolean released;

        /** Overlapping ranges before this one; written under the lock. */
        private volatile int blockers;

        private Range(long start, long end, boolean shared) {
            this.start = start;
            this.end = end;
            this.shared = shared;
        }

        /** Where it starts. */
        public long start() {
            return start;
        }

        /** Where it ends, exclusive. */
        public long end() {
            return end;
        }

        private boolean conflictsWith(Range other) {
            return !(shared && other.shared) && Math.max(start, other.start) < Math.min(end, other.end);
        }

        /** One conflicting range before this one is gone; called under the lock. Whether it was the last. */
        @SuppressWarnings("NonAtomicOperationOnVolatileField") // the lock makes it atomic
        private boolean unblock() {
            blockers--;
            return blockers == 0;
        }

        /** Unlocks. */
        @Override
        public void close() {
            release(this);
        }
    }
}
