// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.WriteGuard;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The journal whose records are in the file when a write returns: each write has sectors of its own. spec: fvd.md section 6.
 *
 * <p>Writes log at the same time, each into its sectors. Who finds no room waits for those that are on their way, and recycles; who comes
 * later queues up behind. Data is flushed before a sector that {@link Metadata#wantsBarrier wants it}.
 */
final class WriteThroughJournal implements Journal {
    private final JournalRing ring;
    private final Metadata metadata;
    private final WriteGuard guard;
    private final BufferPool pool;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Records on their way to the file, or from there to memory. Guarded by the lock, as is the ring. */
    private int inFlight;
    /** Somebody waits for that to be none. */
    private boolean draining;

    WriteThroughJournal(JournalRing ring, Metadata metadata, WriteGuard guard, BufferPool pool) {
        this.ring = ring;
        this.metadata = metadata;
        this.guard = guard;
        this.pool = pool;
    }

    @Override
    public void log(List<JournalSector> sectors) throws BlockException {
        int most = Math.min(ring.sectors(), BufferPool.MAX_BUFFER / 4 / RecordFormat.SECTOR);
        for (int from = 0; from < sectors.size(); ) {
            int to = endOfRun(sectors, from, most);
            logRun(sectors.subList(from, to));
            from = to;
        }
    }

    /** Sectors that are written at once: not more than fit, into the journal and the bitmap in memory, and none across a barrier. */
    private int endOfRun(List<JournalSector> sectors, int from, int most) {
        int to = from + 1;
        long room = JournalPlan.maxBits(metadata.layout()) - sectors.get(from).bitBytes();
        while (to < sectors.size() && to - from < most && !sectors.get(to).afterBarrier()) {
            room -= sectors.get(to).bitBytes();
            if (room < 0) {
                return to;
            }
            to++;
        }
        return to;
    }

    private void logRun(List<JournalSector> run) throws BlockException {
        guard.check();
        if (run.get(0).afterBarrier()) {
            metadata.flushFile();
        }
        if (run.stream().anyMatch(metadata::wantsBarrier)) {
            metadata.barrier();
        }
        Place place = reserve(run);
        try {
            write(run, place);
            for (JournalSector sector : run) {
                if (!metadata.publish(sector)) {
                    throw new IllegalStateException("bits that were not pinned");
                }
            }
        } finally {
            release();
        }
    }

    /** Waits for the disk alone while it holds the memory: who waits for this write may hold all that is left of the pool. */
    private void write(List<JournalSector> run, Place place) throws BlockException {
        int bytes = run.size() * RecordFormat.SECTOR;
        try (AlignedBuffer buffer = pool.acquireBounce(bytes)) {
            buffer.fill(0, bytes, (byte) 0);
            for (int i = 0; i < run.size(); i++) {
                run.get(i).encode(ring.format(), place.epoch, buffer, i * RecordFormat.SECTOR);
            }
            ring.write(place.first, IoVector.of(buffer));
        }
    }

    /** Where a run goes. */
    private record Place(int first, long epoch) {}

    /** Takes sectors in the file; nobody recycles until they are released. */
    private Place reserve(List<JournalSector> run) throws BlockException {
        lock.lock();
        try {
            awaitTurn();
            while (!ring.hasRoom(run.size()) || !metadata.pin(run)) {
                drainAndRecycle();
                awaitTurn();
            }
            guard.check();
            inFlight++;
            return new Place(ring.take(run.size()), ring.nextEpoch());
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void setUnlogged(long first, long end) throws BlockException {
        lock.lock();
        try {
            awaitTurn();
            guard.check();
            while (!metadata.publishUnlogged(first, end)) {
                drainAndRecycle();
                awaitTurn();
            }
        } finally {
            lock.unlock();
        }
    }

    private void awaitTurn() {
        while (draining) {
            changed.awaitUninterruptibly();
        }
    }

    private void drainAndRecycle() throws BlockException {
        draining = true;
        try {
            while (inFlight > 0) {
                changed.awaitUninterruptibly();
            }
            ring.recycle();
        } finally {
            draining = false;
            changed.signalAll();
        }
    }

    private void release() {
        lock.lock();
        try {
            inFlight--;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void recycle() throws BlockException {
        lock.lock();
        try {
            awaitTurn();
            drainAndRecycle();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void writeOut() {}

    @Override
    public void pause() {}

    @Override
    public void resume() {}
}
