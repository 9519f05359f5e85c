// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.BackingReference;
import io.loomblock.driver.Closer;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Filenames;
import io.loomblock.driver.Node;
import io.loomblock.driver.RequestFlags;
import io.loomblock.driver.RequestGate;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
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
    private final boolean writethrough;
    private final BufferPool pool;
    private final RequestGate gate = new RequestGate();
    private final Accounting accounting = new Accounting();
    private final DirtyBitmaps bitmaps;
    /** Held by what changes the image as a whole, and by close: the gate alone lets drained sections overlap. */
    private final ReentrantLock wholeImage = new ReentrantLock();

    private BlockDevice(Node root, OpenOptions options) {
        this.root = root;
        this.writethrough = !options.cache().writeback();
        this.pool = options.pool();
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
     * @throws BlockException EINVAL for options that the format does not allow, else of the file
     */
    public static void create(String format, String filename, CreateOptions create, OpenOptions options)
            throws BlockException {
        Drivers.get(format).create(new ImageCreation(filename, options), create);
    }

    /** Size of the disk in bytes. */
    public long length() throws BlockException {
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

    public Accounting accounting() {
        return accounting;
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
        long start = System.nanoTime();
        int stripe = gate.enter();
        try {
            root.coReadv(offset, bytes, qiov, qiovOffset, 0);
            accounting.done(Accounting.Kind.READ, bytes, start);
        } catch (BlockException e) {
            accounting.failed(Accounting.Kind.READ, start);
            throw e;
        } finally {
            gate.exit(stripe);
        }
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
        long start = System.nanoTime();
        int stripe = gate.enter();
        try {
            root.coWritev(offset, bytes, qiov, qiovOffset, withCache(flags));
            accounting.done(Accounting.Kind.WRITE, bytes, start);
        } catch (BlockException e) {
            accounting.failed(Accounting.Kind.WRITE, start);
            throw e;
        } finally {
            gate.exit(stripe);
        }
    }

    /**
     * Fills {@code target}'s remaining bytes from the disk, by way of pooled memory; for callers with heap buffers. Each megabyte is a
     * request of its own: after a failure the buffer's position tells how many have been read.
     */
    public void read(long offset, ByteBuffer target) throws BlockException {
        while (target.hasRemaining()) {
            int n = Math.min(target.remaining(), BufferPool.MAX_BUFFER / 2);
            try (AlignedBuffer bounce = pool.acquire(n)) {
                IoVector vector = IoVector.of(bounce);
                read(offset, vector);
                target.put(bounce.nio(0, n));
            }
            offset += n;
        }
    }

    /**
     * Writes {@code source}'s remaining bytes, by way of pooled memory; for callers with heap buffers. Each megabyte is a request of
     * its own: after a failure, EINTR included, the buffer's position tells how many have been written.
     */
    public void write(long offset, ByteBuffer source) throws BlockException {
        while (source.hasRemaining()) {
            int n = Math.min(source.remaining(), BufferPool.MAX_BUFFER / 2);
            try (AlignedBuffer bounce = pool.acquire(n)) {
                bounce.nio(0, n).put(source.slice(source.position(), n));
                write(offset, IoVector.of(bounce));
            }
            source.position(source.position() + n);
            offset += n;
        }
    }

    /**
     * Makes a range read as zeros.
     *
     * @param flags of {@link RequestFlags}: MAY_UNMAP lets space go, NO_FALLBACK refuses to write zeros out
     */
    public void writeZeroes(long offset, long bytes, int flags) throws BlockException {
        counted(Accounting.Kind.WRITE, bytes, () -> root.coWriteZeroes(offset, bytes, withCache(flags)));
    }

    /** Tells that a range is not needed any more: a hint. */
    public void discard(long offset, long bytes) throws BlockException {
        counted(Accounting.Kind.UNMAP, bytes, () -> root.coDiscard(offset, bytes));
    }

    /** Makes every write that has returned durable. */
    public void flush() throws BlockException {
        counted(Accounting.Kind.FLUSH, 0, () -> root.flush());
    }

    /** A request that need not save the object which the step is; reads and writes do the same in place. */
    private void counted(Accounting.Kind kind, long bytes, Closer.Step request) throws BlockException {
        long start = System.nanoTime();
        int stripe = gate.enter();
        try {
            request.run();
            accounting.done(kind, bytes, start);
        } catch (BlockException e) {
            accounting.failed(kind, start);
            throw e;
        } finally {
            gate.exit(stripe);
        }
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

    /** Sets the size of the disk; in a drained section. EPERM read-only, ENOTSUP or EINVAL of the format. */
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        drained(() -> root.truncate(length, exact, preallocation));
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
        drained(() -> root.reopen(writable));
    }

    /** Checks the image and repairs what {@code fix} allows; in a drained section. ENOTSUP for formats without a check. */
    public CheckResult check(FixMode fix) throws BlockException {
        List<CheckResult> result = new ArrayList<>(1);
        drained(() -> result.add(root.check(fix)));
        return result.get(0);
    }

    /** Records another backing file in the image's header, and nothing else; in a drained section. */
    public void changeBackingFile(@Nullable String name, @Nullable String format) throws BlockException {
        drained(() -> root.changeBackingFile(name, format));
    }

    /**
     * Forgets what is cached and reads the image anew, after another process has changed it; requests wait meanwhile. What was not
     * flushed is lost.
     *
     * @param activate whether the image is this process's to write from now on
     */
    public void invalidateCache(boolean activate) throws BlockException {
        // Not a drained section: to begin one, drivers write back what is to be forgotten.
        gate.shut();
        try {
            root.invalidateCache(activate);
        } finally {
            gate.open();
        }
    }

    /**
     * Keeps requests away, lets those in flight and work behind the scenes finish, until the result is closed. Nests; sections of
     * different threads may overlap, and a {@link #close} does not wait for their end.
     */
    public Drained drain() throws BlockException {
        if (gate.isClosed()) {
            throw new BlockException(Errno.EBADF);
        }
        gate.shut();
        root.drainBegin();
        return () -> {
            root.drainEnd();
            gate.open();
        };
    }

    /** A drained section; closing it ends it. */
    @FunctionalInterface
    public interface Drained extends AutoCloseable {
        @Override
        void close();
    }

    private void drained(Closer.Step work) throws BlockException {
        wholeImage.lock();
        try (Drained section = drain()) {
            work.run();
        } finally {
            wholeImage.unlock();
        }
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

    /** What {@code img info} shows of this image and the files below it, the backing file left out. */
    public ImageInfo info() throws BlockException {
        return info(root);
    }

    private static ImageInfo info(Node node) throws BlockException {
        DriverInfo driver = node.info();
        BackingReference reference = node.driver().backingReference();
        Node backing = node.backing();
        String full = reference == null
                ? null
                : backing != null ? backing.filename() : Filenames.combine(node.filename(), reference.name());
        List<ImageInfo.Child> children = new ArrayList<>();
        for (var child : node.children().entrySet()) {
            if (!child.getKey().equals(Node.BACKING)) {
                children.add(new ImageInfo.Child(child.getKey(), info(child.getValue())));
            }
        }
        return new ImageInfo(
                node.filename(),
                node.driver().formatName(),
                node.length(),
                node.allocatedFileSize(),
                driver.clusterSize(),
                driver.dirty(),
                reference == null ? null : reference.name(),
                full,
                reference == null ? null : reference.format(),
                driver.formatSpecific(),
                children);
    }

    /** Whether this device was closed. */
    public boolean isClosed() {
        return gate.isClosed();
    }

    /**
     * Lets requests in flight finish, flushes and releases everything, also where one of these fails; the first failure is thrown.
     * Idempotent.
     */
    @Override
    public void close() throws BlockException {
        if (gate.close()) {
            wholeImage.lock();
            try {
                root.drainBegin();
                root.close();
            } finally {
                wholeImage.unlock();
            }
        }
    }

    /** The caller's mistake, unlike a range of the disk that is out of bounds. */
    private static void requireMemory(int bytes, IoVector qiov, int qiovOffset) {
        if ((bytes | qiovOffset) < 0 || bytes > qiov.size() - qiovOffset) {
            throw new IllegalArgumentException(
                    bytes + " bytes from " + qiovOffset + " on are not inside a vector of " + qiov.size());
        }
    }

    private int withCache(int flags) {
        return writethrough ? flags | RequestFlags.FUA : flags;
    }
}
