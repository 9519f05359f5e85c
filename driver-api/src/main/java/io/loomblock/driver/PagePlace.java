// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.memory.AlignedBuffer;
import java.lang.invoke.VarHandle;

/**
 * One of a {@link PageCache}'s places: memory for a page, and all that is known of the page in it; together, so that a lookup meets few
 * lines of the processor's cache.
 *
 * <p>{@link #read} needs no lock; all else is done under the cache's, but for the loading of a page that is being replaced.
 */
final class PagePlace {
    /** In place of a page's key. */
    private static final long NO_KEY = -1;

    final AlignedBuffer memory;
    final int base;

    /** Odd while the page is being replaced. A field and no handle: lookups are made before they are compiled, too. */
    private volatile int generation;

    /** Of the page, once more: the cache's own are only searched, and who has found one there looks at this under the generation. */
    long key;

    boolean trusted;
    boolean referenced;
    /** Sectors of the page that differ from the file, a bit each. */
    int dirty;
    /** Sectors of the page that are being written. */
    int writing;

    PagePlace(AlignedBuffer memory, int base) {
        this.memory = memory;
        this.base = base;
    }

    boolean isInMotion() {
        return (generation & 1) != 0;
    }

    void beginReplacing(long newKey) {
        nextGeneration();
        VarHandle.fullFence();
        key = newKey;
    }

    /** There is no page after all: who has seen its key among the cache's does not take what is here for it. */
    void forget() {
        key = NO_KEY;
        trusted = false;
    }

    void endReplacing() {
        nextGeneration();
    }

    /** One thread at a time replaces a page. */
    private void nextGeneration() {
        int next = generation + 1;
        generation = next;
    }

    /** {@link PageCache#lookup}, without a lock, where the page {@code wanted} was a moment ago. */
    long read(long wanted, int inPage, int bytes) {
        int before = generation;
        if ((before & 1) != 0 || key != wanted) {
            return PageCache.ABSENT;
        }
        boolean believed = trusted;
        long value = memory.getLongAcquire(base + (inPage & -Long.BYTES));
        VarHandle.acquireFence();
        if (generation != before || !believed) {
            return PageCache.ABSENT;
        }
        if (!referenced) {
            referenced = true;
        }
        return bytes == Long.BYTES ? value : value >>> (inPage & Integer.BYTES) * Byte.SIZE & 0xffffffffL;
    }
}
