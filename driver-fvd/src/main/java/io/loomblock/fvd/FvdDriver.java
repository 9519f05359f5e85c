// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CheckResult;
import io.loomblock.DriverInfo;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Limits;
import io.loomblock.driver.OptionValues;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open FVD image: routes each request to the data area, the base image, or a write that has to be logged.
 *
 * <p>Reads, and writes that change no metadata, take no lock. spec: fvd.md sections 8 and 9.
 */
final class FvdDriver implements BlockDriver {
    private static final Logger LOG = LoggerFactory.getLogger(FvdDriver.class);

    /** What is logged of one write is all in memory at some time. */
    private static final long MAX_ZEROES = 64L << 30;

    private final FvdImage.Files files;
    private final OpenSettings settings;
    private final WholeImageChanges changes;

    private volatile boolean writable;
    private volatile boolean active;
    private volatile boolean drained;
    /** Null after an invalidation that failed: the image is unusable then. */
    private volatile @Nullable FvdImage image;

    FvdDriver(FvdImage.Files files, OpenSettings settings, NamedFiles named, FvdImage image) {
        this.files = files;
        this.settings = settings;
        this.changes = new WholeImageChanges(files, settings, named, this::take);
        this.image = image;
        this.writable = settings.generic().writable();
        this.active = !settings.generic().inactive();
    }

    private FvdImage image() throws BlockException {
        FvdImage current = image;
        if (current == null) {
            throw new BlockException(Errno.EIO, "Could not reopen fvd layer");
        }
        return current;
    }

    /** What a writable image has; throws where nothing may be written. */
    private static FvdImage.Writing writing(FvdImage current) throws BlockException {
        current.guard().check();
        FvdImage.Writing writing = current.writing();
        if (writing == null) {
            throw new BlockException(Errno.EPERM, "The image was opened for a check, or is not ours to write");
        }
        return writing;
    }

    @Override
    public String formatName() {
        return "fvd";
    }

    @Override
    public long length() throws BlockException {
        return image().layout().virtualSize();
    }

    @Override
    public Limits limits() {
        FvdImage current = image;
        long best = current == null ? 0 : unit(current.layout());
        return Limits.NONE.withTransfer((int) Math.min(best, 1 << 30), 0).withMaxZeroes(MAX_ZEROES, 0);
    }

    /** What is best written as a whole: a chunk, or a block. */
    private static long unit(FvdLayout layout) {
        return layout.isCompact() ? layout.chunkSize() : layout.blockSize();
    }

    @Override
    public boolean hasZeroInit() {
        FvdImage current = image;
        return current != null
                && !current.layout().hasBitmap()
                && (current.layout().isCompact() || files.data().hasZeroInit());
    }

    /** Both files count; -1 if either cannot tell. */
    @Override
    public long allocatedFileSize() throws BlockException {
        long own = files.file().allocatedFileSize();
        if (!files.hasDataFile() || own < 0) {
            return own;
        }
        long data = files.data().allocatedFileSize();
        return data < 0 ? -1 : own + data;
    }

    @Override
    public DriverInfo info() throws BlockException {
        FvdImage current = image();
        boolean dirty = current.writing() == null && !current.header().get().clean();
        return new DriverInfo(
                clusterSize(), dirty, ImageFacts.of(current, files.data().length()));
    }

    /** None: chunks and blocks may differ. */
    @Override
    public long clusterSize() {
        return 0;
    }

    @Override
    public @Nullable BackingReference backingReference() {
        FvdImage current = image;
        return current == null ? null : reference(current.header().get());
    }

    /** The base image as recorded, or null where there is none, or none is needed. */
    static @Nullable BackingReference reference(FvdHeader header) {
        return header.allData() || header.base().isNone()
                ? null
                : new BackingReference(header.base().name(), header.base().formatOrNull());
    }

    @Override
    public boolean refusesWrites() {
        FvdImage current = image;
        return current != null && current.guard().hasTripped();
    }

    /** The copy of a read is the only step of the node above that the files hear of: their own nodes tell them of the others. */
    @Override
    public void debugEvent(DebugEvent event) throws BlockException {
        if (event == DebugEvent.COR_WRITE) {
            files.file().debugEvent(event);
        }
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        FvdImage current = image();
        BaseBitmap bitmap = current.metadata().bitmap();
        if (bitmap == null) {
            current.area().read(offset, bytes, qiov, qiovOffset);
            return;
        }
        FvdLayout layout = current.layout();
        for (int done = 0; done < bytes; ) {
            long pos = offset + done;
            boolean set = pos >= layout.baseSize() || bitmap.isSet(layout.block(pos));
            int n = pos >= layout.baseSize() ? bytes - done : (int) bitmap.run(pos, bytes - done, set);
            if (set) {
                current.area().read(pos, n, qiov, qiovOffset + done);
            } else {
                readBase(current, pos, n, qiov, qiovOffset + done);
            }
            done += n;
        }
    }

    private void readBase(FvdImage current, long pos, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        FvdImage.Writing writing = current.writing();
        CopyOnRead copies = writing == null ? null : writing.copies().reads();
        if (copies == null || current.guard().hasTripped()) {
            files.base().read(pos, bytes, qiov, qiovOffset);
        } else {
            copies.read(pos, bytes, qiov, qiovOffset);
        }
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        FvdImage current = image();
        FvdImage.Writing writing = writing(current);
        long end = offset + bytes;
        Metadata.Unlogged unlogged = current.metadata().unlogged(offset, end);
        if (unlogged == Metadata.Unlogged.NOTHING) {
            current.area().write(offset, bytes, qiov, qiovOffset);
        } else {
            writing.write().run(unlogged, offset, end, new Payload.Data(offset, bytes, qiov, qiovOffset));
        }
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        writing(image()).write().run(offset, offset + bytes, new Payload.Zeroes(offset, bytes, flags));
    }

    @Override
    public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
        FvdImage current = image();
        FvdLayout layout = current.layout();
        BaseBitmap bitmap = current.metadata().bitmap();
        if (bitmap == null || offset >= layout.baseSize()) {
            return current.area().status(offset, bytes);
        }
        boolean set = bitmap.isSet(layout.block(offset));
        long n = bitmap.run(offset, bytes, set);
        if (set) {
            return current.area().status(offset, n);
        }
        long shown = files.base().reach(offset, n);
        return shown > 0 ? BlockStatus.of(0, shown) : BlockStatus.of(BlockStatus.ZERO, n);
    }

    @Override
    public CheckResult check(FixMode fix) throws BlockException {
        return changes.check(image(), writable && active ? fix : FixMode.NONE);
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        FvdImage current = image();
        writing(current);
        if (preallocation != PreallocationMode.OFF) {
            throw new BlockException(
                    Errno.ENOTSUP, "Unsupported preallocation mode '" + preallocation.optionName() + "'");
        }
        if (exact && length % FvdHeader.SECTOR != 0) {
            throw new BlockException(Errno.EINVAL, "Invalid image size specified");
        }
        changes.resize(current, length);
    }

    @Override
    public void changeBackingFile(@Nullable String name, @Nullable String format) throws BlockException {
        FvdImage current = image();
        writing(current);
        changes.changeBase(current, name, format);
    }

    /** Also of an image that was opened for a check: what it lacks, if it was not closed in order, may be declared to be there. */
    @Override
    public void amend(OptionValues values) throws BlockException {
        FvdImage current = image();
        if (!writable || !active) {
            throw new BlockException(Errno.EPERM, "The image is not ours to write");
        }
        changes.amend(current, values);
    }

    @Override
    public void makeEmpty() throws BlockException {
        FvdImage current = image();
        writing(current);
        changes.makeEmpty(current);
    }

    @Override
    public void flushToOs() throws BlockException {
        FvdImage current = image();
        FvdImage.Writing writing = current.writing();
        if (writing != null) {
            current.guard().check();
            writing.journal().writeOut();
        }
    }

    @Override
    public void drainBegin() {
        drained = true;
        FvdImage current = image;
        if (current != null && current.writing() != null) {
            current.writing().pause();
        }
    }

    @Override
    public void drainEnd() {
        drained = false;
        FvdImage current = image;
        if (current != null && current.writing() != null) {
            current.writing().resume();
        }
    }

    /** Takes the place of what was known of the image, which must have no work behind the scenes any more. */
    private void readAnew(boolean ours) throws BlockException {
        take(FvdImage.read(files, settings, ours));
    }

    private void take(@Nullable FvdImage fresh) {
        if (drained && fresh != null && fresh.writing() != null) {
            fresh.writing().pause();
        }
        image = fresh;
    }

    /** Closes an image in order and goes on with it read-only; one that cannot be read anew goes on as it was. */
    private void retire(FvdImage current) throws BlockException {
        FvdImage.Writing writing = current.writing();
        if (writing == null) {
            readAnew(false);
            return;
        }
        writing.pause();
        try {
            current.settle();
            readSettled(current);
        } catch (BlockException e) {
            if (!drained) {
                writing.resume();
            }
            throw e;
        }
    }

    private void readSettled(FvdImage current) throws BlockException {
        try {
            readAnew(false);
        } catch (BlockException e) {
            current.unsettle(e);
            throw e;
        }
    }

    /**
     * Table and bitmap are completed, as when the image is closed: the next owner has no journal to replay, and the copies that were made behind
     * the scenes, which no journal tells of, are not made in vain. One that is not written any more stays as after a crash.
     */
    @Override
    public void inactivate() throws BlockException {
        FvdImage current = image;
        if (current != null && current.writing() != null && !current.guard().hasTripped()) {
            retire(current);
        }
    }

    /** No more work behind the scenes for this image; what copies wait to be stored is forgotten, as nothing of the old state is to be written. */
    private static void stop(@Nullable FvdImage current) {
        if (current != null && current.writing() != null) {
            current.writing().copies().stop();
            current.writing().journal().pause();
        }
    }

    /**
     * Without a journal only its mark tells that an image lacks nothing: what nobody could open any more is closed in order here, where the
     * files can still be written. Should the graph refuse all the same, it stays read-only.
     */
    @Override
    public void prepareInvalidation() throws BlockException {
        FvdImage current = image;
        if (current == null || current.writing() == null) {
            return;
        }
        if (current.writing().journal().holdsRecords()) {
            throw new BlockException(Errno.EBUSY, "Journal records of the image are not written yet");
        }
        if (!current.header().get().usesJournal() && !current.guard().hasTripped()) {
            retire(current);
        }
    }

    @Override
    public void invalidateCache(boolean activate) throws BlockException {
        stop(image);
        try {
            active = activate;
            image = null;
            readAnew(writable && activate);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Could not reopen fvd layer: " + e.reason(), e);
        }
    }

    /** The files are writable by now, if they are to be: the image is recovered as when it is opened. */
    @Override
    public void reopenPrepare(boolean willBeWritable) throws BlockException {
        if (active && willBeWritable) {
            readAnew(true);
        } else if (active) {
            retire(image());
        }
        writable = willBeWritable;
    }

    /** The files are still as they were prepared: an image that was about to be writable is closed in order again. */
    @Override
    public void reopenAbort() {
        writable = !writable;
        try {
            if (active) {
                image().settle();
                readAnew(writable);
            }
        } catch (BlockException e) {
            image = null;
            LOG.warn("{}: the image could not be put back as it was: {}", files.file(), e.getMessage());
        }
    }

    /** The node has flushed; what is left is to complete table and bitmap, and to say that the image was closed in order. */
    @Override
    public void close() throws BlockException {
        FvdImage current = image;
        if (current != null && active && current.writing() != null) {
            current.writing().pause();
            current.settle();
        }
    }
}
