// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.IoVector;

/**
 * Makes the guest's disk larger, and sees to it that the new part reads as zeros: neither a longer backing file nor clusters that were
 * left behind the old end show up in it. spec: qed.md section 9, E26.
 *
 * <p>Requests and allocations are shut out. The header is written last, so a crash leaves the old disk.
 */
final class Growth {
    private final Node file;
    private final BackingFile backing;
    private final AllocatingWrite allocatingWrite;
    private final QedImage image;
    private final IoVector zeros;

    /** A growth; {@code zeros} are a sector of zeros at least. */
    Growth(Node file, BackingFile backing, AllocatingWrite allocatingWrite, QedImage image, IoVector zeros) {
        this.file = file;
        this.backing = backing;
        this.allocatingWrite = allocatingWrite;
        this.image = image;
        this.zeros = zeros;
    }

    /** Grows to {@code newSize} bytes, which is a valid size and more than the old one. */
    void run(long newSize) throws BlockException {
        image.guard().check();
        image.tables().grow(newSize);
        zero(image.header().get().imageSize(), newSize);
        image.tables().writeBack();
        file.flush();
        image.header().update(old -> old.withImageSize(newSize));
        file.flush();
    }

    private void zero(long from, long to) throws BlockException {
        QedLayout layout = image.layout();
        for (long pos = from; pos < to; ) {
            long end = Math.min(image.tables().endOfUnmapped(pos, to), hiddenFrom(pos, to));
            if (end > pos) {
                pos = end;
                continue;
            }
            long next = Math.min(to, pos - layout.offsetInCluster(pos) + layout.clusterSize());
            zeroCluster(pos, layout.offsetInCluster(pos));
            pos = next;
        }
    }

    /** Where the part ends that nothing shows through in, if {@code pos} lies past the backing file; else {@code pos}. */
    private long hiddenFrom(long pos, long to) throws BlockException {
        return backing.reach(pos, 1) == 0 ? to : pos;
    }

    /** Zeros a cluster from {@code offset} in it on. What lies before that is the old disk's. */
    private void zeroCluster(long pos, int offset) throws BlockException {
        int clusterSize = image.layout().clusterSize();
        long entry = image.tables().lookup(pos);
        if (EntryRules.isData(entry)) {
            file.debugEvent(DebugEvent.GROW_ZERO);
            file.coWriteZeroes(entry + offset, clusterSize - offset, 0);
        } else if (entry == EntryRules.UNALLOCATED && backing.reach(pos, clusterSize) > 0) {
            // Where the old disk ended in this cluster its part must stay what the backing file says.
            hide(pos, offset);
        }
    }

    private void hide(long pos, int offset) throws BlockException {
        if (offset == 0) {
            image.tables().prepare(pos, 1);
            image.tables().map(pos, 1, EntryRules.ZERO_CLUSTER, 0);
        } else {
            // Copies the old disk's part up, and nothing of what lies past its end.
            allocatingWrite.run(image, pos, QedLayout.SECTOR, zeros, 0, EntryRules.UNALLOCATED, EntryRules.UNALLOCATED);
        }
    }
}
