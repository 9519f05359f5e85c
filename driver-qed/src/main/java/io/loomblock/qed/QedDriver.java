// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CheckResult;
import io.loomblock.DriverInfo;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Limits;
import io.loomblock.driver.Node;
import io.loomblock.driver.RangeLocks;
import io.loomblock.driver.RequestGate;
import io.loomblock.memory.IoVector;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open QED image: routes each request to the data clusters, the backing file, or an allocation.
 *
 * <p>Reads, and writes to clusters that exist, take no lock. Allocations run in parallel: each locks the range of its clusters, first
 * come, first served, and passes the allocation gate, which the need-check timer, drain, truncate and check shut. spec: qed.md sections 9,
 * 10 and 13.
 */
final class QedDriver implements BlockDriver {
    private static final Logger LOG = LoggerFactory.getLogger(QedDriver.class);

    private final Node file;
    private final BackingFile backing;
    private final OpenOptions options;
    private final AllocatingWrite allocatingWrite;
    private final RangeLocks clusterLocks = new RangeLocks();
    private final RequestGate allocationGate = new RequestGate();
    private final NeedCheckTimer timer;
    /** One settling of tables and need-check bit at a time. */
    private final ReentrantLock settleLock = new ReentrantLock();
    /** Guarded by it. */
    private boolean closed;

    private volatile boolean writable;
    private volatile boolean active;
    /** Null after an invalidation that failed: the image is unusable then. */
    private volatile @Nullable QedImage image;

    private volatile @Nullable BackingReference backingReference;

    QedDriver(
            Node file,
            @Nullable Node backing,
            @Nullable BackingReference backingReference,
            OpenOptions options,
            QedImage image) {
        this.file = file;
        this.backing = new BackingFile(file, backing);
        this.backingReference = backingReference;
        this.options = options;
        this.image = image;
        this.writable = options.writable();
        this.active = !options.inactive();
        this.allocatingWrite = new AllocatingWrite(file, this.backing);
        this.timer = new NeedCheckTimer(options.timers(), this::settleIfIdle);
        if (isOurs() && image.header().needsCheck() && !options.check()) {
            timer.touch();
        }
    }

    private boolean isOurs() {
        return writable && active;
    }

    private QedImage image() throws BlockException {
        QedImage current = image;
        if (current == null) {
            throw new BlockException(Errno.EIO, "Could not reopen qed layer");
        }
        return current;
    }

    @Override
    public String formatName() {
        return "qed";
    }

    @Override
    public long length() throws BlockException {
        return image().header().get().imageSize();
    }

    @Override
    public Limits limits() {
        QedImage current = image;
        int cluster = current == null ? 1 : current.layout().clusterSize();
        return Limits.NONE.withZeroAlignment(cluster, cluster).withTransfer(cluster, 0);
    }

    @Override
    public boolean hasZeroInit() {
        return true;
    }

    @Override
    public DriverInfo info() throws BlockException {
        QedImage current = image();
        return new DriverInfo(current.layout().clusterSize(), current.header().needsCheck(), null);
    }

    @Override
    public @Nullable BackingReference backingReference() {
        return backingReference;
    }

    @Override
    public boolean refusesWrites() {
        QedImage current = image;
        return current != null && current.guard().hasTripped();
    }

    /** What the image's node says of its own requests stays here, but for what only happens above files. */
    @Override
    public void debugEvent(DebugEvent event) throws BlockException {
        if (event == DebugEvent.COR_WRITE) {
            file.debugEvent(event);
        }
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        QedImage current = image();
        for (int done = 0; done < bytes; ) {
            long pos = offset + done;
            long entry = current.tables().lookup(pos);
            int n = (int) run(current, pos, bytes - done, entry);
            if (EntryRules.isData(entry)) {
                file.debugEvent(DebugEvent.READ_AIO);
                file.coReadv(entry + current.layout().offsetInCluster(pos), n, qiov, qiovOffset + done, 0);
            } else if (entry == EntryRules.ZERO_CLUSTER) {
                qiov.fill(qiovOffset + done, n, (byte) 0);
            } else {
                backing.read(pos, n, qiov, qiovOffset + done);
            }
            done += n;
        }
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        QedImage current = image();
        long entry = current.tables().lookup(offset);
        int n = EntryRules.isData(entry) ? (int) run(current, offset, bytes, entry) : 0;
        if (n == bytes) {
            writeInPlace(current, offset, bytes, entry, qiov, qiovOffset);
        } else if (n > 0 && hasData(current, offset + n, bytes - n)) {
            writeRuns(current, offset, bytes, qiov, qiovOffset);
        } else {
            // All of it, so that an interrupt while it waits finds nothing written.
            allocate(current, offset, bytes, qiov, qiovOffset);
        }
    }

    private static boolean hasData(QedImage current, long offset, int bytes) throws BlockException {
        for (long pos = offset; pos < offset + bytes; ) {
            long entry = current.tables().lookup(pos);
            if (!EntryRules.isData(entry)) {
                return false;
            }
            pos += run(current, pos, offset + bytes - pos, entry);
        }
        return true;
    }

    private void writeInPlace(QedImage current, long pos, int bytes, long entry, IoVector qiov, int qiovOffset)
            throws BlockException {
        current.guard().check();
        file.debugEvent(DebugEvent.WRITE_AIO);
        file.coWritev(entry + current.layout().offsetInCluster(pos), bytes, qiov, qiovOffset, 0);
    }

    /** Writes a range of which some clusters were not there when it was looked up. */
    private void allocate(QedImage current, long offset, int bytes, IoVector qiov, int qiovOffset)
            throws BlockException {
        int stripe = allocationGate.enter();
        try (RangeLocks.Range clusters = lockClusters(current, offset, bytes)) {
            // The clusters may have come into being while this request waited for them: they are looked up again.
            writeRuns(current, offset, bytes, qiov, qiovOffset);
        } finally {
            allocationGate.exit(stripe);
            timer.touch();
        }
    }

    /** Writes run by run: in place where there is data, elsewhere to new clusters, for which the caller has locked the range. */
    private void writeRuns(QedImage current, long offset, int bytes, IoVector qiov, int qiovOffset)
            throws BlockException {
        for (int done = 0; done < bytes; ) {
            long pos = offset + done;
            long entry = current.tables().lookup(pos);
            int n;
            if (EntryRules.isData(entry)) {
                n = (int) run(current, pos, bytes - done, entry);
                writeInPlace(current, pos, n, entry, qiov, qiovOffset + done);
            } else {
                n = runWithoutData(current, pos, bytes - done);
                long lastEntry = current.tables().lookup(pos + n - 1);
                allocatingWrite.run(current, pos, n, qiov, qiovOffset + done, entry, lastEntry);
            }
            done += n;
        }
    }

    private RangeLocks.Range lockClusters(QedImage current, long offset, long bytes) throws BlockException {
        int bits = current.layout().clusterBits();
        return clusterLocks.acquire(offset >>> bits, ((offset + bytes - 1) >>> bits) + 1);
    }

    /** How many of the {@code max} bytes from {@code pos} on continue as the entry of their first cluster begins. */
    private static long run(QedImage current, long pos, long max, long entry) throws BlockException {
        int clusterSize = current.layout().clusterSize();
        long step = EntryRules.isData(entry) ? clusterSize : 0;
        long n = clusterSize - current.layout().offsetInCluster(pos);
        for (long expected = entry + step; n < max && current.tables().lookup(pos + n) == expected; expected += step) {
            n += clusterSize;
        }
        return Math.min(n, max);
    }

    /** How many of the {@code max} bytes from {@code pos} on lie in clusters without data and in the span of one L2 table. */
    private static int runWithoutData(QedImage current, long pos, int max) throws BlockException {
        QedLayout layout = current.layout();
        int most = (int) Math.min(max, layout.endOfSpan(pos) - pos);
        long n = layout.clusterSize() - layout.offsetInCluster(pos);
        while (n < most && !EntryRules.isData(current.tables().lookup(pos + n))) {
            n += layout.clusterSize();
        }
        return (int) Math.min(n, most);
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        QedImage current = image();
        QedLayout layout = current.layout();
        if (layout.offsetInCluster(offset | bytes) != 0) {
            throw new BlockException(Errno.ENOTSUP);
        }
        int stripe = allocationGate.enter();
        try (RangeLocks.Range clusters = lockClusters(current, offset, bytes)) {
            for (long done = 0; done < bytes; ) {
                long pos = offset + done;
                done += zeroRun(current, pos, Math.min(bytes - done, layout.endOfSpan(pos) - pos));
            }
        } finally {
            allocationGate.exit(stripe);
            timer.touch();
        }
    }

    /** Zeros whole clusters that are all alike, within the span of one L2 table; how many bytes. */
    private long zeroRun(QedImage current, long pos, long max) throws BlockException {
        long entry = current.tables().lookup(pos);
        long n = run(current, pos, max, entry);
        if (EntryRules.isData(entry)) {
            current.guard().check();
            file.coWriteZeroes(entry, n, 0);
        } else if (entry == EntryRules.UNALLOCATED) {
            long clusters = n / current.layout().clusterSize();
            current.tables().prepare(pos, clusters);
            current.tables().map(pos, clusters, EntryRules.ZERO_CLUSTER, 0);
        }
        return n;
    }

    @Override
    public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
        QedImage current = image();
        QedLayout layout = current.layout();
        long end = current.tables().endOfUnmapped(offset, offset + bytes);
        if (end > offset) {
            return BlockStatus.of(0, end - offset);
        }
        long max = Math.min(bytes, layout.endOfSpan(offset) - offset);
        long entry = current.tables().lookup(offset);
        long n = statusRun(current, offset, max, entry);
        if (EntryRules.isData(entry)) {
            int flags = BlockStatus.DATA | BlockStatus.ALLOCATED;
            return BlockStatus.at(flags, n, entry + layout.offsetInCluster(offset));
        }
        return BlockStatus.of(entry == EntryRules.ZERO_CLUSTER ? BlockStatus.ZERO | BlockStatus.ALLOCATED : 0, n);
    }

    private static long statusRun(QedImage current, long offset, long max, long entry) throws BlockException {
        try {
            return run(current, offset, max, entry);
        } catch (BlockException e) {
            // Something further on cannot be looked up. Who asks about that is told; this cluster's status is known.
            return Math.min(
                    max, current.layout().clusterSize() - current.layout().offsetInCluster(offset));
        }
    }

    @Override
    public void flushToOs() throws BlockException {
        image().tables().writeBack();
    }

    /** The job of the timer: nothing in a drained section, or if an allocation is running; their end sets the timer again. */
    private void settleIfIdle() {
        settleLock.lock();
        try {
            if (allocationGate.tryShut()) {
                try {
                    settle();
                } finally {
                    allocationGate.open();
                }
            }
        } finally {
            settleLock.unlock();
        }
    }

    /** Brings the tables to the disk and then clears the need-check bit. Allocations are shut out. On failure the bit stays. */
    private void settle() {
        settleLock.lock();
        try {
            QedImage current = image;
            if (current != null && isOurs() && !closed) {
                current.tables().writeBack();
                file.flush();
                clearNeedCheck(current);
                file.flush();
            }
        } catch (BlockException e) {
            LOG.warn("{}: tables could not be settled, the image stays marked for a check: {}", file, e.getMessage());
        } finally {
            settleLock.unlock();
        }
    }

    private void clearNeedCheck(QedImage current) throws BlockException {
        // An image opened for a check keeps the bit: only a check that finds nothing wrong clears it.
        if (!options.check()
                && current.guard().isSound()
                && current.tables().isClean()
                && file.flushFailure() == null) {
            current.header().clearNeedCheck();
        }
    }

    @Override
    public void drainBegin() {
        allocationGate.shut();
        timer.cancel();
        settle();
    }

    @Override
    public void drainEnd() {
        allocationGate.open();
        QedImage current = image;
        if (current != null
                && isOurs()
                && !(current.tables().isClean() && !current.header().needsCheck())) {
            timer.touch();
        }
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        QedImage current = image();
        if (preallocation != PreallocationMode.OFF) {
            throw new BlockException(
                    Errno.ENOTSUP, "Unsupported preallocation mode '" + preallocation.optionName() + "'");
        }
        if (!current.layout().isImageSize(length)) {
            throw new BlockException(Errno.EINVAL, "Invalid image size specified");
        }
        QedHeader header = current.header().get();
        if (length < header.imageSize()) {
            throw new BlockException(Errno.ENOTSUP, "Shrinking images is currently not supported");
        }
        if (length > header.imageSize()) {
            new Growth(file, backing, allocatingWrite, current, options.pool().zeros()).run(length);
            timer.touch();
        }
    }

    @Override
    public CheckResult check(FixMode fix) throws BlockException {
        QedImage current = image();
        if (isOurs()) {
            current.tables().writeBack();
        }
        long fileEnd = current.layout().wholeClusters(file.length());
        FixMode allowed = isOurs() ? fix : FixMode.NONE;
        CheckResult result = QedImage.check(file, current.header(), current.layout(), fileEnd, allowed, options);
        if (result.corruptionsFixed() > 0) {
            file.flush();
            image = null;
            current = QedImage.read(file, options, backing.isOpen(), false);
            image = current;
        }
        if (!QedImage.isSound(result)) {
            current.guard().corruptionMet();
        }
        return result;
    }

    @Override
    public void changeBackingFile(@Nullable String name, @Nullable String format) throws BlockException {
        QedImage current = image();
        new BackingChange(current).run(name, format);
        backingReference =
                name == null || name.isEmpty() ? null : new BackingReference(name, "raw".equals(format) ? "raw" : null);
    }

    @Override
    public void invalidateCache(boolean activate) throws BlockException {
        allocationGate.shut();
        settleLock.lock();
        try {
            timer.cancel();
            active = activate;
            image = null;
            QedImage fresh = QedImage.read(file, options, backing.isOpen(), writable && activate);
            backingReference =
                    QedImage.readBackingReference(file, fresh.header().get(), options);
            image = fresh;
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Could not reopen qed layer: " + e.reason(), e);
        } finally {
            settleLock.unlock();
            allocationGate.open();
        }
    }

    /** The file is writable by now, if it is to be: the image is recovered as when it is opened. */
    @Override
    public void reopenPrepare(boolean willBeWritable) throws BlockException {
        settleLock.lock();
        try {
            if (willBeWritable && active) {
                image = QedImage.read(file, options, backing.isOpen(), true);
            } else if (!willBeWritable) {
                settle();
            }
            writable = willBeWritable;
        } finally {
            settleLock.unlock();
        }
    }

    @Override
    public void reopenAbort() {
        writable = !writable;
    }

    /** The node has flushed; all that is left is to say that the image was closed in order, if it was. */
    @Override
    public void close() throws BlockException {
        timer.stop();
        settleLock.lock();
        try {
            closed = true;
            QedImage current = image;
            if (current != null && isOurs()) {
                clearNeedCheck(current);
            }
        } finally {
            settleLock.unlock();
        }
    }
}
