// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.RangeLocks;
import io.loomblock.driver.SectorBatch;
import io.loomblock.driver.SectorWriter;
import io.loomblock.driver.WriteGuard;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The two levels of tables of an open image: looks entries up without a lock, sets them in memory, writes them to the file in order.
 *
 * <p>An entry is set only once its cluster is complete (data and copy-on-write), so what is in memory may be written at any time after
 * the {@link Barrier}. A write-back writes L2 sectors first; an L1 sector that names new tables follows after a flush. Entries set while
 * a write-back runs wait for the next. spec: qed.md sections 10.1, 10.3, 13 and 14.
 */
final class MetadataTables {
    /** What must be durable before a table sector is written, by the rules of crash consistency. */
    @FunctionalInterface
    interface Barrier {
        /** Returns when it is. */
        void pass() throws BlockException;
    }

    private final Node file;
    private final QedLayout layout;
    private final long fileEndAtOpen;
    private final L2Cache cache;
    private final EntryRules rules;
    private final ClusterSpace space;
    private final Barrier barrier;
    private final WriteGuard guard;
    private final BufferPool pool;

    /** Held to change the L1 table; never over I/O. */
    private final ReentrantLock l1Lock = new ReentrantLock();
    /** L1 indexes whose L2 table is being created: nobody else waits for that. */
    private final RangeLocks creations = new RangeLocks();
    /** Held over a whole write-back: one writer per sector. */
    private final ReentrantLock writeBackLock = new ReentrantLock();

    private volatile L1Table l1;

    /**
     * The tables of an image.
     *
     * @param l1 as it is in the file
     * @param fileEndAtOpen where the clusters end that were in the file when it was opened
     * @param barrier what must come before table sectors are written
     */
    MetadataTables(
            Node file,
            QedLayout layout,
            L1Table l1,
            long fileEndAtOpen,
            ClusterSpace space,
            Barrier barrier,
            WriteGuard guard,
            OpenOptions options) {
        this.file = file;
        this.layout = layout;
        this.l1 = l1;
        this.fileEndAtOpen = fileEndAtOpen;
        this.space = space;
        this.barrier = barrier;
        this.guard = guard;
        this.pool = options.pool();
        this.rules = new EntryRules(layout, fileEndAtOpen, space::end, this::tableOffsets, guard);
        this.cache = new L2Cache(file, layout, rules, options.metadataBudget() - l1.memoryBytes());
    }

    /**
     * The L2 entry of the cluster that holds the guest's byte {@code pos}: unallocated (also where there is no table), a zero cluster, or
     * where the data cluster starts.
     *
     * @throws BlockException EIO for an entry that must not be followed, else of the read
     */
    long lookup(long pos) throws BlockException {
        L1Table top = l1;
        int index = layout.l1Index(pos);
        long table = top.get(index);
        if (table == 0) {
            return EntryRules.UNALLOCATED;
        }
        checkTable(top, index);
        long at = table + (long) layout.l2Index(pos) * Long.BYTES;
        long entry = cache.lookup(at);
        return entry != L2Cache.ABSENT ? entry : lookupSlowly(at);
    }

    private long lookupSlowly(long at) throws BlockException {
        while (true) {
            if (!cache.load(at) && !makeRoom()) {
                return readUncached(at);
            }
            long entry = cache.lookupSuspect(at);
            if (entry != L2Cache.ABSENT) {
                return entry;
            }
        }
    }

    /** Reads go on where metadata cannot be written: false if the write-back failed. */
    private boolean makeRoom() {
        try {
            writeBack();
            return true;
        } catch (BlockException e) {
            // Writers get it from the guard, from the file whose flush fails for good, or from their own attempt.
            return false;
        }
    }

    private long readUncached(long at) throws BlockException {
        try (AlignedBuffer buffer = pool.acquireReserved(Long.BYTES)) {
            file.debugEvent(DebugEvent.L2_LOAD);
            file.coReadv(at, IoVector.of(buffer));
            long entry = buffer.getLong(0);
            rules.check(entry, cache.isChanged(at));
            return entry;
        }
    }

    private void checkTable(L1Table top, int index) throws BlockException {
        if (top.isInvalid(index)) {
            guard.corruptionMet();
            throw new BlockException(Errno.EIO, "L1 table entry " + index + " is invalid: the image is corrupt");
        }
    }

    /** Where the guest bytes end, from {@code pos} on, that no L2 table maps; {@code pos} itself if one maps it. At most {@code limit}. */
    long endOfUnmapped(long pos, long limit) {
        L1Table top = l1;
        long end = pos;
        while (end < limit && top.get(layout.l1Index(end)) == 0) {
            end = layout.endOfSpan(end);
        }
        return Math.min(end, limit);
    }

    /**
     * Sees to it that {@code clusters} entries from {@code pos} on can be set: there is an L2 table, in which nothing is wrong, and memory
     * for changes. They lie in one table.
     *
     * @throws BlockException EIO if the table is corrupt or metadata cannot be written, ENOSPC and others of the file
     */
    void prepare(long pos, long clusters) throws BlockException {
        guard.check();
        if (cache.isCrowded()) {
            writeBack();
        }
        long at = tableFor(pos) + (long) layout.l2Index(pos) * Long.BYTES;
        long end = at + clusters * Long.BYTES;
        for (; at < end; at = nextPage(at)) {
            requireChangeable(at);
        }
    }

    private long nextPage(long at) {
        return (at | (cache.pageSize() - 1)) + 1;
    }

    private void requireChangeable(long at) throws BlockException {
        while (true) {
            load(at);
            Boolean changeable = cache.isChangeable(at);
            if (changeable != null) {
                if (!changeable) {
                    guard.corruptionMet();
                    throw new BlockException(
                            Errno.EIO,
                            "L2 table has invalid entries nearby: the image is corrupt and must be repaired");
                }
                return;
            }
        }
    }

    private void load(long at) throws BlockException {
        while (!cache.load(at)) {
            writeBack();
        }
    }

    private long tableFor(long pos) throws BlockException {
        int index = layout.l1Index(pos);
        checkTable(l1, index);
        long table = l1.get(index);
        return table != 0 ? table : createTable(index);
    }

    /** Writes a new, empty table behind the clusters in use. Its place in the L1 table reaches the file with the next write-back. */
    private long createTable(int index) throws BlockException {
        try (RangeLocks.Range creation = creations.acquireUninterruptibly(index, index + 1L)) {
            long table = l1.get(index);
            if (table == 0) {
                table = space.take(layout.tableSize());
                file.debugEvent(DebugEvent.L2_ALLOC_WRITE);
                NewTable.write(file, table, layout.tableBytes(), pool);
                enterTable(index, table);
            }
            return table;
        }
    }

    private void enterTable(int index, long table) {
        l1Lock.lock();
        try {
            l1.set(index, table);
        } finally {
            l1Lock.unlock();
        }
    }

    /**
     * Sets the entries of {@code clusters} clusters from {@code pos} on, that {@link #prepare} has prepared: the first to {@code value}, each
     * further one {@code step} more. Seen by lookups from now on; in the file after the next write-back.
     */
    void map(long pos, long clusters, long value, long step) throws BlockException {
        long at = l1.get(layout.l1Index(pos)) + (long) layout.l2Index(pos) * Long.BYTES;
        for (long done = 0; done < clusters; ) {
            int count = (int) Math.min(clusters - done, (nextPage(at) - at) / Long.BYTES);
            while (!cache.set(at, count, value + done * step, step)) {
                load(at);
            }
            done += count;
            at += (long) count * Long.BYTES;
        }
    }

    boolean isClean() {
        l1Lock.lock();
        try {
            return !l1.isDirty() && cache.isClean();
        } finally {
            l1Lock.unlock();
        }
    }

    /**
     * Writes all entries that were set before this call to the file, in an order that is safe at every point; durable after the next
     * flush.
     *
     * @throws BlockException if a sector cannot be written: it stays in memory, and unless there was no room, the guard has tripped
     */
    void writeBack() throws BlockException {
        writeBackLock.lock();
        try {
            if (isClean()) {
                return;
            }
            L1Table.Sectors l1Sectors = takeL1();
            boolean done = false;
            try (AlignedBuffer buffer = pool.acquireReserved(batchBytes())) {
                writeL2(buffer);
                writeL1(l1Sectors, buffer);
                done = true;
            } finally {
                if (!done) {
                    giveBackL1(l1Sectors);
                }
            }
        } finally {
            writeBackLock.unlock();
        }
    }

    private int batchBytes() {
        return 16 * cache.pageSize();
    }

    private void writeL2(AlignedBuffer buffer) throws BlockException {
        for (int place = 0; place < cache.places(); ) {
            SectorBatch batch = cache.takeDirty(place, buffer);
            place = batch.nextPlace();
            if (!batch.isEmpty()) {
                writeBatch(batch);
            }
        }
    }

    private void writeBatch(SectorBatch batch) throws BlockException {
        boolean done = false;
        try {
            barrier.pass();
            guarded(() -> batch.write(file, DebugEvent.L2_UPDATE));
            done = true;
        } finally {
            if (done) {
                cache.written(batch);
            } else {
                cache.notWritten(batch);
            }
        }
    }

    private void writeL1(L1Table.Sectors sectors, AlignedBuffer bounce) throws BlockException {
        if (sectors.numbers().isEmpty()) {
            return;
        }
        barrier.pass();
        // The tables that these sectors name must be in the file before they are named.
        file.flush();
        file.debugEvent(DebugEvent.L1_UPDATE);
        guarded(() -> sectors.write(file, layout.l1Offset(), bounce));
    }

    private void guarded(Barrier write) throws BlockException {
        try {
            write.pass();
        } catch (BlockException e) {
            if (!SectorWriter.isIntact(e)) {
                guard.trip(e);
            }
            throw e;
        }
    }

    private L1Table.Sectors takeL1() {
        l1Lock.lock();
        try {
            return l1.takeDirty();
        } finally {
            l1Lock.unlock();
        }
    }

    private void giveBackL1(L1Table.Sectors sectors) {
        l1Lock.lock();
        try {
            l1.giveBack(sectors);
        } finally {
            l1Lock.unlock();
        }
    }

    /** Takes in the L1 entries of a disk that grows; allocations must be shut out. */
    void grow(long imageSize) throws BlockException {
        l1Lock.lock();
        try {
            l1 = l1.grow(file, imageSize, fileEndAtOpen);
        } finally {
            l1Lock.unlock();
        }
        rules.tablesChanged();
    }

    private long[] tableOffsets() {
        return l1.tableOffsets();
    }
}
