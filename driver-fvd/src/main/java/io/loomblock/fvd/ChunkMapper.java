// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Gives storage to chunks that have none. spec: fvd.md section 9.3.
 *
 * <p>Chunks are entered in the table before anything is stored in them, so that two requests for one chunk share it. One at a time; requests
 * to chunks with storage do not come here. Thread-safe.
 */
final class ChunkMapper {
    private final ChunkTable table;
    private final StorageAllocator storage;
    private final ReentrantLock lock = new ReentrantLock();

    ChunkMapper(ChunkTable table, StorageAllocator storage) {
        this.table = table;
        this.storage = storage;
    }

    /** Physical chunks in use. */
    long used() {
        lock.lock();
        try {
            return storage.used();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Maps all chunks of {@code [first, end)} that are not mapped.
     *
     * @return false if metadata must be written back first; some may have been mapped by then
     * @throws BlockException ENOSPC if there is no room, else of a file; some may have been mapped by then
     */
    boolean map(long first, long end) throws BlockException {
        boolean took = false;
        for (long chunk = first; chunk < end; chunk++) {
            // This look brings the page into memory, as a rule, before the lock is taken.
            if (table.entry(chunk) == ChunkTable.EMPTY) {
                took = true;
                if (!mapRun(chunk, end)) {
                    return false;
                }
            }
        }
        if (took) {
            storage.growAhead();
        }
        return true;
    }

    /** Maps chunks in a row from {@code first} on, as far as there are none with storage, and one page of the table reaches. */
    private boolean mapRun(long first, long limit) throws BlockException {
        while (true) {
            int missing;
            lock.lock();
            try {
                long end = table.endOfRun(first, Math.min(limit, table.endOfPage(first)), true);
                missing = (int) (end - first);
                long physical = missing == 0 ? 0 : storage.take(missing);
                if (physical != StorageAllocator.NO_ROOM) {
                    return missing == 0 || enter(first, missing, physical);
                }
            } finally {
                lock.unlock();
            }
            // Without the lock: this may take long, and others may need nothing new.
            storage.grow(missing);
        }
    }

    private boolean enter(long first, int count, long physical) throws BlockException {
        boolean done = false;
        try {
            done = table.set(first, count, physical, ChunkTable.DIRTY);
        } finally {
            if (!done) {
                storage.giveBack(physical, count);
            }
        }
        return done;
    }
}
