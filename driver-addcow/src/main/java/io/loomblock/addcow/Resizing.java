// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the guest's disk larger or smaller: the bitmap first, and then, which is the moment at which the size changes, the data file.
 *
 * <p>A new part reads as zeros: a longer backing file does not show in it, nor does what lay behind the old end. A failure before that
 * moment leaves the data file alone. Requests are shut out. spec: addcow.md section 11, "truncate", R8.
 */
final class Resizing {
    private static final Logger LOG = LoggerFactory.getLogger(Resizing.class);

    private final Node file;
    private final Node data;
    private final GrowingBacking backing;
    private final CopyOnWrite copyOnWrite;
    private final AddCowImage old;
    private final OpenOptions options;
    private final AddCowFiles files;

    Resizing(AddCowFiles files, GrowingBacking backing, CopyOnWrite copyOnWrite, AddCowImage old, OpenOptions options) {
        this.file = files.file();
        this.data = files.data();
        this.backing = backing;
        this.copyOnWrite = copyOnWrite;
        this.old = old;
        this.options = options;
        this.files = files;
    }

    private BitsInFile bits() {
        return new BitsInFile(file, old.layout(), options.pool());
    }

    /** Grows to {@code size} bytes, more than before; the image as it is then. */
    AddCowImage grow(long size) throws BlockException {
        if (old.header().namesBacking() && !backing.isOpen()) {
            throw new BlockException(
                    Errno.ENOTSUP, "The image cannot grow without its backing file, which would show in the new part");
        }
        old.bitmap().writeBack();
        bits().clearBehind(old.size(), DebugEvent.BITMAP_UPDATE);
        AddCowImage grown = AddCowImage.of(files, old.header(), size, options);
        try {
            bits().extendFor(size);
            file.flush();
            if (!old.allAllocated()) {
                hideBacking(grown);
            }
            cutOddBytes();
            files.announce(DebugEvent.GROW);
            data.truncate(size, true, PreallocationMode.OFF);
        } catch (BlockException e) {
            takeBack(e);
            throw e;
        }
        data.flush();
        return grown;
    }

    /** Bits that a disk of the old size has no use for are not left to a check, which could not tell them from those of a disk that was cut. */
    private void takeBack(BlockException failure) {
        try {
            if (data.length() <= old.size()) {
                bits().clearBehind(old.size(), DebugEvent.BITMAP_UPDATE);
                file.flush();
            }
        } catch (BlockException e) {
            failure.addSuppressed(e);
        }
    }

    /** What is less than a sector at the end of the data file is not part of the disk, and must not become it. */
    private void cutOddBytes() throws BlockException {
        if (WholeSectors.of(data).isOdd()) {
            files.announce(DebugEvent.SHRINK);
            data.truncate(old.size(), true, PreallocationMode.OFF);
        }
    }

    /** Has the data file stand for the new part as far as the backing file reaches: it has zeros there once it is longer. */
    private void hideBacking(AddCowImage grown) throws BlockException {
        long from = old.size();
        long shown = backing.reach(from, grown.size() - from);
        if (shown == 0) {
            return;
        }
        AddCowLayout layout = old.layout();
        long first = layout.cluster(from);
        if (layout.offsetInCluster(from) != 0 && !grown.bitmap().isSet(first)) {
            // The old disk's part of this cluster stays what the backing file says.
            copyOnWrite.copy(layout.start(first), from);
        }
        grown.bitmap().set(first, layout.clusters(from + shown));
        grown.bitmap().writeBack();
        file.flush();
    }

    /** Shrinks to {@code size} bytes; the image as it is then. */
    AddCowImage shrink(long size) throws BlockException {
        old.bitmap().writeBack();
        data.flush();
        file.flush();
        files.announce(DebugEvent.SHRINK);
        data.truncate(size, true, PreallocationMode.OFF);
        try {
            // Until the cut is durable, a loss of power brings back clusters that need their bits.
            data.flush();
            bits().clearBehind(size, DebugEvent.BITMAP_UPDATE);
            file.flush();
        } catch (BlockException e) {
            // No read looks at bits behind the end, and they are cleared before the disk grows.
            LOG.warn(
                    "{}: the bitmap could not be cut: a check will call its bits behind the new end errors, though nothing is lost, until the"
                            + " disk grows or they are repaired: {}",
                    file.filename(),
                    e.getMessage());
        }
        return AddCowImage.of(files, old.header(), size, options);
    }
}
