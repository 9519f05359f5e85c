// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;

/**
 * Records another base image, or none. spec: fvd.md section 16.7, "changeBackingFile".
 *
 * <p>How far it shows follows its length. Where less of it shows than before the disk reads as zeros; where more of it shows, blocks that hold
 * data keep it. The journal is erased and requests are shut out when this begins.
 */
final class BaseChange {
    private static final int PIECE = 64 << 10;

    private final FvdImage image;
    private final Node file;
    private final BufferPool pool;
    private final FvdHeader header;
    private final FvdLayout layout;

    BaseChange(FvdImage image, Node file, BufferPool pool) {
        this.image = image;
        this.file = file;
        this.pool = pool;
        this.header = image.header().get();
        this.layout = image.layout();
    }

    /**
     * How far a base image would show, found before anything is changed.
     *
     * @param length of the new one, or negative if it is not known: as far as the old one then
     * @throws BlockException ENOTSUP for an image that reads from no base image, ENOSPC if the bitmap is too small
     */
    static long baseSize(FvdHeader header, long length) throws BlockException {
        if (header.allData()) {
            throw new BlockException(Errno.ENOTSUP, "The image has everything: a base image would never show");
        }
        if (length < 0) {
            return header.baseSize();
        }
        long size = length >= header.virtualSize() ? header.virtualSize() : FvdLayout.roundUp(length, FvdHeader.SECTOR);
        long blocks = FvdLayout.ceilDiv(size, header.blockSize());
        if (FvdLayout.bitmapBytes(blocks) > header.bitmap().size()) {
            throw new BlockException(Errno.ENOSPC, "The bitmap of the image has no room for so large a base image");
        }
        return size;
    }

    /** Records another one, durable when this returns. {@code size} is that of {@link #baseSize}. */
    void replace(NamedFile base, long size) throws BlockException {
        if (size < layout.baseSize()) {
            new HiddenStorage(layout, image.area(), bitmap()).clear(size, layout.baseSize());
            image.metadata().barrier();
        } else if (size > layout.baseSize()) {
            writeBits(size);
        }
        write(change -> {
            change.base = base;
            change.baseSize = size;
        });
    }

    /**
     * Whether the block in which the base image ends, and which is read from there, has data behind that end: the block has to be copied
     * before more of a base image shows in it.
     */
    static boolean hidesData(FvdImage image, long size) throws BlockException {
        FvdLayout layout = image.layout();
        BaseBitmap bitmap = image.metadata().bitmap();
        long end = layout.baseSize();
        if (bitmap == null || size <= end || end % layout.blockSize() == 0 || bitmap.isSet(layout.block(end))) {
            return false;
        }
        long limit = Math.min(size, layout.blockStart(layout.block(end)) + layout.blockSize());
        for (long pos = end; pos < limit; ) {
            BlockStatus status = image.area().status(pos, limit - pos);
            if (!status.isZero()) {
                return true;
            }
            pos += status.length();
        }
        return false;
    }

    private BaseBitmap bitmap() {
        BaseBitmap bitmap = image.metadata().bitmap();
        if (bitmap == null) {
            throw new IllegalStateException("an image without a bitmap");
        }
        return bitmap;
    }

    private void write(HeaderChange.Setter setter) throws BlockException {
        file.debugEvent(DebugEvent.BACKING_UPDATE);
        image.header().update(setter);
        image.metadata().flushFile();
    }

    /**
     * Records that there is none any more, durable when this returns.
     *
     * @throws BlockException ENOTSUP if something is still read from it
     */
    void remove() throws BlockException {
        if (header.base().isNone()) {
            return;
        }
        requireEverything(image);
        image.header().update(change -> change.allData = true);
        image.metadata().flushFile();
        write(HeaderChange::dropBase);
    }

    /** Fails unless every block has its bit. */
    static void requireEverything(FvdImage image) throws BlockException {
        BaseBitmap bitmap = image.metadata().bitmap();
        long blocks = image.layout().blocks();
        if (bitmap != null && bitmap.endOfRun(0, blocks, true) < blocks) {
            throw new BlockException(Errno.ENOTSUP, "The image still needs its base image");
        }
    }

    /** Bits of blocks behind the old end, which mean nothing until the header says so: set where there is data. */
    private void writeBits(long size) throws BlockException {
        long first = layout.blocks();
        long end = FvdLayout.ceilDiv(size, layout.blockSize());
        try (AlignedBuffer buffer = pool.acquireReserved(PIECE)) {
            for (long block = first; block < end; ) {
                long next = Math.min(end, (block / Byte.SIZE + PIECE) * Byte.SIZE);
                writeBits(block, next, Math.min(size, next * layout.blockSize()), buffer);
                block = next;
            }
        }
        image.metadata().flushFile();
    }

    private void writeBits(long first, long end, long limit, AlignedBuffer buffer) throws BlockException {
        long offset = layout.bitmapByte(first);
        int length = (int) (layout.bitmapByte(end - 1) - offset) + 1;
        IoVector piece = IoVector.of(buffer, 0, length);
        buffer.fill(0, length, (byte) 0);
        // The first byte may hold bits that mean something.
        file.coReadv(offset, IoVector.of(buffer, 0, 1));
        int kept = (1 << first % Byte.SIZE) - 1;
        buffer.putByte(0, (byte) (buffer.getByte(0) & kept));
        long origin = first / Byte.SIZE * Byte.SIZE;
        for (long pos = first * layout.blockSize(); pos < limit; ) {
            BlockStatus status = image.area().status(pos, limit - pos);
            long next = pos + status.length();
            if (!status.isZero()) {
                set(buffer, pos / layout.blockSize() - origin, (next - 1) / layout.blockSize() - origin);
            }
            pos = next;
        }
        file.debugEvent(DebugEvent.BITMAP_UPDATE);
        file.coWritev(offset, piece);
    }

    private static void set(AlignedBuffer buffer, long first, long last) {
        for (long bit = first; bit <= last; bit++) {
            int at = (int) (bit / Byte.SIZE);
            buffer.putByte(at, (byte) (buffer.getByte(at) | 1 << bit % Byte.SIZE));
        }
    }
}
