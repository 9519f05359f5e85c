// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.Closer;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.RequestFlags;
import io.loomblock.driver.RequestGate;
import io.loomblock.driver.Timers;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import io.loomblock.open.ImageCreation;
import io.loomblock.open.ImageOpener;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An open disk image as its user holds it: a plain, blocking, random-access block device.
 *
 * <p>Any number of threads, virtual ones as a rule, may use a device at once; each request runs on the thread that makes it. A write
 * that has returned is seen by every later read; after {@link #flush} it survives power loss. Requests that overlap in time and place
 * have no order between them. Lengths and offsets are bytes; requests outside of the disk fail with EIO, writes to a read-only device
 * with EPERM, anything after {@link #close} with EBADF. spec: block-layer.md sections 1 and 5.
 */
public final class BlockDevice implements AutoCloseable {
    private final Node root;
    private final Timers timers;
    private final RequestGate gate = new RequestGate();
    private final DeviceRequests requests;
    private final WholeImage image;
    private final DirtyBitmaps bitmaps;

    private BlockDevice(Node root, OpenOptions options) {
        this.root = root;
        this.timers = options.timers();
        this.requests = new DeviceRequests(root, gate, options);
        this.image = new WholeImage(root, gate);
        this.bitmaps = new DirtyBitmaps(root);
    }

    /**
     * Opens an image, with the files that it stands on.
     *
     * @param filename a path, or a name with a protocol prefix
     * @throws BlockException with a reason in one line: the file's, the format's, or the backing file's
     */
    public static BlockDevice open(String filename, OpenOptions options) throws BlockException {
        return new BlockDevice(ImageOpener.open(filename, options), options);
    }

    /** Opens what the {@link OpenOptions#nodeOptions} alone describe, {@code driver=qed,file.filename=disk.qed} for instance. */
    public static BlockDevice open(OpenOptions options) throws BlockException {
        return new BlockDevice(ImageOpener.open(null, options), options);
    }

    /**
     * Opens the file that this image records as its backing file as an image of its own, whatever stands in its place in this one; null
     * if it records none. On the image's word: the open policy of {@code options} is asked.
     */
    public @Nullable BlockDevice openRecordedBacking(OpenOptions options) throws BlockException {
        Node backing = ImageOpener.openRecordedBacking(root, options);
        return backing == null ? null : new BlockDevice(backing, options);
    }

    /** Opens the image in a file node that is there already, which from now on belongs to the device (also when this fails). */
    public static BlockDevice openOn(Node file, OpenOptions options) throws BlockException {
        try {
            return new BlockDevice(ImageOpener.openOn(file, options), options);
        } catch (BlockException | RuntimeException e) {
            Closer.closeAfter(e, file);
            throw e;
        }
    }

    /** A device on top of a graph that was built by hand; the graph is owned by the device. */
    public static BlockDevice of(Node root, OpenOptions options) {
        return new BlockDevice(root, options);
    }

    /**
     * Makes a new image; a file of that name is overwritten.
     *
     * @param format name of the format: qed, raw, …
     * @throws BlockException EINVAL for options that neither the format nor the file takes, or a backing file that the format does not; else of
     *     the file
     */
    public static void create(String format, String filename, CreateOptions create, OpenOptions options)
            throws BlockException {
        ImageCreation.create(Drivers.get(format), filename, create, options);
    }

    /** Size of the disk in bytes; EBADF after {@link #close}. */
    public long length() throws BlockException {
        if (gate.isClosed()) {
            throw new BlockException(Errno.EBADF);
        }
        return root.length();
    }

    public boolean readOnly() {
        return root.readOnly();
    }

    public String filename() {
        return root.filename();
    }

    /** The top node of the graph. */
    public Node node() {
        return root;
    }

    /** One past the highest byte that was ever written through this device, 0 at first. */
    public long highestWritten() {
        return root.highestWritten();
    }

    public Accounting accounting() {
        return requests.accounting();
    }

    /** Reads {@code qiov.size()} bytes at {@code offset}. */
    public void read(long offset, IoVector qiov) throws BlockException {
        read(offset, qiov.size(), qiov, 0);
    }

    /**
     * Reads {@code bytes} bytes at {@code offset} into {@code qiov} from {@code qiovOffset} on.
     *
     * @throws IllegalArgumentException if that part of the vector does not exist
     */
    public void read(long offset, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        requireMemory(bytes, qiov, qiovOffset);
        requests.perform(Operation.READ, offset, bytes, qiov, qiovOffset, 0);
    }

    /** Writes all of {@code qiov} at {@code offset}. */
    public void write(long offset, IoVector qiov) throws BlockException {
        write(offset, qiov.size(), qiov, 0, 0);
    }

    /**
     * Writes {@code bytes} bytes of {@code qiov} from {@code qiovOffset} on.
     *
     * @param flags of {@link RequestFlags}
     * @throws IllegalArgumentException if that part of the vector does not exist
     */
    public void write(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        requireMemory(bytes, qiov, qiovOffset);
        requests.perform(Operation.WRITE, offset, bytes, qiov, qiovOffset, flags);
    }

    /**
     * Fills {@code target}'s remaining bytes from the disk, by way of pooled memory; for callers with heap buffers. Each megabyte is a
     * request of its own: after a failure the buffer's position tells how many have been read.
     */
    public void read(long offset, ByteBuffer target) throws BlockException {
        bounced(Operation.READ, offset, target);
    }

    /**
     * Writes {@code source}'s remaining bytes, by way of pooled memory; for callers with heap buffers. Each megabyte is a request of
     * its own: after a failure, EINTR included, the buffer's position tells how many have been written.
     */
    public void write(long offset, ByteBuffer source) throws BlockException {
        bounced(Operation.WRITE, offset, source);
    }

    private void bounced(Operation operation, long offset, ByteBuffer heap) throws BlockException {
        while (heap.hasRemaining()) {
            int n = Math.min(heap.remaining(), BufferPool.MAX_BUFFER / 2);
            requests.performBounced(operation, offset, n, heap);
            heap.position(heap.position() + n);
            offset += n;
        }
    }

    /**
     * Makes a range read as zeros.
     *
     * @param flags of {@link RequestFlags}: MAY_UNMAP lets space go, NO_FALLBACK refuses to write zeros out
     */
    public void writeZeroes(long offset, long bytes, int flags) throws BlockException {
        requests.perform(Operation.WRITE_ZEROES, offset, bytes, IoVector.EMPTY, 0, flags);
    }

    /** Tells that a range is not needed any more: a hint. */
    public void discard(long offset, long bytes) throws BlockException {
        requests.perform(Operation.DISCARD, offset, bytes, IoVector.EMPTY, 0, 0);
    }

    /** Makes every write that has returned durable. */
    public void flush() throws BlockException {
        requests.perform(Operation.FLUSH, 0, 0, IoVector.EMPTY, 0, 0);
    }

    /** Status of the top image alone; see {@link Node#blockStatus}. */
    public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
        int stripe = gate.enter();
        try {
            return root.blockStatus(offset, bytes);
        } finally {
            gate.exit(stripe);
        }
    }

    /**
     * Status of a range and the layer that it comes from: the first one, from the top, that says what the range reads as.
     *
     * @param bytes above 0; the answer may be shorter
     */
    public LayeredStatus layeredStatus(long offset, long bytes) throws BlockException {
        int stripe = gate.enter();
        try {
            Node layer = root;
            int depth = 0;
            while (true) {
                BlockStatus status = layer.blockStatus(offset, bytes);
                Node backing = layer.backing();
                if (status.isZero() || status.isData() || status.isAllocated() || backing == null) {
                    return new LayeredStatus(status, depth, layer);
                }
                bytes = status.length();
                layer = backing;
                depth++;
            }
        } finally {
            gate.exit(stripe);
        }
    }

    /**
     * Sets the size of the disk; in a drained section.
     *
     * @throws BlockException EPERM read-only, EBUSY if the device is claimed, ENOTSUP or EINVAL of the format
     */
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        image.change(null, () -> root.truncate(length, exact, preallocation));
    }

    /**
     * Makes the device writable or read-only, in a drained section; what was written is flushed before it becomes read-only. Where this
     * fails, the device is as it was.
     *
     * @throws BlockException EACCES for a device that was opened read-only to stay so ({@link OpenOptions#keepReadOnly}); of the files
     */
    public void reopen(boolean writable) throws BlockException {
        if (writable && root.keepReadOnly()) {
            throw new BlockException(Errno.EACCES, "The image was opened read-only, and is kept so");
        }
        image.alone(() -> root.reopen(writable));
    }

    /**
     * Checks the image and repairs what {@code fix} allows; in a drained section.
     *
     * @throws BlockException EBUSY for a repair if the device is claimed, ENOTSUP for formats without a check
     */
    public CheckResult check(FixMode fix) throws BlockException {
        return image.check(null, fix);
    }

    /** Records another backing file in the image's header, and nothing else; in a drained section. EBUSY if the device is claimed. */
    public void changeBackingFile(@Nullable String name, @Nullable String format) throws BlockException {
        image.change(null, () -> root.changeBackingFile(name, format));
    }

    /**
     * Changes settings of the image, all or none; in a drained section. spec: fvd.md section 16.5.
     *
     * @param settings by name, as the format's {@code amendOptions} list them
     * @throws BlockException EBUSY if the device is claimed, ENOTSUP if the format has no such settings, EINVAL for one that it does not know
     *     or that the image cannot have
     */
    public void amend(NodeOptions settings) throws BlockException {
        image.change(null, () -> root.amend(settings));
    }

    /** Drops all data of the top image, so that its backing file shows; in a drained section. EBUSY if claimed, ENOTSUP of the format. */
    public void makeEmpty() throws BlockException {
        image.change(null, root::makeEmpty);
    }

    /**
     * Keeps others from changing the image as a whole: truncate, repair, change of the backing file, makeEmpty, and other claims.
     *
     * @param user who claims it, in words that follow "in use by"
     * @throws BlockException EBUSY, naming the user, if it is claimed already
     */
    public Claim claim(String user) throws BlockException {
        return image.claim(user);
    }

    /** From now on {@code listener} hears when the disk has got another size. */
    public Registration onResize(ResizeListener listener) {
        return image.resized().add(listener);
    }

    /**
     * Hands the image over to another process that has it open: everything written is made durable, the locks of a writer go, and
     * nothing is written any more until {@link #invalidateCache} takes it back. In a drained section.
     *
     * @throws BlockException why it could not be handed over: it is this device's to write as before. If the attempt to have it so failed too
     *     that is attached, and only {@link #invalidateCache} can tell whose it is
     */
    public void inactivate() throws BlockException {
        image.alone(() -> {
            root.flush();
            root.inactivate();
        });
    }

    /**
     * Forgets what is cached and reads the image anew, after another process has changed it; requests wait meanwhile. What was not
     * flushed is lost.
     *
     * @param activate whether the image is this process's to write from now on
     */
    public void invalidateCache(boolean activate) throws BlockException {
        image.invalidate(activate);
    }

    /**
     * Keeps requests away, lets those in flight and work behind the scenes finish, until the result is closed. Nests; sections of
     * different threads may overlap, and a {@link #close} does not wait for their end.
     */
    public Drained drain() throws BlockException {
        return image.drain();
    }

    /** A drained section; closing it ends it. */
    @FunctionalInterface
    public interface Drained extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Holds reads, writes and zero writes to limits of this device's own, on the clock of its options; requests wait before they begin.
     * Other limits may be set at any time.
     *
     * @throws BlockException EBADF after {@link #close}
     */
    public void throttle(ThrottleLimits limits) throws BlockException {
        requests.throttle(limits, timers);
    }

    /** Holds them to the limits of a group that other devices may belong to; EBADF after {@link #close}. */
    public void throttle(ThrottleGroup group) throws BlockException {
        requests.throttle(group);
    }

    /** Holds them to no limits; those that wait go. */
    public void unthrottle() throws BlockException {
        requests.throttle(null);
    }

    /**
     * What becomes of requests that fail, {@link ErrorAction#REPORT} at first. Flushes and discards count as writes. Requests that are
     * wrong in themselves (out of bounds, writes to a read-only disk), interrupted or not supported are always reported.
     *
     * @throws IllegalArgumentException for {@link ErrorAction#ENOSPC} of reads
     */
    public void errorPolicy(ErrorAction read, ErrorAction write) {
        requests.errors().set(read, write);
    }

    /** From now on {@code listener} hears of each failure that {@link #errorPolicy} is applied to. */
    public Registration onError(ErrorListener listener) {
        return requests.errors().listeners().add(listener);
    }

    /** By what a request was first stopped since the last {@link #resume}. */
    public IoStatus ioStatus() {
        return requests.errors().status();
    }

    /** Has requests that an error has stopped made again, each on its own thread. */
    public void resume() {
        requests.errors().resume();
    }

    /**
     * A new, clean bitmap of where the disk is written from now on.
     *
     * @param name unique on the device, or null for an anonymous one
     * @param granularity bytes for each bit, a power of two from 512 to 2 GiB; 0 for the image's cluster size between 4 and 64 KiB
     * @throws BlockException EEXIST if there is one of that name, ENOMEM if there is no memory for it
     */
    public DirtyBitmap createDirtyBitmap(@Nullable String name, long granularity) throws BlockException {
        return bitmaps.create(name, granularity);
    }

    /** The bitmap of this name, or null. */
    public @Nullable DirtyBitmap dirtyBitmap(String name) {
        return bitmaps.find(name);
    }

    /** The bitmaps there are, in the order in which they were made. */
    public List<DirtyBitmap> dirtyBitmaps() {
        return bitmaps.all();
    }

    /** Forgets a bitmap; it stays as it is and hears of no more writes. ENOENT if it is not one of this device's. */
    public void removeDirtyBitmap(DirtyBitmap bitmap) throws BlockException {
        bitmaps.remove(bitmap);
    }

    /** What {@code img info} shows of this image and the files below it, the backing file left out; EBADF after {@link #close}. */
    public ImageInfo info() throws BlockException {
        return image.info();
    }

    /** Whether this device was closed. */
    public boolean isClosed() {
        return gate.isClosed();
    }

    /**
     * Lets requests in flight finish, flushes and releases everything, also where one of these fails; the first failure is thrown.
     * Requests that wait for the throttle or were stopped fail with EBADF. Idempotent.
     */
    @Override
    public void close() throws BlockException {
        requests.beginClose();
        if (gate.close()) {
            image.close();
        }
    }

    /** The caller's mistake, unlike a range of the disk that is out of bounds. */
    private static void requireMemory(int bytes, IoVector qiov, int qiovOffset) {
        if ((bytes | qiovOffset) < 0 || bytes > qiov.size() - qiovOffset) {
            throw new IllegalArgumentException(
                    bytes + " bytes from " + qiovOffset + " on are not inside a vector of " + qiov.size());
        }
    }
}
