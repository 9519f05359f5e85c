// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.BlockAction;
import io.loomblock.driver.LeftUnflushed;
import io.loomblock.driver.Node;
import io.loomblock.driver.RequestFlags;
import io.loomblock.driver.WriteGuard;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that is known of an image once it is open, as one, so that it can be dropped and read anew as one. spec: fvd.md section 7.
 *
 * @param header in memory and in the file
 * @param layout where things lie
 * @param guard forbids writes after metadata was lost
 * @param metadata table and bitmap
 * @param area the guest's data
 * @param writing what there is in addition where the image is ours to write, else null
 */
record FvdImage(
        HeaderStore header,
        FvdLayout layout,
        WriteGuard guard,
        Metadata metadata,
        DataArea area,
        @Nullable Writing writing) {

    private static final Logger LOG = LoggerFactory.getLogger(FvdImage.class);

    /**
     * What a writable image has.
     *
     * @param journal of table and bitmap
     * @param ring its sectors; without meaning where there are none
     * @param mapper gives storage to chunks; null without a table
     * @param write writes that change metadata
     * @param copies from the base image, behind the scenes
     */
    record Writing(
            Journal journal, JournalRing ring, @Nullable ChunkMapper mapper, LoggedWrite write, BaseCopies copies) {
        /** No work behind the scenes goes on when this returns, nor begins before {@link #resume}. */
        void pause() {
            copies.pause();
            journal.pause();
        }

        /** Ends it. */
        void resume() {
            journal.resume();
            copies.resume();
        }
    }

    /**
     * The files of an image.
     *
     * @param file with the metadata
     * @param data with the guest's data; may be the same
     * @param base what it does not have itself
     */
    record Files(Node file, Node data, BackingFile base) {
        boolean hasDataFile() {
            return file != data;
        }
    }

    /**
     * Reads an image. One that is ours to write is recovered, if it was not closed in order, and marked as not closed in order.
     *
     * @param ours whether it may be written, and is this process's to write
     * @throws BlockException of the header; EINVAL for an image that cannot be written to as it is
     */
    static FvdImage read(Files files, OpenSettings settings, boolean ours) throws BlockException {
        Opening opening =
                new Opening(files, settings, ours && !settings.generic().check(), false);
        return opening.run();
    }

    /** Reads an image anew after a change that {@link #beginChange} has begun: it is marked as not closed in order, but lacks nothing. */
    static FvdImage readChanged(Files files, OpenSettings settings, boolean ours) throws BlockException {
        Opening opening =
                new Opening(files, settings, ours && !settings.generic().check(), true);
        return opening.run();
    }

    /** One opening. */
    private static final class Opening {
        private final Files files;
        private final OpenSettings settings;
        private final boolean ours;
        private final boolean changed;
        private final FvdHeader header;
        private final FvdLayout layout;
        private final WriteGuard guard = new WriteGuard();
        private final HeaderStore store;
        private final @Nullable ChunkTable table;
        private final @Nullable BaseBitmap bitmap;
        private final Metadata metadata;

        Opening(Files files, OpenSettings settings, boolean ours, boolean changed) throws BlockException {
            OpenOptions options = settings.generic();
            this.files = files;
            this.settings = settings;
            this.ours = ours;
            this.changed = changed;
            this.header = HeaderStore.read(files.file, options.pool());
            this.layout = header.validate(files.file.length());
            this.store = new HeaderStore(files.file, guard, header);
            long budget = layout.share(options.metadataBudget());
            this.table = layout.isCompact() ? new ChunkTable(files.file, layout, budget) : null;
            this.bitmap = layout.hasBitmap() ? new BaseBitmap(files.file, layout, budget) : null;
            this.metadata = new Metadata(files.file, files.data, layout, table, bitmap, guard);
        }

        FvdImage run() throws BlockException {
            checkStorage();
            DataArea area = new DataArea(files.data, layout, table);
            boolean dirty = !changed && !header.clean() && header.hasMetadata();
            long epoch = header.stableEpoch();
            if (dirty) {
                // Data without a bit was not waited for; whoever reads it after the recovery relies on it.
                LeftUnflushed.mark(files.data);
            }
            if (dirty && header.usesJournal()) {
                epoch = replay();
            } else if (dirty) {
                meetUnrecoverable();
            }
            Writing writing = ours ? prepareWriting(area, dirty, epoch) : null;
            if (writing != null) {
                writing.copies.begin();
            }
            return new FvdImage(store, layout, guard, metadata, area, writing);
        }

        private void checkStorage() throws BlockException {
            if (header.needsZeroInit() && layout.hasBitmap() && !files.data.hasZeroInit()) {
                String reason =
                        "The storage of the image is not known to be zero where nobody has written, which it relies on";
                if (ours && !settings.force()) {
                    throw new BlockException(Errno.EINVAL, reason);
                }
                LOG.warn("{}: {}", files.file, reason);
            }
        }

        private long replay() throws BlockException {
            JournalRecovery.Room room = ours ? metadata::writeBack : JournalRecovery::noRoom;
            return new JournalRecovery(files.file, header, layout, table, bitmap, room)
                    .run(settings.generic().pool());
        }

        /** The image says that metadata is missing, and there is no journal to tell which. */
        private void meetUnrecoverable() throws BlockException {
            String reason = "FVD image without a journal was not closed in order: data may be missing";
            if (ours && !settings.force()) {
                throw new BlockException(Errno.EINVAL, reason + "; open it read-only, or with force=on");
            }
            LOG.warn("{}: {}", files.file, reason);
        }

        private Writing prepareWriting(DataArea area, boolean dirty, long epoch) throws BlockException {
            long next = table == null ? 0 : scan(table, dirty);
            if (dirty) {
                metadata.writeBack();
                eraseJournal(epoch);
                boolean old = files.hasDataFile() ? keepsOldBytes(next) : table != null && !cutStorage(next);
                return writing(area, next, old, epoch);
            }
            // This look may take long: who ends it must not leave an image that seems to lack something.
            boolean old = files.hasDataFile() && holdsOldBytes(next);
            try {
                mark();
                return writing(area, next, old || !files.hasDataFile() && hidesOldBytes(next), epoch);
            } catch (BlockException e) {
                if (header.clean()) {
                    restoreMark(e);
                }
                throw e;
            }
        }

        private void mark() throws BlockException {
            store.update(h -> h.clean = false);
            metadata.flushFile();
        }

        /** Whether new storage may hold old bytes behind an image that lacks nothing, and has its data itself. */
        private boolean hidesOldBytes(long next) throws BlockException {
            if (table == null) {
                return false;
            }
            SpareStorage spare = new SpareStorage(files.data, layout.physicalOffset(next));
            return (changed || files.data.hasZeroInit() && !spare.isKnownZero()) && !cutStorage(next);
        }

        /**
         * Whether new storage in the data file may hold old bytes. It may be another file, put in the place of ours: what is in it stays until its
         * room is needed.
         */
        private boolean holdsOldBytes(long next) throws BlockException {
            if (table == null || !files.data.hasZeroInit()) {
                return false;
            }
            SpareStorage spare = new SpareStorage(files.data, layout.physicalOffset(next));
            boolean old = !spare.isZero(header.growUnit(), settings.generic().pool());
            if (old) {
                LOG.warn("{}: the data file may hold more than the image has stored in it", files.file);
            }
            return old;
        }

        /** The same after a crash, which may have taken some of the last chunk in use: that is made up for, but for a device that is short. */
        private boolean keepsOldBytes(long next) throws BlockException {
            long end = layout.physicalOffset(next);
            if (table != null && files.data.length() < end) {
                DataLength.set(files.data, end);
                metadata.barrier();
            }
            return holdsOldBytes(next);
        }

        /**
         * If it cannot be opened after all the mark goes again, as far as that can be: without a journal nobody could tell that nothing is
         * missing. It stays where a flush has failed, after which nobody knows what is in the file.
         */
        private void restoreMark(BlockException cause) {
            if (guard.hasTripped()) {
                return;
            }
            try {
                store.update(h -> h.clean = true);
                metadata.flushFile();
            } catch (BlockException e) {
                cause.addSuppressed(e);
            }
        }

        private long scan(ChunkTable chunks, boolean dirty) throws BlockException {
            long limit = layout.storage(files.data.length());
            return dirty
                    ? TableScan.afterCrash(chunks, layout, limit, metadata::writeBack)
                            .next()
                    : TableScan.of(chunks, layout, limit, false).next();
        }

        /** What the journal said is in table and bitmap; nothing of it may come back once chunks are taken anew. */
        private void eraseJournal(long epoch) throws BlockException {
            if (header.usesJournal()) {
                JournalErasure.run(files.file, header);
                if (header.version() == 2) {
                    store.update(h -> h.stableEpoch = epoch);
                }
                metadata.flushFile();
            }
        }

        /**
         * Cuts off storage of the image itself that nothing names, which may hold bytes of another place, and makes up for what is missing of a
         * chunk in use.
         *
         * @return whether new storage reads as zeros from now on
         */
        private boolean cutStorage(long next) throws BlockException {
            long end = Math.max(layout.physicalOffset(next), header.dataOffset());
            if (files.data.length() == end) {
                return files.data.hasZeroInit();
            }
            if (!DataLength.set(files.data, end)) {
                return zeroStorage(end);
            }
            metadata.barrier();
            return files.data.hasZeroInit() && files.data.length() == end;
        }

        /** Where the file keeps its length. Storage that was not zero to begin with is made zero when it is taken. */
        private boolean zeroStorage(long end) throws BlockException {
            long length = files.data.length();
            if (files.data.hasZeroInit() && length > end) {
                files.data.coWriteZeroes(end, length - end, RequestFlags.MAY_UNMAP);
                metadata.barrier();
            }
            return files.data.hasZeroInit();
        }

        private Writing writing(DataArea area, long next, boolean reusesStorage, long epoch) throws BlockException {
            JournalRing ring = new JournalRing(files.file, store, metadata, guard, epoch);
            Journal journal = journal(ring);
            ChunkMapper mapper = null;
            if (table != null) {
                boolean zeroes = reusesStorage || !files.data.hasZeroInit();
                if (zeroes) {
                    metadata.distrustStorage();
                }
                StorageAllocator storage = new StorageAllocator(
                        files, layout, header, settings.generic().storageRunner(), next, zeroes);
                mapper = new ChunkMapper(table, storage);
            }
            LoggedWrite write = new LoggedWrite(files, ring.format(), metadata, area, mapper, journal);
            SoftStore soft = new SoftStore(files, metadata, area, write, journal, guard);
            BlockAction finish = () -> finishFetching(journal);
            return new Writing(
                    journal, ring, mapper, write, BaseCopies.of(header, layout, files, settings, soft, finish));
        }

        /** The image has all of the base image: its header may say so once that is durable. */
        private void finishFetching(Journal journal) throws BlockException {
            journal.recycle();
            store.update(h -> h.allData = true);
            metadata.flushFile();
            metadata.dropBitmap();
        }

        private Journal journal(JournalRing ring) {
            OpenOptions options = settings.generic();
            if (!header.usesJournal()) {
                return new NoJournal(metadata, guard);
            }
            return settings.buffersJournal()
                    ? new BufferedJournal(
                            ring,
                            metadata,
                            guard,
                            options.timers(),
                            settings.journalBufferSize(),
                            settings.journalFlushPeriod())
                    : new WriteThroughJournal(ring, metadata, guard, options.pool());
        }
    }

    /**
     * Brings the file into the state in which bits may be cleared, chunks moved and sizes changed: table and bitmap are complete, the journal
     * holds nothing, and the image is marked as not closed in order. Requests must not be in flight. spec: fvd.md section 16.7.
     *
     * @throws BlockException of the files; the image goes on as it is
     */
    void beginChange() throws BlockException {
        guard.check();
        Writing ours = writing;
        if (ours != null) {
            ours.journal.recycle();
        } else {
            // Opened for a check: what the journal said is in memory only.
            metadata.writeBack();
        }
        metadata.eraseJournal(header.get());
        header.update(h -> h.clean = false);
        metadata.flushFile();
    }

    /** Writes table and bitmap, and then says that the image was closed in order; nothing may be written any more. */
    void settle() throws BlockException {
        Writing ours = writing;
        if (ours == null) {
            return;
        }
        ours.journal.recycle();
        guard.check();
        header.update(h -> h.clean = true);
        metadata.flushFile();
    }

    /**
     * Takes back {@link #settle}: the image is written again, and no longer closed in order. One that cannot be marked so is not written any
     * more: whoever opens it after a crash would not look into its journal.
     *
     * @param cause why, which is told of a failure
     */
    void unsettle(BlockException cause) {
        try {
            header.update(h -> h.clean = false);
            metadata.flushFile();
        } catch (BlockException e) {
            guard.trip(e);
            cause.addSuppressed(e);
        }
    }
}
