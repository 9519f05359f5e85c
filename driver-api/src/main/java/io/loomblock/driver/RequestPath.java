// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.DetectZeroes;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The way of a request through one node: access and bounds, what the node's options make of it, alignment, and then the driver.
 *
 * <p>Requests are kept apart by their ranges only from the first serialising one on; a node on which nobody ever makes one, as nearly
 * all are, counts them and no more. Thread-safe. spec: block-layer.md section 5.
 */
final class RequestPath {
    /** No node is longer: whole sectors below 2^63. */
    private static final long MAX_LENGTH = Long.MAX_VALUE & -512;

    /** What the bounces of a node that stands on others take at most, and none of it before there is one. */
    private static final long BOUNCES = 4L * BufferPool.MAX_BUFFER;

    private final BlockDriver driver;
    private final boolean growable;
    private final AlignedIo alignedIo;
    private final NodeFlush flushes;
    private final DetectZeroes detectZeroes;
    /** Null where there is nothing to copy from. */
    private final @Nullable CopyOnRead copyOnRead;
    /** What every read is asked for besides its own flags. */
    private final int readFlags;
    /** Flags of reads that the driver passes on to the node that it filters. */
    private final int filteredFlags;

    /** Flags that make a request wait for those that overlap it, and the other way round. */
    private final int serialising;

    private final RequestGate requests = new RequestGate();
    /** Requests in flight by their bytes, all of them once {@link #tracking}. */
    private final RangeLocks ranges = new RangeLocks();

    private volatile boolean tracking;
    private volatile boolean readOnly;
    /** Another process owns the image for now. */
    private volatile boolean inactive;
    /**
     * Nobody could write since it was opened, neither through this node nor in another process that owned the image. Never true again once it
     * is false: set by whoever changes the node alone.
     */
    private volatile boolean constant;

    private volatile Limits limits;
    /** Guest length of a driver that does not grow; asked anew after whatever may change it. */
    private volatile long length;

    private final WriteTrace trace = new WriteTrace();

    RequestPath(
            BlockDriver driver, Map<String, Node> children, NodeFlush flushes, OpenOptions options, boolean hearsEvents)
            throws BlockException {
        Node backing = children.get(Node.BACKING);
        this.driver = driver;
        this.growable = driver.growable();
        this.alignedIo = new AlignedIo(driver, options.pool(), bounces(children, options), hearsEvents);
        this.flushes = flushes;
        this.detectZeroes = options.detectZeroes();
        this.copyOnRead = backing == null ? null : new CopyOnRead(driver, backing, alignedIo);
        this.filteredFlags = driver.filtered() == null ? 0 : RequestFlags.COPY_ON_READ;
        this.readFlags = options.copyOnRead() ? RequestFlags.COPY_ON_READ : 0;
        this.serialising =
                copyOnRead == null ? RequestFlags.SERIALISING : RequestFlags.SERIALISING | RequestFlags.COPY_ON_READ;
        this.tracking = (readFlags & serialising) != 0;
        this.readOnly = !options.writable();
        this.inactive = options.inactive();
        this.constant = readOnly && !inactive;
        this.limits = driver.limits();
        refresh();
    }

    /**
     * Where bounces come from: the pool of all where the driver is a disk. One that stands on other nodes may wait for memory of that pool,
     * and so may they, while the bounce is held: it comes from a pool of this node's own.
     */
    private static BufferPool bounces(Map<String, Node> children, OpenOptions options) {
        return children.isEmpty() ? options.pool() : new BufferPool(BOUNCES, 0);
    }

    /** Asks the driver anew for its length and limits. */
    void refresh() throws BlockException {
        limits = driver.limits();
        long now = driver.length();
        length = now;
        trace.resized(now);
    }

    Limits limits() {
        return limits;
    }

    long length() throws BlockException {
        return growable ? driver.length() : length;
    }

    long highestWritten() {
        return trace.highest();
    }

    void observeWrites(@Nullable WriteObserver hearing) {
        trace.observe(hearing);
    }

    boolean readOnly() {
        return readOnly;
    }

    boolean isConstant() {
        return constant;
    }

    void setReadOnly(boolean value) {
        if (!value) {
            constant = false;
        }
        readOnly = value;
    }

    void setInactive(boolean value) {
        constant = false;
        inactive = value;
    }

    /** Lets no more requests in, and returns when none is left. */
    void close() {
        requests.close();
    }

    /** Runs {@link Node#alone}'s change of the node whose path this is. */
    void alone(Node owner, BlockAction change) throws BlockException {
        requests.shut();
        try {
            owner.drainBegin();
            try {
                change.run();
            } finally {
                owner.drainEnd();
            }
        } finally {
            requests.open();
        }
    }

    /** Counts a request in that is none of those below; {@link #exit} counts it out. EBADF once closed. */
    int enter() throws BlockException {
        return requests.enter();
    }

    void exit(int stripe) {
        requests.exit(stripe);
    }

    void read(long offset, int bytes, IoVector qiov, int qiovOffset, int asked) throws BlockException {
        int flags = asked | readFlags;
        int stripe = enter(flags);
        try {
            checkRange(offset, bytes);
            if (bytes == 0) {
                return;
            }
            if (tracking) {
                readTracked(offset, bytes, qiov, qiovOffset, flags);
            } else {
                // Files that grow give zeros past their end themselves: asking for their length costs a system call.
                alignedIo.read(limits, offset, bytes, qiov, qiovOffset, flags & filteredFlags);
            }
        } finally {
            requests.exit(stripe);
        }
    }

    private void readTracked(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        CopyOnRead copying = copyOnRead;
        boolean asked = (flags & RequestFlags.COPY_ON_READ) != 0;
        if (asked && copying != null && isWritable() && !copying.isLocal(offset, bytes)) {
            copyBeforeRead(copying, offset, bytes, flags);
        }
        try (RangeLocks.Range range = lock(offset, bytes, flags & ~RequestFlags.COPY_ON_READ)) {
            alignedIo.read(limits, offset, bytes, qiov, qiovOffset, flags & filteredFlags);
        }
    }

    private void copyBeforeRead(CopyOnRead copying, long offset, int bytes, int flags) throws BlockException {
        long start = copying.start(offset);
        long end = Math.min(copying.end(offset + bytes), length());
        try (RangeLocks.Range range = lock(start, end - start, flags)) {
            copying.copy(limits, start, end);
        } finally {
            flushes.written();
        }
    }

    void write(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        int stripe = enter(flags);
        try {
            checkWrite(offset, bytes);
            if (bytes == 0) {
                return;
            }
            try (RangeLocks.Range range = tracking ? lock(offset, bytes, flags) : null) {
                boolean done = false;
                int unknown;
                try {
                    unknown = send(offset, bytes, qiov, qiovOffset, flags);
                    done = true;
                } finally {
                    written(offset, bytes, done);
                }
                makeDurable(unknown);
            }
        } finally {
            requests.exit(stripe);
        }
    }

    /** Returns those of the flags that the driver did not see to. */
    private int send(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        Limits now = limits;
        if (detectZeroes != DetectZeroes.OFF && qiov.isZero(qiovOffset, bytes)) {
            int unmap = detectZeroes == DetectZeroes.UNMAP ? RequestFlags.MAY_UNMAP : 0;
            alignedIo.writeZeroes(now, offset, bytes, flags | unmap);
            return flags & ~now.zeroFlags();
        }
        int known = flags & (now.writeFlags() | RequestFlags.NO_WAIT);
        alignedIo.write(now, offset, bytes, qiov, qiovOffset, known);
        return flags & ~now.writeFlags();
    }

    void writeZeroes(long offset, long bytes, int flags) throws BlockException {
        int stripe = enter(flags);
        try {
            checkWrite(offset, bytes);
            if (bytes == 0) {
                return;
            }
            Limits now = limits;
            try (RangeLocks.Range range = tracking ? lock(offset, bytes, flags) : null) {
                boolean done = false;
                try {
                    alignedIo.writeZeroes(now, offset, bytes, flags);
                    done = true;
                } finally {
                    written(offset, bytes, done);
                }
                makeDurable(flags & ~now.zeroFlags());
            }
        } finally {
            requests.exit(stripe);
        }
    }

    /** Force unit access for drivers that do not know it. */
    private void makeDurable(int unknownFlags) throws BlockException {
        if ((unknownFlags & RequestFlags.FUA) != 0) {
            Waiting.uninterruptibly(flushes::flush);
        }
    }

    /** Parts smaller than the driver's granularity are left alone. */
    void discard(long offset, long bytes) throws BlockException {
        int stripe = requests.enter();
        try {
            checkWrite(offset, bytes);
            int granularity = limits.discardAlignment();
            long start = AlignedIo.upToMultiple(offset, granularity);
            long end = AlignedIo.downToMultiple(offset + bytes, granularity);
            if (start >= end) {
                return;
            }
            try (RangeLocks.Range range = tracking ? lock(start, end - start, 0) : null) {
                discardWhole(start, end, granularity);
            } finally {
                flushes.written();
                long changed = withinDisk(start, end - start);
                if (changed > 0) {
                    trace.changed(start, changed);
                }
            }
        } finally {
            requests.exit(stripe);
        }
    }

    private void discardWhole(long start, long end, int granularity) throws BlockException {
        long most = AlignedIo.atOnce(limits.maxDiscard(), granularity, end - start);
        for (long at = start; at < end; at += most) {
            driver.coDiscard(at, Math.min(most, end - at));
        }
    }

    void flush() throws BlockException {
        int stripe = requests.enter();
        try {
            if (!readOnly && !inactive) {
                flushes.flush();
            }
        } finally {
            requests.exit(stripe);
        }
    }

    private int enter(int flags) throws BlockException {
        if ((flags & serialising) != 0 && !tracking) {
            startTracking();
        }
        return requests.enter();
    }

    /**
     * From now on every request tells its range; those that did not have finished when this returns.
     *
     * <p>That wait, once in the life of a node, is not ended by an interrupt: it is for requests that go on below, not for one another,
     * and a gate that is half shut would have to be opened again by somebody else.
     */
    private void startTracking() {
        requests.shut();
        tracking = true;
        requests.open();
    }

    /** Shared by requests that are not serialising. */
    private RangeLocks.Range lock(long offset, long bytes, int flags) throws BlockException {
        int alignment = limits.requestAlignment();
        long start = AlignedIo.down(offset, alignment);
        long end = AlignedIo.up(offset + bytes, alignment);
        return (flags & serialising) != 0
                ? ranges.acquire(start, end, (flags & RequestFlags.NO_WAIT) != 0)
                : ranges.acquireShared(start, end);
    }

    private void checkWrite(long offset, long bytes) throws BlockException {
        checkWritable();
        checkRange(offset, bytes);
    }

    /** Where writes are refused, reads go on without leaving copies. */
    private boolean isWritable() {
        return !readOnly && !inactive && !flushes.refusesWrites();
    }

    /** EPERM read-only or inactive; the errno of an earlier flush that failed. */
    void checkWritable() throws BlockException {
        if (readOnly) {
            throw new BlockException(Errno.EPERM);
        }
        if (inactive) {
            throw new BlockException(Errno.EPERM, "The image is inactive: another process owns it");
        }
        flushes.checkNoFailure();
    }

    private void checkRange(long offset, long bytes) throws BlockException {
        if ((offset | bytes) < 0 || offset > MAX_LENGTH - bytes) {
            throw new BlockException(Errno.EIO);
        }
        if (!growable && offset + bytes > length) {
            throw new BlockException(Errno.EIO);
        }
    }

    /** Also where the write failed: part of it may have been done, but nothing past the end that there is now. */
    private void written(long offset, long bytes, boolean done) {
        flushes.written();
        long changed = done ? bytes : withinDisk(offset, bytes);
        if (changed > 0) {
            trace.written(offset, changed);
        }
    }

    /** How much of a range lies before the end that there is now; not above 0 if nothing does. */
    private long withinDisk(long offset, long bytes) {
        if (!growable) {
            return bytes;
        }
        long end;
        try {
            end = driver.length();
        } catch (BlockException e) {
            // Nobody knows; what was there before is certain to exist.
            end = Math.max(length, trace.highest());
        }
        return Math.min(bytes, end - offset);
    }
}
