// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.Timers;
import io.loomblock.driver.WriteGuard;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The journal that collects the records of many writes in memory and writes them together. spec: fvd.md section 15.
 *
 * <p>A write returns when its records are in the current buffer. Buffers are sealed when they are full, when records have waited long enough
 * ({@link JournalSchedule}), or for a flush; they are written one after the other, by whoever flushes, or behind the scenes. A failure of any
 * of this forbids all later writes: memory tells then what the journal does not know.
 *
 * <p>Two locks: {@code writing} is held by the one who writes buffers, {@code lock} guards what is in memory, and is held while bits are
 * set. Who holds both has taken them in that order.
 */
final class BufferedJournal implements Journal {
    /** Who logs more than this ahead of the disk has to write some of it. */
    private static final int MAX_QUEUED = 4;

    private final JournalRing ring;
    private final Metadata metadata;
    private final WriteGuard guard;
    private final JournalSchedule schedule;
    private final int bufferBytes;

    private final ReentrantLock writing = new ReentrantLock();
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable JournalBuffer current;
    private final Deque<JournalBuffer> queue = new ArrayDeque<>();
    /** For use again. */
    private final Deque<JournalBuffer> free = new ArrayDeque<>();
    /** How many buffers were sealed so far, and how many of these are in the file, or not needed any more. */
    private long sealed;

    private long written;

    /**
     * A journal with nothing in memory.
     *
     * @param bufferBytes of a buffer, whole sectors; no more than the journal has
     * @param periodMillis how long a record waits at most for others
     */
    BufferedJournal(
            JournalRing ring, Metadata metadata, WriteGuard guard, Timers timers, int bufferBytes, long periodMillis) {
        this.ring = ring;
        this.metadata = metadata;
        this.guard = guard;
        this.bufferBytes = (int) Math.min(bufferBytes, (long) ring.sectors() * RecordFormat.SECTOR);
        this.schedule = new JournalSchedule(lock, timers, periodMillis, this::writeAll, this::writeFull);
    }

    @Override
    public void log(List<JournalSector> sectors) throws BlockException {
        for (JournalSector sector : sectors) {
            while (!tryLog(sector)) {
                recycle();
            }
        }
    }

    /** False if memory has no room for the change of metadata. */
    private boolean tryLog(JournalSector sector) throws BlockException {
        long behind;
        lock.lock();
        try {
            guard.check();
            // Whoever sees it already, and flushes, waits for this lock.
            if (!metadata.publish(sector)) {
                return false;
            }
            append(sector);
            behind = queue.size() > MAX_QUEUED ? sealed : 0;
        } finally {
            lock.unlock();
        }
        writeUpTo(behind, false);
        return true;
    }

    @Override
    public void setUnlogged(long first, long end) throws BlockException {
        while (!trySetUnlogged(first, end)) {
            recycle();
        }
    }

    private boolean trySetUnlogged(long first, long end) throws BlockException {
        lock.lock();
        try {
            guard.check();
            return metadata.publishUnlogged(first, end);
        } finally {
            lock.unlock();
        }
    }

    private void append(JournalSector sector) throws BlockException {
        RecordFormat format = ring.format();
        long epoch = ring.nextEpoch();
        boolean needsData = metadata.wantsBarrier(sector);
        JournalBuffer buffer = current;
        if (buffer == null || sector.afterBarrier() || !buffer.append(sector, format, epoch, needsData)) {
            if (buffer != null) {
                seal();
                schedule.hasFull();
            }
            buffer = newBuffer(sector.afterBarrier());
            current = buffer;
            if (!buffer.append(sector, format, epoch, needsData)) {
                throw new IllegalStateException("records of more than a sector");
            }
        }
        schedule.hasRecord();
    }

    private JournalBuffer newBuffer(boolean afterBarrier) throws BlockException {
        JournalBuffer buffer = free.poll();
        try {
            if (buffer == null) {
                buffer = new JournalBuffer(bufferBytes);
            }
            buffer.reset(afterBarrier);
            return buffer;
        } catch (BlockException e) {
            fail(e);
            throw e;
        }
    }

    private void seal() {
        JournalBuffer buffer = current;
        if (buffer != null) {
            queue.add(buffer);
            current = null;
            sealed++;
        }
    }

    /** Writes all records, unless that is forbidden. */
    private void writeAll() throws BlockException {
        if (guard.isSound()) {
            writeUpTo(sealAll(), false);
        }
    }

    /** Writes the buffers that are sealed. */
    private void writeFull() throws BlockException {
        if (guard.isSound()) {
            writeUpTo(sealedSoFar(), false);
        }
    }

    private long sealedSoFar() {
        lock.lock();
        try {
            return sealed;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Writes sealed buffers, up to the one of this number; those of others on the way too.
     *
     * @param mayLeave whether an interrupt ends the wait for another thread that writes
     */
    private void writeUpTo(long number, boolean mayLeave) throws BlockException {
        if (number == 0) {
            return;
        }
        awaitWriting(mayLeave);
        try {
            JournalBuffer head = next(number);
            while (head != null) {
                write(head);
                head = next(number);
            }
        } catch (BlockException e) {
            fail(e);
            throw e;
        } finally {
            writing.unlock();
        }
    }

    private void awaitWriting(boolean mayLeave) throws BlockException {
        if (!mayLeave) {
            writing.lock();
            return;
        }
        boolean interrupted = Thread.interrupted();
        try {
            writing.lockInterruptibly();
        } catch (InterruptedException e) {
            interrupted = true;
            leaveToOthers();
            throw new BlockException(Errno.EINTR);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void leaveToOthers() {
        lock.lock();
        try {
            schedule.hasFull();
        } finally {
            lock.unlock();
        }
    }

    /** The next buffer to write, null if that of this number is written. */
    private @Nullable JournalBuffer next(long number) throws BlockException {
        lock.lock();
        try {
            guard.check();
            return written < number ? queue.peek() : null;
        } finally {
            lock.unlock();
        }
    }

    /** Data first, where a bit would hide what is in the base image, or an entry show what storage held before. */
    private void write(JournalBuffer head) throws BlockException {
        if (!ring.hasRoom(head.sectors())) {
            startAnew();
            return;
        }
        if (head.isAfterBarrier()) {
            metadata.flushFile();
        }
        if (head.wantsBarrier()) {
            metadata.barrier();
        }
        ring.write(ring.take(head.sectors()), head.content());
        lock.lock();
        try {
            if (queue.remove(head)) {
                free.add(head);
                written++;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Writes all of memory to table and bitmap: no record in memory is needed then. */
    private void startAnew() throws BlockException {
        lock.lock();
        try {
            ring.recycle();
            seal();
            free.addAll(queue);
            queue.clear();
            written = sealed;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void recycle() throws BlockException {
        writing.lock();
        try {
            startAnew();
        } catch (BlockException e) {
            fail(e);
            throw e;
        } finally {
            writing.unlock();
        }
    }

    @Override
    public void writeOut() throws BlockException {
        long number = sealAll();
        // What a writer has published, and could not append, may have been relied on by whoever flushes.
        guard.check();
        writeUpTo(number, true);
    }

    /** The number of the last buffer with records. */
    private long sealAll() {
        lock.lock();
        try {
            seal();
            return sealed;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean holdsRecords() {
        lock.lock();
        try {
            return current != null || !queue.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** Nothing is written any more: what follows a lost record may rely on it. */
    private void fail(BlockException failure) {
        guard.trip(failure);
        lock.lock();
        try {
            queue.clear();
            current = null;
            written = sealed;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void pause() {
        lock.lock();
        try {
            schedule.pause();
        } finally {
            lock.unlock();
        }
        JournalSchedule.runOrWarn(this::writeAll);
        // Whoever writes now has finished when this is had.
        writing.lock();
        writing.unlock();
    }

    @Override
    public void resume() {
        lock.lock();
        try {
            schedule.resume();
            if (current != null || !queue.isEmpty()) {
                schedule.hasRecord();
            }
        } finally {
            lock.unlock();
        }
    }
}
