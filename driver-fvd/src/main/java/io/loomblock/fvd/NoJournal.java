// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.WriteGuard;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The journal of an image that has none: changes stay in memory until there is no room, a flush, or the close. A crash leaves an image that
 * says so. spec: fvd.md section 6.
 */
final class NoJournal implements Journal {
    private final Metadata metadata;
    private final WriteGuard guard;
    /** Held while bits are set, and while they are written. */
    private final ReentrantLock lock = new ReentrantLock();

    NoJournal(Metadata metadata, WriteGuard guard) {
        this.metadata = metadata;
        this.guard = guard;
    }

    @Override
    public void log(List<JournalSector> sectors) throws BlockException {
        lock.lock();
        try {
            guard.check();
            for (JournalSector sector : sectors) {
                while (!metadata.publish(sector)) {
                    metadata.writeBack();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void setUnlogged(long first, long end) throws BlockException {
        lock.lock();
        try {
            guard.check();
            while (!metadata.publishUnlogged(first, end)) {
                metadata.writeBack();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void recycle() throws BlockException {
        lock.lock();
        try {
            guard.check();
            metadata.writeBack();
        } finally {
            lock.unlock();
        }
    }

    /** The order of a recycle keeps what was flushed readable, should the image be opened by force after a crash. */
    @Override
    public void writeOut() throws BlockException {
        if (!metadata.isClean()) {
            recycle();
        }
    }

    @Override
    public boolean holdsRecords() {
        return !metadata.isClean();
    }

    @Override
    public void pause() {}

    @Override
    public void resume() {}
}
