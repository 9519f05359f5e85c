// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CheckResult;
import io.loomblock.DriverInfo;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Limits;
import io.loomblock.driver.Node;
import io.loomblock.driver.RangeLocks;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.IoVector;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An open add-cow image: routes each request to the data file or the backing file.
 *
 * <p>Reads, and writes to clusters that the data file has, take no lock. A write that meets other clusters locks the range of its clusters,
 * first come, first served, so that no copy of a cluster overwrites what another guest request has put there. spec: addcow.md sections 8
 * and 9.
 */
final class AddCowDriver implements BlockDriver {
    /** Whole sectors below 2^63. */
    private static final long MAX_SIZE = Long.MAX_VALUE & -AddCowLayout.SECTOR;

    private final Node file;
    private final Node data;
    private final GrowingBacking backing;
    private final OpenOptions options;
    private final Names names;
    private final FileNames fileNames;
    private final HeaderStore store;
    private final AddCowFiles files;
    private final CopyOnWrite copyOnWrite;
    private final RangeLocks clusterLocks = new RangeLocks();

    private volatile boolean writable;
    private volatile boolean active;
    /** Null after an invalidation that failed: the image is unusable then. */
    private volatile @Nullable AddCowImage image;

    private volatile @Nullable BackingReference backingReference;

    /**
     * What the image names.
     *
     * @param image the data file as recorded
     * @param imageFormat its format
     * @param backing the backing file as recorded, or null
     */
    record Names(String image, String imageFormat, @Nullable BackingReference backing) {}

    AddCowDriver(
            AddCowFiles files,
            @Nullable Node backing,
            Names names,
            FileNames fileNames,
            HeaderStore store,
            OpenOptions options,
            AddCowImage image) {
        this.file = files.file();
        this.data = files.data();
        this.backing = new GrowingBacking(backing);
        this.names = names;
        this.fileNames = fileNames;
        this.store = store;
        this.backingReference = names.backing();
        this.options = options;
        this.image = image;
        this.writable = options.writable();
        this.active = !options.inactive();
        this.files = files;
        this.copyOnWrite = new CopyOnWrite(files, this.backing);
    }

    private AddCowImage image() throws BlockException {
        AddCowImage current = image;
        if (current == null) {
            throw new BlockException(Errno.EIO, "Could not reopen add-cow layer");
        }
        return current;
    }

    /** Throws where nothing may be written: the image is another process's, or what was written before may be lost. */
    private void requireWritable() throws BlockException {
        if (!active) {
            throw new BlockException(Errno.EPERM, "The image is inactive: another process owns it");
        }
        refuseAfter(file.flushFailure(), "An earlier flush failed: ");
        refuseAfter(data.flushFailure(), "An earlier flush of the image file failed: ");
        refuseAfter(store.failure(), "The header could not be written: ");
    }

    private static void refuseAfter(@Nullable BlockException failure, String what) throws BlockException {
        if (failure != null) {
            throw new BlockException(failure.errno(), what + failure.reason(), failure);
        }
    }

    @Override
    public String formatName() {
        return "add-cow";
    }

    @Override
    public long length() throws BlockException {
        return image().size();
    }

    @Override
    public Limits limits() {
        AddCowImage current = image;
        if (current == null) {
            return Limits.NONE;
        }
        int cluster = current.layout().clusterSize();
        int granularity = current.allAllocated() ? 1 : cluster;
        return Limits.NONE.withZeroAlignment(granularity, granularity).withTransfer(cluster, 0);
    }

    /** Both files count; -1 if either cannot tell. */
    @Override
    public long allocatedFileSize() throws BlockException {
        long own = file.allocatedFileSize();
        long below = data.allocatedFileSize();
        return own < 0 || below < 0 ? -1 : own + below;
    }

    @Override
    public DriverInfo info() throws BlockException {
        AddCowImage current = image();
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("data-file", names.image());
        facts.put("data-file-format", names.imageFormat());
        facts.put("all-allocated", current.allAllocated());
        return new DriverInfo(current.layout().clusterSize(), false, facts);
    }

    @Override
    public @Nullable BackingReference backingReference() {
        return backingReference;
    }

    /** What the image's node says of its own requests stays here, but for what only happens above files. */
    @Override
    public void debugEvent(DebugEvent event) throws BlockException {
        if (event == DebugEvent.COR_WRITE) {
            files.announce(event);
        }
    }

    @Override
    public boolean refusesWrites() {
        return store.failure() != null;
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        AddCowImage current = image();
        if (current.allAllocated()) {
            readData(offset, bytes, qiov, qiovOffset);
            return;
        }
        for (int done = 0; done < bytes; ) {
            long pos = offset + done;
            boolean set = current.bitmap().isSet(current.layout().cluster(pos));
            int n = current.run(pos, bytes - done, set);
            if (set) {
                readData(pos, n, qiov, qiovOffset + done);
            } else {
                files.announce(DebugEvent.READ_BACKING_AIO);
                backing.read(DebugEvent.READ_BACKING_AIO, pos, n, qiov, qiovOffset + done);
            }
            done += n;
        }
    }

    private void readData(long pos, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        files.announce(DebugEvent.READ_AIO);
        data.coReadv(pos, bytes, qiov, qiovOffset, 0);
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        AddCowImage current = image();
        requireWritable();
        if (current.has(offset, bytes)) {
            writeData(offset, bytes, qiov, qiovOffset);
            return;
        }
        try (RangeLocks.Range clusters = lockClusters(current, offset, bytes)) {
            current.bitmap().relieve();
            copyAround(current, offset, offset + bytes);
            writeData(offset, bytes, qiov, qiovOffset);
            setBits(current, offset, bytes);
        }
    }

    private void writeData(long pos, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        files.announce(DebugEvent.WRITE_AIO);
        data.coWritev(pos, bytes, qiov, qiovOffset, 0);
    }

    private RangeLocks.Range lockClusters(AddCowImage current, long offset, long bytes) throws BlockException {
        AddCowLayout layout = current.layout();
        return clusterLocks.acquire(layout.cluster(offset), layout.cluster(offset + bytes - 1) + 1);
    }

    /** Copies what lies around {@code [from, to)} in its first and last cluster, where the data file does not have these. */
    private void copyAround(AddCowImage current, long from, long to) throws BlockException {
        AddCowLayout layout = current.layout();
        long first = layout.cluster(from);
        long last = layout.cluster(to - 1);
        long start = layout.start(first);
        long end = last + 1 == current.clusters() ? current.size() : layout.start(last + 1);
        // Both bits are looked up before anything is written: a bitmap that cannot be read fails the request first.
        boolean copiesHead = start < from && !current.bitmap().isSet(first);
        boolean copiesTail = to < end && !current.bitmap().isSet(last);
        if (copiesHead) {
            copyOnWrite.copy(start, from);
        }
        if (copiesTail) {
            copyOnWrite.copy(to, end);
        }
    }

    private static void setBits(AddCowImage current, long offset, long bytes) throws BlockException {
        AddCowLayout layout = current.layout();
        current.bitmap().set(layout.cluster(offset), layout.cluster(offset + bytes - 1) + 1);
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        AddCowImage current = image();
        requireWritable();
        if (current.has(offset, bytes)) {
            data.coWriteZeroes(offset, bytes, flags);
            return;
        }
        if (current.layout().offsetInCluster(offset | bytes) != 0) {
            throw new BlockException(Errno.ENOTSUP);
        }
        try (RangeLocks.Range clusters = lockClusters(current, offset, bytes)) {
            current.bitmap().relieve();
            data.coWriteZeroes(offset, bytes, flags);
            setBits(current, offset, bytes);
        }
    }

    /** Lets go of space in the data file; the bits stay, or else the backing file would show again. */
    @Override
    public void coDiscard(long offset, long bytes) throws BlockException {
        AddCowImage current = image();
        requireWritable();
        if (current.allAllocated()) {
            free(offset, bytes);
            return;
        }
        AddCowLayout layout = current.layout();
        long limit = layout.clusters(offset + bytes);
        for (long cluster = layout.cluster(offset); cluster < limit; ) {
            boolean set = current.bitmap().isSet(cluster);
            long end = current.bitmap().endOfLongRun(cluster, limit, set);
            if (set) {
                free(layout.start(cluster), layout.start(end - cluster));
            }
            cluster = end;
        }
    }

    private void free(long offset, long bytes) throws BlockException {
        files.announce(DebugEvent.CLUSTER_FREE);
        data.coDiscard(offset, bytes);
    }

    @Override
    public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
        AddCowImage current = image();
        if (current.allAllocated()) {
            return dataStatus(offset, bytes);
        }
        AddCowLayout layout = current.layout();
        long first = layout.cluster(offset);
        long limit = layout.clusters(offset + bytes);
        boolean set = current.bitmap().isSet(first);
        long end = current.bitmap().endOfLongRun(first, limit, set);
        long n = end == limit ? bytes : layout.start(end) - offset;
        if (set) {
            return dataStatus(offset, n);
        }
        long shown = backing.reach(offset, n);
        return shown > 0 ? BlockStatus.of(0, shown) : BlockStatus.of(BlockStatus.ZERO, n);
    }

    /** Where the data file has it, its own status tells holes from data. */
    private BlockStatus dataStatus(long offset, long bytes) throws BlockException {
        BlockStatus below = data.blockStatus(offset, bytes);
        int content = below.isZero() ? below.flags() & (BlockStatus.ZERO | BlockStatus.DATA) : BlockStatus.DATA;
        int place = below.flags() & BlockStatus.OFFSET_VALID;
        return below.withFlags(content | place | BlockStatus.ALLOCATED);
    }

    @Override
    public void flushToOs() throws BlockException {
        image().bitmap().writeBack();
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        AddCowImage current = image();
        requireWritable();
        if (preallocation != PreallocationMode.OFF) {
            throw new BlockException(
                    Errno.ENOTSUP, "Unsupported preallocation mode '" + preallocation.optionName() + "'");
        }
        if (length > MAX_SIZE || (exact && length % AddCowLayout.SECTOR != 0)) {
            throw new BlockException(Errno.EINVAL, "Invalid image size specified");
        }
        long size = length + AddCowLayout.SECTOR - 1 & -AddCowLayout.SECTOR;
        Resizing resizing = new Resizing(files, backing, copyOnWrite, current, options);
        if (size > current.size()) {
            image = resizing.grow(size);
        } else if (size < current.size()) {
            image = resizing.shrink(size);
        }
    }

    private boolean isOurs() {
        return writable && active;
    }

    @Override
    public CheckResult check(FixMode fix) throws BlockException {
        AddCowImage current = image();
        if (isOurs()) {
            current.bitmap().writeBack();
        }
        BitsInFile bits = new BitsInFile(file, current.layout(), options.pool());
        CheckResult result = new AddCowChecker(current, bits).run(isOurs() ? fix : FixMode.NONE);
        if (result.corruptionsFixed() + result.leaksFixed() > 0) {
            file.flush();
            image = AddCowImage.of(files, current.header(), current.size(), options);
        }
        return result;
    }

    @Override
    public void changeBackingFile(@Nullable String name, @Nullable String format) throws BlockException {
        AddCowImage current = image();
        requireWritable();
        AddCowHeader header = new BackingChange(current, store, files, fileNames, names.image()).run(name, format);
        image = current.withHeader(header);
        backingReference = name == null || name.isEmpty() ? null : new BackingReference(name, header.backingFormat());
    }

    /** Lets the backing file show everywhere: the bits go first, and when that is durable, the space. */
    @Override
    public void makeEmpty() throws BlockException {
        AddCowImage current = image();
        requireWritable();
        if (current.allAllocated()) {
            throw new BlockException(Errno.ENOTSUP, "The image has no backing file that could show");
        }
        current.bitmap().writeBack();
        long start = current.layout().headerSize();
        files.announce(DebugEvent.EMPTY_IMAGE_PREPARE);
        try {
            file.coWriteZeroes(start, file.length() - start, RequestFlags.MAY_UNMAP);
            file.flush();
        } finally {
            image = AddCowImage.of(files, current.header(), current.size(), options);
        }
        free(0, current.size());
    }

    @Override
    public void prepareInvalidation() throws BlockException {
        AddCowImage current = image;
        if (current != null && !current.bitmap().isClean()) {
            throw new BlockException(Errno.EBUSY, "The image has bits that are not written yet");
        }
    }

    /** The names in the header stay those that were opened; all else may have changed. */
    @Override
    public void invalidateCache(boolean activate) throws BlockException {
        image = null;
        active = activate;
        try {
            AddCowHeader header = store.read();
            header.validate();
            if (!store.readName(header.image()).equals(names.image())
                    || !header.imageFormat().equals(names.imageFormat())) {
                throw new BlockException(Errno.EINVAL, "The image has another image file now");
            }
            BackingReference reference = AddCowProvider.readBacking(store, header);
            if (!options.noBacking() && !Objects.equals(reference, backingReference)) {
                throw new BlockException(Errno.EINVAL, "The image has another backing file now");
            }
            image = AddCowImage.read(files, header, options);
            backingReference = reference;
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Could not reopen add-cow layer: " + e.reason(), e);
        }
    }

    /** The data file is reopened with the add-cow file; what is to be written must have a bitmap for all of it. */
    @Override
    public void reopenPrepare(boolean willBeWritable) throws BlockException {
        if (willBeWritable) {
            image = AddCowImage.read(files, image().header(), options);
        }
        writable = willBeWritable;
    }

    @Override
    public void reopenAbort() {
        writable = !writable;
    }

    /** The node has flushed. */
    @Override
    public void close() {}
}
