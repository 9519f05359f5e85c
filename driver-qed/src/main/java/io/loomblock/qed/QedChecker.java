// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CheckResult;
import io.loomblock.FixMode;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.SectorWriter;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;

/**
 * Walks the tables of an image in its file, counts references to every cluster, and clears the references that point nowhere.
 *
 * <p>Reads the file, not what an open image has cached: that must have been written back, and is stale after a repair. Holes in tables
 * are skipped unread. One use per object, one thread. spec: qed.md section 12, E1, E21, E31.
 */
final class QedChecker {
    private static final int PIECE = 1 << 20;

    private final Node file;
    private final QedLayout layout;
    private final long imageSize;
    private final long fileEnd;
    private final boolean fix;
    private final BufferPool pool;
    private final ClusterMarks marks;

    private long corruptions;
    private long fixable;
    private long checkErrors;
    private long fixed;
    private long allocated;
    private long fragmented;

    /**
     * A check.
     *
     * @param imageSize size of the guest's disk
     * @param fileEnd length of the file in bytes of whole clusters
     * @param mode only {@link FixMode#ALL} changes anything: leaks are never reclaimed
     * @param maxMemory bytes that the marks may take
     */
    QedChecker(
            Node file, QedLayout layout, long imageSize, long fileEnd, FixMode mode, BufferPool pool, long maxMemory) {
        this.file = file;
        this.layout = layout;
        this.imageSize = imageSize;
        this.fileEnd = fileEnd;
        this.fix = mode.errors();
        this.pool = pool;
        this.marks = new ClusterMarks(maxMemory);
    }

    /**
     * Checks the whole image.
     *
     * @throws BlockException ENOMEM if the marks need too much memory; I/O errors are counted in the result instead
     */
    CheckResult run() throws BlockException {
        // In one acquisition, so that checks at once never wait for one another: the pieces of an L1 table and of an L2
        // table.
        try (AlignedBuffer pieces = pool.acquireReserved(2 * PIECE)) {
            markTable(layout.l1Offset());
            scan(layout.l1Offset(), pieces, 0, table -> visitL1(table, pieces));
        }
        long used = fileEnd / layout.clusterSize() - layout.headerSize();
        long leaks = checkErrors == 0 ? used - marks.marked() : 0;
        return new CheckResult(
                corruptions, leaks, checkErrors, fixed, 0, 0, layout.clusters(imageSize), allocated, 0, fragmented);
    }

    /** How many of the corruptions that were found, and left, a repair can fix. */
    long fixable() {
        return fixable;
    }

    /** What to do with a table entry that is not 0. */
    @FunctionalInterface
    private interface Visitor {
        /** Returns whether the entry is to be cleared. */
        boolean visit(long entry) throws BlockException;
    }

    private boolean visitL1(long table, AlignedBuffer pieces) throws BlockException {
        if (!layout.isTable(table, fileEnd)) {
            return wrong();
        }
        if (markTable(table)) {
            scan(table, pieces, PIECE, new L2Visitor());
        }
        return false;
    }

    /** Marks a table's clusters; each that was marked before is a corruption. Whether there was none. */
    private boolean markTable(long table) throws BlockException {
        boolean alone = true;
        for (int i = 0; i < layout.tableSize(); i++) {
            alone &= markOnce(table + (long) i * layout.clusterSize());
        }
        return alone;
    }

    private boolean markOnce(long offset) throws BlockException {
        if (marks.mark(offset / layout.clusterSize())) {
            return true;
        }
        corruptions++;
        return false;
    }

    private boolean wrong() {
        if (fix) {
            fixed++;
        } else {
            corruptions++;
            fixable++;
        }
        return fix;
    }

    private final class L2Visitor implements Visitor {
        private long previous;

        @Override
        public boolean visit(long entry) throws BlockException {
            if (!EntryRules.isData(entry)) {
                return false;
            }
            allocated++;
            if (previous != 0 && previous + layout.clusterSize() != entry) {
                fragmented++;
            }
            previous = entry;
            if (!layout.isCluster(entry, fileEnd)) {
                return wrong();
            }
            markOnce(entry);
            return false;
        }
    }

    /**
     * Visits the entries of a table, piece by piece, and writes the sectors back in which some were cleared. What cannot be read counts
     * as one error, and the rest of the table is left.
     *
     * @param base where in {@code pieces} this table's pieces go
     */
    private void scan(long table, AlignedBuffer pieces, int base, Visitor visitor) throws BlockException {
        long end = table + layout.tableBytes();
        for (long at = table; at < end; ) {
            long hole = hole(at, end - at);
            if (hole > 0) {
                at += hole;
                continue;
            }
            int length = (int) Math.min(PIECE, end - at);
            try {
                file.debugEvent(DebugEvent.CHECK_LOAD);
                file.coReadv(at, IoVector.of(pieces, base, length));
            } catch (BlockException e) {
                checkErrors++;
                return;
            }
            visitPiece(at, length, pieces, base, visitor);
            at += length;
        }
    }

    /** Bytes from {@code at} on that are known to be zeros, in whole sectors. */
    private long hole(long at, long length) {
        try {
            BlockStatus status = file.blockStatus(at, length);
            return status.isZero() ? status.length() & -QedLayout.SECTOR : 0;
        } catch (BlockException e) {
            // Then it is read, and if that fails too it is counted.
            return 0;
        }
    }

    private void visitPiece(long at, int length, AlignedBuffer pieces, int base, Visitor visitor)
            throws BlockException {
        for (int sector = 0; sector < length; sector += QedLayout.SECTOR) {
            if (visitSector(pieces, base + sector, visitor)) {
                writeSector(at + sector, IoVector.of(pieces, base + sector, QedLayout.SECTOR));
            }
        }
    }

    private static boolean visitSector(AlignedBuffer piece, int sector, Visitor visitor) throws BlockException {
        boolean cleared = false;
        for (int i = sector; i < sector + QedLayout.SECTOR; i += Long.BYTES) {
            long entry = piece.getLong(i);
            if (entry != 0 && visitor.visit(entry)) {
                piece.putLong(i, 0);
                cleared = true;
            }
        }
        return cleared;
    }

    private void writeSector(long offset, IoVector sector) {
        try {
            file.debugEvent(DebugEvent.CHECK_UPDATE);
            SectorWriter.write(file, offset, sector);
        } catch (BlockException e) {
            checkErrors++;
        }
    }
}
