// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.driver.Node;
import io.loomblock.driver.OptionValues;
import io.loomblock.driver.Sizes;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Changes of an image as a whole: repair, another size, another base image, none of its data. spec: fvd.md section 16.7.
 *
 * <p>What is asked for is looked at first, so that what cannot be changes nothing. Then the journal is erased, the change made in the file,
 * and the image read anew. Requests are shut out by the caller.
 */
final class WholeImageChanges {
    private static final Logger LOG = LoggerFactory.getLogger(WholeImageChanges.class);

    private final FvdImage.Files files;
    private final OpenSettings settings;
    private final NamedFiles named;
    private final Consumer<@Nullable FvdImage> changed;

    /** {@code changed} is given the image that was read anew, or null if that failed. */
    WholeImageChanges(
            FvdImage.Files files, OpenSettings settings, NamedFiles named, Consumer<@Nullable FvdImage> changed) {
        this.files = files;
        this.settings = settings;
        this.named = named;
        this.changed = changed;
    }

    /** Checks an image, and repairs what {@code fix} allows; one that was not closed in order is recovered for good by any repair. */
    CheckResult check(FvdImage image, FixMode fix) throws BlockException {
        CheckResult found = look(image);
        ChunkTable table = image.metadata().table();
        boolean finds = fix.leaks() && found.leaks() > 0 || fix.errors() && found.corruptions() > 0;
        if (found.checkErrors() > 0 || !finds && !isToBeRecovered(image, fix)) {
            return found;
        }
        boolean clean = isComplete(image.header().get(), fix.errors() || found.corruptions() == 0);
        if (!finds || table == null) {
            change(image, clean, pool -> {});
            return found;
        }
        FvdRepair repair = new FvdRepair(image, files, table, settings.generic().pool(), budget(image));
        change(image, clean, pool -> repair.run(fix));
        return repair.result(found);
    }

    private CheckResult look(FvdImage image) throws BlockException {
        long growUnit = image.header().get().growUnit();
        return new FvdChecker(image.metadata(), files.data().length(), growUnit, budget(image)).run();
    }

    private long budget(FvdImage image) {
        return image.layout().share(settings.generic().metadataBudget());
    }

    /** Whether what a journal says is in memory alone, though it may be written. */
    private static boolean isToBeRecovered(FvdImage image, FixMode fix) {
        FvdHeader header = image.header().get();
        return fix != FixMode.NONE && image.writing() == null && !header.clean() && header.usesJournal();
    }

    /** Sets the size of the disk, whole sectors. */
    void resize(FvdImage image, long length) throws BlockException {
        long size = Sizes.toSectors(length);
        Resizing.tableFor(image.header().get(), size, files.file().length());
        if (size != image.layout().virtualSize()) {
            change(image, pool -> new Resizing(image, files, pool).run(size, HeaderChange.Setter.NONE));
        }
    }

    /** Records another base image, or none. */
    void changeBase(FvdImage image, @Nullable String name, @Nullable String format) throws BlockException {
        if (name == null || name.isEmpty()) {
            BaseChange.requireEverything(image);
            change(image, pool -> new BaseChange(image, files.file(), pool).remove());
            return;
        }
        NamedFile base = NamedFile.checked(name, format, image.header().get().format());
        // A base image that needs this one may be recorded, as in every format: opening the chain finds it.
        named.refuseSharedData(base, image.header().get().data());
        long size = baseSize(image, base);
        if (BaseChange.hidesData(image, size)) {
            copyLastBlock(image);
        }
        change(image, pool -> new BaseChange(image, files.file(), pool).replace(base, size));
    }

    private long baseSize(FvdImage image, NamedFile base) throws BlockException {
        return BaseChange.baseSize(image.header().get(), lengthOrUnknown(base));
    }

    /** Changes settings, all or none: the header is written once, but for what a change of size or base image has to write before. */
    void amend(FvdImage image, OptionValues values) throws BlockException {
        Amendment amendment = new Amendment(values);
        FvdHeader header = image.header().get();
        amendment.check(header, files.file().length(), image.writing() != null);
        long size = amendment.hasSize() ? amendment.size() : header.virtualSize();
        Resizing.tableFor(header, size, files.file().length());
        NamedFile base = amendment.hasBase() ? amendment.base(header) : header.base();
        NamedFile data = amendment.hasData() ? amendment.data(header) : header.data();
        if (amendment.hasBase() || amendment.hasData()) {
            named.refuseShared(base, data);
        }
        if (amendment.hasData()) {
            named.length(data);
        }
        if (size < header.virtualSize()) {
            LOG.warn("{}: the disk becomes smaller; what is behind its new end is lost", files.file());
        }
        long baseSize = amendment.hasBase() && !base.isNone() ? baseSize(image, base) : header.baseSize();
        if (base.isNone()) {
            BaseChange.requireEverything(image);
        } else if (BaseChange.hidesData(image, baseSize)) {
            copyLastBlock(image);
        }
        change(image, amendment.clean(isComplete(image)), pool -> {
            if (amendment.hasBase() && base.isNone()) {
                new BaseChange(image, files.file(), pool).remove();
            } else if (amendment.hasBase()) {
                new BaseChange(image, files.file(), pool).replace(base, baseSize);
            }
            HeaderChange.Setter settings = change -> amendment.apply(change, header);
            if (size != header.virtualSize()) {
                new Resizing(image, files, pool).run(size, settings);
                return;
            }
            image.header().update(settings);
            image.metadata().flushFile();
        });
    }

    /**
     * Whether an image may be marked as closed in order once its journal is erased. One without a journal still lacks what it lacked before.
     * One whose journal told of storage that a crash has lost needs another recovery, which empties those entries.
     */
    private static boolean isComplete(FvdHeader before, boolean sound) {
        return before.clean() || before.usesJournal() && sound;
    }

    private boolean isComplete(FvdImage image) throws BlockException {
        FvdHeader header = image.header().get();
        // Who writes to it has recovered it already, and marks it when it is closed.
        if (header.clean() || !header.usesJournal() || image.writing() != null) {
            return header.clean();
        }
        CheckResult found = look(image);
        return isComplete(header, found.corruptions() == 0 && found.checkErrors() == 0);
    }

    /** Negative for a file that is not there: the name alone may be recorded. */
    private long lengthOrUnknown(NamedFile base) throws BlockException {
        try {
            return named.length(base);
        } catch (BlockException e) {
            if (e.errno() != Errno.ENOENT) {
                throw e;
            }
            LOG.warn("{}: the length of '{}' is not known: {}", files.file(), base.name(), e.getMessage());
            return -1;
        }
    }

    /** Writes what the last sector of the base image shows, and with it its block. */
    private void copyLastBlock(FvdImage image) throws BlockException {
        FvdImage.Writing writing = image.writing();
        if (!files.base().isOpen() || writing == null) {
            throw new BlockException(
                    Errno.ENOTSUP, "The last block of the base image has to be copied, and that image is not open");
        }
        long end = image.layout().baseSize();
        long start = end - FvdHeader.SECTOR;
        try (AlignedBuffer buffer = settings.generic().pool().acquireReserved(FvdHeader.SECTOR)) {
            IoVector sector = IoVector.of(buffer, 0, FvdHeader.SECTOR);
            files.base().read(start, FvdHeader.SECTOR, sector, 0);
            writing.write().run(start, end, new Payload.Data(start, FvdHeader.SECTOR, sector, 0));
        }
    }

    /** Lets the base image show everywhere: what was committed into it is durable before anything is dropped here. */
    void makeEmpty(FvdImage image) throws BlockException {
        if (image.header().get().allData()) {
            throw new BlockException(Errno.ENOTSUP, "The image has no base image that could show");
        }
        Node base = files.base().backing();
        if (base != null) {
            base.flush();
        }
        change(image, pool -> new Emptying(image, files, pool).run());
    }

    /** What is done to the file of an image whose journal is erased. */
    private interface Change {
        void run(BufferPool pool) throws BlockException;
    }

    private void change(FvdImage image, Change work) throws BlockException {
        change(image, isComplete(image), work);
    }

    /** {@code clean} is how an image is marked in the end that was opened for a check; others are, when they are closed. */
    private void change(FvdImage image, boolean clean, Change work) throws BlockException {
        boolean checked = image.writing() == null;
        image.beginChange();
        try {
            work.run(settings.generic().pool());
            if (checked && clean) {
                image.header().update(h -> h.clean = true);
                image.metadata().flushFile();
            }
        } finally {
            changed.accept(read(!checked));
        }
    }

    /** An image that cannot be written any more is read only from now on. */
    private @Nullable FvdImage read(boolean ours) {
        try {
            return FvdImage.readChanged(files, settings, ours);
        } catch (BlockException e) {
            LOG.warn("{}: the image can only be read from now on: {}", files.file(), e.getMessage());
            return readOnly(e);
        }
    }

    private @Nullable FvdImage readOnly(BlockException cause) {
        try {
            FvdImage read = FvdImage.readChanged(files, settings, false);
            read.guard().trip(cause);
            return read;
        } catch (BlockException e) {
            LOG.warn("{}: the image can not even be read: {}", files.file(), e.getMessage());
            return null;
        }
    }
}
