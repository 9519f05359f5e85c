// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.PageCache;
import io.loomblock.driver.SectorBatch;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;

/**
 * One area of metadata in memory, in pages that are loaded when they are needed: what the bitmap and the chunk table have in common.
 *
 * <p>Words are looked up without a lock. A page with changes stays until they are written; so many pages may be changed that there is no
 * room for another, and then {@link #change} says so: the journal has to be recycled first. Reads go on even then. Thread-safe, but one
 * {@link #writeBack} at a time.
 */
final class MetadataPages {
    private static final int PAGE = 4096;
    private static final int WORD = Integer.BYTES;

    private final Node file;
    private final DebugEvent load;
    private final DebugEvent update;
    private final Form form;
    private final PageCache pages;

    /** How metadata stands in the file, where that is not how it stands in memory. */
    interface Form {
        /** The same in both. */
        Form PLAIN = new Form() {};

        /** A page has been read. */
        default void afterLoad(AlignedBuffer memory, int at, int length) {}

        /** A sector is about to be written; the memory is a copy. */
        default void beforeWrite(AlignedBuffer memory, int at) {}

        /** It has been written. */
        default void afterWrite(long fileOffset, AlignedBuffer memory, int at) throws BlockException {}
    }

    /**
     * The pages of an area.
     *
     * @param size of the area in bytes: pages of a small one do not need much room
     * @param budget bytes of memory
     * @param load what the file is told before a page is read
     * @param update the same before sectors are written
     */
    MetadataPages(Node file, long size, long budget, DebugEvent load, DebugEvent update, Form form) {
        this.file = file;
        this.load = load;
        this.update = update;
        this.form = form;
        long whole = FvdLayout.ceilDiv(size, PAGE) * PAGE;
        this.pages = new PageCache(PAGE, Math.min(budget, 2 * whole), this::load);
    }

    private boolean load(long offset, AlignedBuffer memory, int base) throws BlockException {
        file.debugEvent(load);
        file.coReadv(offset, IoVector.of(memory, base, PAGE));
        form.afterLoad(memory, base, PAGE);
        return true;
    }

    /** The four bytes at {@code offset} of the file, a multiple of four. */
    int word(long offset) throws BlockException {
        long word = pages.lookup(offset, WORD);
        return (int) (word != PageCache.ABSENT ? word : loadWord(offset));
    }

    private long loadWord(long offset) throws BlockException {
        while (true) {
            if (!pages.load(offset)) {
                // No room, so the page is not changed either: the file is right.
                return readUncached(offset);
            }
            long word = pages.lookup(offset, WORD);
            if (word != PageCache.ABSENT) {
                return word;
            }
        }
    }

    private long readUncached(long offset) throws BlockException {
        try (AlignedBuffer buffer = AlignedBuffer.allocate(WORD)) {
            file.debugEvent(load);
            file.coReadv(offset, IoVector.of(buffer));
            form.afterLoad(buffer, 0, WORD);
            return buffer.getInt(0) & 0xffffffffL;
        }
    }

    /** Where the page ends that holds the byte at {@code offset} of the file. */
    long endOfPage(long offset) {
        return pages.endOfPage(offset);
    }

    /**
     * Changes bytes of one page, which stays in memory until it is written.
     *
     * @return false if there is no room for the page; nothing was changed then
     */
    boolean change(long offset, int length, PageCache.PageAccess access) throws BlockException {
        while (!pages.change(offset, length, access)) {
            if (!pages.load(offset)) {
                return false;
            }
        }
        return true;
    }

    /** Keeps the page in memory until it is written. False if there is no room. */
    boolean pin(long offset) throws BlockException {
        return change(offset, 1, (memory, base, trusted) -> {});
    }

    /** Looks at a page, or changes it in a way that the file need not know, if it is in memory. */
    boolean look(long offset, PageCache.PageAccess access) throws BlockException {
        return pages.look(offset, access);
    }

    boolean isClean() {
        return pages.isClean();
    }

    /**
     * Writes all that was changed before this call; what cannot be written stays changed.
     *
     * @param copies memory for a part of it
     */
    void writeBack(AlignedBuffer copies) throws BlockException {
        for (int place = 0; place < pages.places() && !pages.isClean(); ) {
            SectorBatch batch = pages.takeDirty(place, copies);
            place = batch.nextPlace();
            if (!batch.isEmpty()) {
                write(batch);
            }
        }
    }

    private void write(SectorBatch batch) throws BlockException {
        boolean done = false;
        try {
            batch.forEach((offset, memory, at) -> form.beforeWrite(memory, at));
            batch.write(file, update);
            done = true;
        } finally {
            if (done) {
                pages.written(batch);
            } else {
                pages.notWritten(batch);
            }
        }
        batch.forEach(form::afterWrite);
    }
}
