// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CheckResult;
import io.loomblock.DriverInfo;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An open driver in its place in the graph: what every request passes on its way down, and what every driver may rely on.
 *
 * <p>A node checks access and bounds, widens requests to the driver's alignment, emulates what a driver lacks, shares flushes, and
 * keeps requests apart that must not overlap. It owns its driver and its children and closes them. Any number of threads may call it
 * at once. spec: block-layer.md sections 3 and 5.
 */
public final class Node implements AutoCloseable {
    /** Role of the child that holds a format's bytes. */
    public static final String FILE = "file";
    /** Role of the child that unallocated areas read through to. */
    public static final String BACKING = "backing";
    /** Role of the child that holds the guest's data, where that is not the file. */
    public static final String DATA = "data-file";

    private final String filename;
    private final NodeName name;
    private final boolean probed;
    private final BlockDriver driver;
    private final Map<String, Node> children;
    private final boolean keepReadOnly;
    /** Whether anybody here or below listens to events. */
    private final boolean hearsEvents;

    final NodeFlush flushes;
    private final RequestPath requests;
    private final ReentrantLock drainLock = new ReentrantLock();
    private int drained;

    private volatile boolean closed;

    /**
     * Wraps a driver that has just been opened.
     *
     * @param filename the name that it was opened by
     * @param children the nodes below by role, in the order to flush and close them; owned from now on
     * @param options those of the node: access, what flush does, where bounce buffers come from
     * @throws BlockException if the driver cannot tell its length
     */
    public Node(String filename, BlockDriver driver, Map<String, Node> children, OpenOptions options)
            throws BlockException {
        this(NodeName.of(filename), false, driver, children, options);
    }

    /** The same for a node that is called by more than one word, and whose format may have been {@code probed}. */
    public Node(NodeName name, boolean probed, BlockDriver driver, Map<String, Node> children, OpenOptions options)
            throws BlockException {
        this.name = name;
        this.probed = probed;
        this.filename = name.filename();
        this.driver = driver;
        this.children = new LinkedHashMap<>(children);
        this.keepReadOnly = options.keepReadOnly();
        this.hearsEvents =
                driver.hearsEvents() || this.children.values().stream().anyMatch(node -> node.hearsEvents);
        this.flushes = new NodeFlush(
                driver, primary(), this.children.values(), options.cache().noFlush());
        this.requests = new RequestPath(driver, this.children, flushes, options, hearsEvents);
    }

    public String filename() {
        return filename;
    }

    /** Whether its format was guessed from its content, not said by anybody. */
    public boolean probed() {
        return probed;
    }

    /** What {@link #filename} is made of. */
    public NodeName name() {
        return name;
    }

    public BlockDriver driver() {
        return driver;
    }

    /** The child with this role, or null. */
    public @Nullable Node child(String role) {
        return children.get(role);
    }

    /** The children by role, in order. */
    public Map<String, Node> children() {
        return children;
    }

    /** The backing file's node, that of the node below for a filter, or null. */
    public @Nullable Node backing() {
        Node filtered = driver.filtered();
        return filtered == null ? children.get(BACKING) : filtered.backing();
    }

    /** Whether writes past the end make it longer. */
    public boolean growable() {
        return driver.growable();
    }

    /** The child that the driver's steps are announced to: a format's file, what a filter stands on; null for protocols. */
    @Nullable
    Node primary() {
        Node filtered = driver.filtered();
        return filtered == null ? children.get(FILE) : filtered;
    }

    public boolean readOnly() {
        return requests.readOnly();
    }

    /** Whether nobody could write since it was opened, children apart, and those who ignore locks; once false it stays so. */
    public boolean isConstant() {
        return requests.isConstant();
    }

    /** Whether it was asked for read-only, to stay so. */
    public boolean keepReadOnly() {
        return keepReadOnly;
    }

    public Limits limits() {
        return requests.limits();
    }

    /** One past the highest byte that was ever written through this node, 0 at first. */
    public long highestWritten() {
        return requests.highestWritten();
    }

    /** From now on {@code hearing}, or nobody, hears of every change of the content. */
    public void observeWrites(@Nullable WriteObserver hearing) {
        requests.observeWrites(hearing);
    }

    /** Length in bytes. */
    public long length() throws BlockException {
        return requests.length();
    }

    /** Bytes on disk: the driver's own answer, or that of its file. */
    public long allocatedFileSize() throws BlockException {
        long own = driver.allocatedFileSize();
        Node file = children.get(FILE);
        return own < 0 && file != null ? file.allocatedFileSize() : own;
    }

    public DriverInfo info() throws BlockException {
        return driver.info();
    }

    /** In bytes, 0 if there is none. */
    public long clusterSize() throws BlockException {
        return driver.clusterSize();
    }

    /** Reads the whole of {@code qiov}. */
    public void coReadv(long offset, IoVector qiov) throws BlockException {
        coReadv(offset, qiov.size(), qiov, 0, 0);
    }

    /** Writes the whole of {@code qiov}. */
    public void coWritev(long offset, IoVector qiov) throws BlockException {
        coWritev(offset, qiov.size(), qiov, 0, 0);
    }

    /** Reads {@code bytes} bytes at {@code offset} into {@code qiov} from {@code qiovOffset} on; EIO outside of the node. */
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        try {
            requests.read(offset, bytes, qiov, qiovOffset, flags);
        } catch (BlockException e) {
            throw e.at(filename, "read", offset);
        }
    }

    /** Writes {@code bytes} bytes of {@code qiov} from {@code qiovOffset} on; EPERM read-only, EIO outside of the node. */
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        try {
            requests.write(offset, bytes, qiov, qiovOffset, flags);
        } catch (BlockException e) {
            throw e.at(filename, "write", offset);
        }
    }

    /**
     * Makes a range read as zeros: by the driver where it can, by writing zeros where it cannot (ENOTSUP instead with {@link
     * RequestFlags#NO_FALLBACK}).
     */
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        try {
            requests.writeZeroes(offset, bytes, flags);
        } catch (BlockException e) {
            throw e.at(filename, "write zeroes", offset);
        }
    }

    /** Tells that a range is not needed any more; parts smaller than the driver's granularity are left alone. */
    public void coDiscard(long offset, long bytes) throws BlockException {
        try {
            requests.discard(offset, bytes);
        } catch (BlockException e) {
            throw e.at(filename, "discard", offset);
        }
    }

    /**
     * Makes every write that has returned durable: the driver's metadata, its own storage, then the children. No-op read-only. An
     * interrupt does not end it: who flushes a child may have published something that must not follow too soon.
     *
     * @throws BlockException the failure; one of the storage itself is for good
     */
    public void flush() throws BlockException {
        Waiting.uninterruptibly(this::flushOrLeave);
    }

    /** The same for a guest: EINTR if interrupted while another thread writes what is to be flushed. */
    public void flushOrLeave() throws BlockException {
        try {
            requests.flush();
        } catch (BlockException e) {
            throw e.at(filename, "flush", -1);
        }
    }

    /**
     * The first failed flush of this node's own storage, or of that of the node that it stands on, after which nothing may be written any more; null
     * normally.
     */
    public @Nullable BlockException flushFailure() {
        BlockException own = flushes.failure();
        Node below = own == null ? primary() : null;
        return below == null ? own : below.flushFailure();
    }

    /** Whether writes are refused here or below because a flush failed or metadata was lost. */
    boolean refusesWrites() {
        return flushes.refusesWrites();
    }

    /**
     * Status of this layer alone, from {@code offset} on, over at most {@code bytes}; what the layer does not allocate is {@link
     * BlockStatus#ZERO} where no backing file can give anything else.
     *
     * @return length 0 with {@link BlockStatus#EOF} at or past the end
     */
    public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
        int stripe = requests.enter();
        try {
            long length = length();
            if (offset >= length || bytes == 0) {
                return BlockStatus.of(offset >= length ? BlockStatus.EOF : 0, 0);
            }
            BlockStatus status = LayerStatus.of(this, offset, Math.min(bytes, length - offset));
            return offset + status.length() == length ? status.withFlags(status.flags() | BlockStatus.EOF) : status;
        } catch (BlockException e) {
            throw e.at(filename, "block status", offset);
        } finally {
            requests.exit(stripe);
        }
    }

    /** Whether a new image of this driver, without a backing file, reads as zeros. */
    public boolean hasZeroInit() {
        return backing() == null && driver.hasZeroInit();
    }

    /** Sets the length; other requests must not be in flight. EPERM read-only. */
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        change("truncate", () -> {
            if (length < 0) {
                throw new BlockException(Errno.EINVAL, "Image size cannot be negative");
            }
            driver.truncate(length, exact, preallocation);
            refresh();
        });
    }

    /** Checks the image; other requests must not be in flight. */
    public CheckResult check(FixMode fix) throws BlockException {
        try {
            checkOpen();
            CheckResult result = driver.check(fix);
            refresh();
            return result;
        } catch (BlockException e) {
            throw e.at(filename, "check", -1);
        } finally {
            flushes.written();
        }
    }

    /** Records another backing file; EPERM read-only, EINVAL for a format without a name. */
    public void changeBackingFile(@Nullable String name, @Nullable String format) throws BlockException {
        change("change backing file", () -> {
            if (name == null && format != null) {
                throw new BlockException(Errno.EINVAL);
            }
            driver.changeBackingFile(name, format);
        });
    }

    /**
     * Changes settings of the image; other requests must not be in flight. EPERM read-only.
     *
     * @throws BlockException ENOTSUP if the driver has no such settings, EINVAL for one that it does not know, or cannot have
     */
    public void amend(NodeOptions options) throws BlockException {
        change("amend", () -> {
            BlockDriverProvider provider = Drivers.get(driver.formatName());
            String owner = "Block format '" + provider.formatName() + "' does not";
            List<DriverOption> known = provider.amendOptions();
            driver.amend(known.isEmpty() ? OptionValues.NONE : OptionValues.of(owner, known, options));
            refresh();
        });
    }

    /** Drops all data of this layer. */
    public void makeEmpty() throws BlockException {
        change("make empty", driver::makeEmpty);
    }

    /** Makes a change while the node above works: requests of this node finish first, new ones wait. Not from within one of them. */
    public void alone(BlockAction change) throws BlockException {
        requests.alone(this, change);
    }

    /** Does what writes metadata: the next flush has work to do, also where this fails half way. */
    private void change(String operation, BlockAction work) throws BlockException {
        try {
            checkOpen();
            requests.checkWritable();
            work.run();
        } catch (BlockException e) {
            throw e.at(filename, operation, -1);
        } finally {
            flushes.written();
        }
    }

    /**
     * Makes this node and those below it, backing files apart, writable or read-only, all of them or none. Other requests must not be
     * in flight. What was written is flushed before it becomes read-only.
     *
     * @throws BlockException of a file that may not be written, or of a driver that cannot
     */
    public void reopen(boolean writable) throws BlockException {
        checkOpen();
        if (writable != readOnly()) {
            return;
        }
        new Reopening(writable).run(this);
    }

    /** For {@link Reopening} and {@link HandOver}. */
    RequestPath requests() {
        return requests;
    }

    /**
     * Completes the image for another process, from the top down, and then forgets what is cached; nothing is written from then on. Where this
     * fails, the image is taken back. Flushed, and in a drained section.
     */
    public void inactivate() throws BlockException {
        new HandOver(this).giveAway();
    }

    /** Forgets what is cached, in the children first, and reads the image anew; nothing is forgotten where a driver refuses. */
    public void invalidateCache(boolean activate) throws BlockException {
        new HandOver(this).readAnew(activate);
    }

    /** The driver above is about to pass a named point; a fault injector listens here. */
    public void debugEvent(DebugEvent event) throws BlockException {
        if (hearsEvents) {
            driver.debugEvent(event);
        }
    }

    /** Begins a drained section: work behind the scenes, here and below, finishes. Requests are kept away by the caller; sections nest. */
    public void drainBegin() {
        drainLock.lock();
        try {
            if (drained++ == 0) {
                driver.drainBegin();
            }
        } finally {
            drainLock.unlock();
        }
        children.values().forEach(Node::drainBegin);
    }

    /** Ends it. */
    public void drainEnd() {
        children.values().forEach(Node::drainEnd);
        drainLock.lock();
        try {
            if (--drained == 0) {
                driver.drainEnd();
            }
        } finally {
            drainLock.unlock();
        }
    }

    /** Asks the driver anew for its length and limits. */
    public void refresh() throws BlockException {
        requests.refresh();
    }

    /**
     * Flushes, closes the driver and then the children. Everything is released whatever fails; the first failure is thrown, the others
     * are attached to it. Idempotent. No request may be in flight.
     */
    @Override
    public void close() throws BlockException {
        if (closed) {
            return;
        }
        Closer closer = new Closer();
        closer.run(this::flush);
        closed = true;
        requests.close();
        closer.run(driver::close);
        for (Node child : children.values()) {
            closer.run(child::close);
        }
        closer.throwFirst();
    }

    @Override
    public String toString() {
        return driver.formatName() + ":" + filename;
    }

    void checkOpen() throws BlockException {
        if (closed) {
            throw new BlockException(Errno.EBADF);
        }
    }

    /** Reads the first {@code length} bytes of {@code target}, for headers and the like: bytes past the end are an error, EIO. */
    public void readFully(long offset, AlignedBuffer target, int length) throws BlockException {
        if (offset > length() - length) {
            throw new BlockException(Errno.EIO, "Unexpected end of file").at(filename, "read", offset);
        }
        coReadv(offset, length, IoVector.of(target, 0, length), 0, 0);
    }
}
