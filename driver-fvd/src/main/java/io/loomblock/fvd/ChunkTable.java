// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.PageCache;
import io.loomblock.memory.AlignedBuffer;

/**
 * Where each chunk of the disk has its storage: a 32-bit entry for each. spec: fvd.md section 4.
 *
 * <p>An entry is {@link #EMPTY}, or the number of a physical chunk, in memory with {@link #DIRTY} set as long as it is neither in the
 * journal nor in the table of the file. Entries change once only, from EMPTY. Thread-safe.
 */
final class ChunkTable {
    /** No storage. To be looked for before anything else: it has the bit of {@link #DIRTY} too. */
    static final int EMPTY = -1;
    /** Not logged yet. Never in the file, as far as we write it. */
    static final int DIRTY = 0x80000000;

    private final FvdLayout layout;
    private final MetadataPages pages;

    /** The table of a compact image, within {@code budget} bytes of memory. */
    ChunkTable(Node file, FvdLayout layout, long budget) {
        this.layout = layout;
        long size = FvdLayout.tableBytes(layout.chunks());
        this.pages =
                new MetadataPages(file, size, budget, DebugEvent.TABLE_LOAD, DebugEvent.TABLE_UPDATE, new InFile());
    }

    /** Dirty marks do not reach the file, and those in it mean nothing. */
    private final class InFile implements MetadataPages.Form {
        @Override
        public void afterLoad(AlignedBuffer memory, int at, int length) {
            for (int entry = at; entry < at + length; entry += FvdLayout.ENTRY_BYTES) {
                memory.putInt(entry, clean(memory.getInt(entry)));
            }
        }

        @Override
        public void beforeWrite(AlignedBuffer memory, int at) {
            afterLoad(memory, at, RecordFormat.SECTOR);
        }

        /** What is in the file now is not dirty any more; an entry that was set meanwhile is. */
        @Override
        public void afterWrite(long fileOffset, AlignedBuffer written, int at) throws BlockException {
            pages.look(fileOffset, (memory, base, trusted) -> {
                int start = base + inPage(fileOffset);
                for (int i = 0; i < RecordFormat.SECTOR; i += FvdLayout.ENTRY_BYTES) {
                    if (written.getInt(at + i) != EMPTY) {
                        putEntry(memory, start + i, clean(memory.getInt(start + i)));
                    }
                }
            });
        }
    }

    MetadataPages pages() {
        return pages;
    }

    static boolean isDirty(int entry) {
        return entry < EMPTY;
    }

    /** The entry as it stands in the file. */
    static int clean(int entry) {
        return entry == EMPTY ? EMPTY : entry & ~DIRTY;
    }

    /** The entry as it is in memory. */
    int entry(long chunk) throws BlockException {
        return pages.word(layout.entryOffset(chunk));
    }

    /**
     * Where the chunk with this entry starts in the data area's file.
     *
     * @throws BlockException EIO for an entry that no file has room for
     */
    long place(int entry) throws BlockException {
        long physical = clean(entry);
        if (!layout.isPhysical(physical)) {
            throw new BlockException(Errno.EIO, "FVD table entry " + physical + " is out of range");
        }
        return layout.physicalOffset(physical);
    }

    /** The first chunk from {@code from} on, at most {@code limit}, that has storage, or that has none. */
    long endOfRun(long from, long limit, boolean empty) throws BlockException {
        long at = from;
        while (at < limit && (entry(at) == EMPTY) == empty) {
            at++;
        }
        return at;
    }

    /** Whether all chunks of {@code [start, end)} of the disk have storage, and nothing has to be logged about that. */
    boolean isSettled(long start, long end) throws BlockException {
        long last = layout.chunk(end - 1);
        for (long chunk = layout.chunk(start); chunk <= last; chunk++) {
            if (entry(chunk) < 0) {
                return false;
            }
        }
        return true;
    }

    /** Keeps the entries of {@code [first, end)} in memory until they are written. False if there is no room. */
    boolean pin(long first, long end) throws BlockException {
        for (long at = first; at < end; at = endOfPage(at)) {
            if (!pages.pin(layout.entryOffset(at))) {
                return false;
            }
        }
        return true;
    }

    /** The first chunk whose entry is in the next page. */
    long endOfPage(long chunk) {
        return (pages.endOfPage(layout.entryOffset(chunk)) - layout.tableOffset()) / FvdLayout.ENTRY_BYTES;
    }

    /**
     * Sets entries, all in one page, to physical chunks in a row.
     *
     * @param mark {@link #DIRTY}, or 0 for what is in the journal already
     * @return false if there is no room for the page; nothing was changed then
     */
    boolean set(long first, int count, long physical, int mark) throws BlockException {
        long offset = layout.entryOffset(first);
        return pages.change(offset, count * FvdLayout.ENTRY_BYTES, new SetEntries(offset, count, (int) physical, mark));
    }

    /**
     * Sets entries from {@code offset} of the file on to physical chunks in a row. No lambda, for what {@link BaseBitmap} has to do, too, is
     * done once for each chunk.
     */
    private record SetEntries(long offset, int count, int physical, int mark) implements PageCache.PageAccess {
        @Override
        public void with(AlignedBuffer memory, int base, boolean trusted) {
            int at = base + inPage(offset);
            for (int i = 0; i < count; i++) {
                putEntry(memory, at + i * FvdLayout.ENTRY_BYTES, physical + i | mark);
            }
        }
    }

    private static int inPage(long offset) {
        return (int) offset & 4095;
    }

    /** Takes an entry back that names storage which is not there; for recovery. */
    boolean setEmpty(long chunk) throws BlockException {
        return set(chunk, 1, EMPTY, 0);
    }

    /**
     * These entries of chunks from {@code first} on are in the journal. One that has changed since they were collected is not: its chunk had no
     * storage then, and whoever has given it some since will find nothing to log once the mark is gone.
     */
    void logged(long first, int[] entries) throws BlockException {
        long end = first + entries.length;
        for (long at = first; at < end; ) {
            long next = Math.min(end, endOfPage(at));
            long offset = layout.entryOffset(at);
            pages.look(offset, new ClearMarks(offset, entries, (int) (at - first), (int) (next - first)));
            at = next;
        }
    }

    /** Clears the marks of entries that are as {@code [from, to)} of those given; the first of them stands at {@code offset} of the file. */
    private record ClearMarks(long offset, int[] logged, int from, int to) implements PageCache.PageAccess {
        @Override
        public void with(AlignedBuffer memory, int base, boolean trusted) {
            int at = base + inPage(offset);
            for (int i = from; i < to; i++, at += FvdLayout.ENTRY_BYTES) {
                int entry = memory.getInt(at);
                if (isDirty(entry) && clean(entry) == logged[i]) {
                    putEntry(memory, at, clean(entry));
                }
            }
        }
    }

    /** Changes one of the two entries of a long, both at once for those who look. */
    private static void putEntry(AlignedBuffer memory, int at, int entry) {
        int aligned = at & -Long.BYTES;
        int shift = (at - aligned) * Byte.SIZE;
        long others = memory.getLong(aligned) & ~(0xffffffffL << shift);
        memory.putLongRelease(aligned, others | (entry & 0xffffffffL) << shift);
    }
}
