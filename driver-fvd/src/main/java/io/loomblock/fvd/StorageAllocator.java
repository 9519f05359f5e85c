// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.StorageRunner;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where new physical chunks come from: numbers in a row, and a data area that grows by the unit that the header says. spec: fvd.md section
 * 13.
 *
 * <p>The caller sees to it that chunks are taken by one at a time; growing, which may take long, is not part of that. What cannot grow by
 * itself, such as a device, may be made longer by the command that the header names, if the opener has handed in a runner; never otherwise.
 */
final class StorageAllocator {
    /** There is no room for the chunks that were asked for. */
    static final long NO_ROOM = -1;

    /** Storage that grows by so many chunks and more does so before it is full. */
    private static final int MANY_CHUNKS = 16;

    private static final Logger LOG = LoggerFactory.getLogger(StorageAllocator.class);

    private final Node data;
    private final FvdLayout layout;
    private final long growUnit;
    private final String command;
    private final @Nullable StorageRunner runner;
    private final boolean zeroesChunks;
    /** Whether it may grow beside requests. */
    private final boolean plain;

    private final boolean growsAhead;
    /** Held while the file grows. */
    private final ReentrantLock growth = new ReentrantLock();

    private volatile long next;
    /** Length of the data area's file, as it was last seen. */
    private volatile long fileLength;
    /** Length of a file that could not grow before there was need: that is not tried again until it has another one. */
    private volatile long stuckLength = -1;

    /**
     * The storage of a compact image.
     *
     * @param header of the image
     * @param runner of the command that adds storage, or null
     * @param next the first physical chunk that is free
     * @param zeroesChunks whether storage may hold old bytes, so that each chunk is made zero when it is taken
     */
    StorageAllocator(
            FvdImage.Files files,
            FvdLayout layout,
            FvdHeader header,
            @Nullable StorageRunner runner,
            long next,
            boolean zeroesChunks)
            throws BlockException {
        this.data = files.data();
        this.layout = layout;
        this.growUnit = header.growUnit();
        this.command = header.addStorageCommand();
        this.runner = runner;
        this.next = next;
        this.zeroesChunks = zeroesChunks;
        this.fileLength = data.length();
        this.plain = isPlain(data);
        this.growsAhead = plain && growUnit / layout.chunkSize() >= MANY_CHUNKS;
    }

    /** Whether it is a file whose length may change while it is written to: those of formats that have metadata may not. */
    private static boolean isPlain(Node node) {
        Node file = node.driver().formatName().equals("raw") ? node.child(Node.FILE) : null;
        return file == null ? node.growable() : isPlain(file);
    }

    /** The first physical chunk that is free: how much storage is used. */
    long used() {
        return next;
    }

    /**
     * Takes physical chunks in a row, which read as zeros.
     *
     * @return the first, or {@link #NO_ROOM} if the storage has to grow first
     * @throws BlockException ENOSPC if there are no numbers left, else of the file
     */
    long take(int count) throws BlockException {
        if (!layout.isPhysical(next + count - 1)) {
            throw new BlockException(Errno.ENOSPC, "FVD image has no numbers left for more chunks");
        }
        if (wantedLength(next, count) > fileLength) {
            return NO_ROOM;
        }
        if (zeroesChunks) {
            data.coWriteZeroes(layout.physicalOffset(next), count * layout.chunkSize(), 0);
        }
        long first = next;
        next = first + count;
        return first;
    }

    /** Gives back what was taken last, and has not been used. */
    void giveBack(long first, int count) {
        if (first + count == next) {
            next = first;
        }
    }

    /** How long the file has to be after so many chunks from {@code first} on, one after the other, had to find room. */
    private long wantedLength(long first, int count) {
        long wanted = fileLength;
        for (int i = 0; i < count; i++) {
            long used = layout.physicalOffset(first + i);
            if (wanted - used < layout.chunkSize()) {
                wanted = used <= Long.MAX_VALUE - growUnit ? used + growUnit : Long.MAX_VALUE;
            }
        }
        return wanted;
    }

    /**
     * Makes room for so many chunks more than there are now.
     *
     * @throws BlockException ENOSPC if there is none to be had, else of the file
     */
    void grow(int count) throws BlockException {
        growth.lock();
        try {
            // Others may take chunks meanwhile: whoever finds no room after that grows again.
            long first = next;
            long wanted = wantedLength(first, count);
            if (wanted > fileLength) {
                growTo(wanted);
                if (fileLength < layout.physicalOffset(first + count)) {
                    throw new BlockException(Errno.ENOSPC);
                }
            }
        } finally {
            growth.unlock();
        }
    }

    /**
     * Makes room while there is still some, unless another thread does: the others need not wait then. What fails here is tried again, and
     * told, by whoever finds no room; so is what needs the header's command, which is run for nobody before. No more is left behind the
     * last chunk than one growth makes: a check calls the rest leaked.
     */
    void growAhead() {
        if (!runsShort(usedBytes()) || !growth.tryLock()) {
            return;
        }
        try {
            long length = fileLength;
            long used = usedBytes();
            if (runsShort(used)) {
                truncate(used + growUnit);
                if (fileLength <= length) {
                    stuckLength = fileLength;
                }
            }
        } catch (BlockException e) {
            stuckLength = fileLength;
            LOG.debug("{}: the storage does not grow yet: {}", data, e.getMessage());
        } finally {
            growth.unlock();
        }
    }

    private long usedBytes() {
        return layout.physicalOffset(next);
    }

    /** Whether less than a quarter is left of what a file is made longer by, if it is one that can be, as far as is known. */
    private boolean runsShort(long used) {
        long length = fileLength;
        return growsAhead
                && length - used < growUnit / 4
                && growUnit <= Long.MAX_VALUE - length
                && length != stuckLength;
    }

    private void growTo(long wanted) throws BlockException {
        try {
            truncate(wanted);
        } catch (BlockException e) {
            if (e.errno() != Errno.ENOTSUP && e.errno() != Errno.EINVAL) {
                throw e;
            }
            addStorage(e);
            fileLength = data.length();
        }
    }

    /** Makes the file longer, and never shorter; under the lock of those who do. */
    private void truncate(long wanted) throws BlockException {
        if (wanted > fileLength) {
            data.debugEvent(DebugEvent.GROW);
            if (plain) {
                data.truncate(wanted, false, PreallocationMode.OFF);
            } else {
                data.alone(() -> data.truncate(wanted, false, PreallocationMode.OFF));
            }
            fileLength = data.length();
        }
    }

    private void addStorage(BlockException fixed) throws BlockException {
        StorageRunner allowed = runner;
        if (allowed == null || command.isEmpty()) {
            throw new BlockException(Errno.ENOSPC, "The storage of an FVD image cannot grow", fixed);
        }
        LOG.info("{}: '{}' is to add {} bytes", data, command, growUnit);
        try {
            allowed.addStorage(command, growUnit, data.filename());
        } catch (BlockException e) {
            throw new BlockException(Errno.ENOSPC, "The storage of an FVD image cannot grow: " + e.reason(), e);
        }
        refresh(data);
    }

    /** The file has become longer, and nobody has made it so through these nodes. */
    private static void refresh(Node node) throws BlockException {
        for (Node child : node.children().values()) {
            refresh(child);
        }
        node.refresh();
    }
}
