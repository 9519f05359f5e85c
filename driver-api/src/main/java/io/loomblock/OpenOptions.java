// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.Timers;
import io.loomblock.memory.BufferPool;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** How to open an image. Immutable; start with {@link #readOnly()} or {@link #readWrite()} and derive with the {@code with…} methods. */
public final class OpenOptions {
    /** Metadata memory of an image unless said otherwise: 64 MiB. */
    public static final long DEFAULT_METADATA_BUDGET = 64L << 20;

    /** Changed before it gets here only. */
    private final Values values;

    private OpenOptions(Values values) {
        this.values = values;
    }

    /** Read-only, format probed, write-back cache, the library's open policy. */
    public static OpenOptions readOnly() {
        return new OpenOptions(new Values());
    }

    /** The same, writable. */
    public static OpenOptions readWrite() {
        return readOnly().withWritable(true);
    }

    /** Name of the format driver, or null to probe. */
    public @Nullable String format() {
        return values.format;
    }

    public OpenOptions withFormat(@Nullable String value) {
        return with(changed -> changed.format = value);
    }

    /** Whether the guest's disk may be written. */
    public boolean writable() {
        return values.writable;
    }

    public OpenOptions withWritable(boolean value) {
        return with(changed -> changed.writable = value);
    }

    /** The cache mode, inherited by the files below. */
    public CacheMode cache() {
        return values.cache;
    }

    public OpenOptions withCache(CacheMode value) {
        return with(changed -> changed.cache = value);
    }

    /** Whether the backing file stays closed: what it would give reads as zeros. */
    public boolean noBacking() {
        return values.noBacking;
    }

    public OpenOptions withNoBacking(boolean value) {
        return with(changed -> changed.noBacking = value);
    }

    /** Whether it is opened for a check: no repair at open. */
    public boolean check() {
        return values.check;
    }

    public OpenOptions withCheck(boolean value) {
        return with(changed -> changed.check = value);
    }

    /** Whether another process owns the image for now: nothing is written until {@link BlockDevice#invalidateCache}. */
    public boolean inactive() {
        return values.inactive;
    }

    public OpenOptions withInactive(boolean value) {
        return with(changed -> changed.inactive = value);
    }

    /** Whether no lock is taken (QEMU's {@code -U}); read-only only, else the open fails with EINVAL. */
    public boolean forceShare() {
        return values.forceShare;
    }

    public OpenOptions withForceShare(boolean value) {
        return with(changed -> changed.forceShare = value);
    }

    /** Whether discards are passed on to the file. */
    public boolean unmap() {
        return values.unmap;
    }

    public OpenOptions withUnmap(boolean value) {
        return with(changed -> changed.unmap = value);
    }

    /** A name that replaces that of the backing file in the image for this opening, or null. */
    public @Nullable String backing() {
        return values.backing;
    }

    public OpenOptions withBacking(@Nullable String value) {
        return with(changed -> changed.backing = value);
    }

    /** What names inside the image may open. */
    public ImplicitOpenPolicy implicitOpen() {
        return values.implicitOpen;
    }

    public OpenOptions withImplicitOpen(ImplicitOpenPolicy value) {
        return with(changed -> changed.implicitOpen = value);
    }

    /** Bytes of metadata that each image may keep in memory. */
    public long metadataBudget() {
        return values.metadataBudget;
    }

    /**
     * The same with another budget; drivers take a little more where the format cannot do with so little.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public OpenOptions withMetadataBudget(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("metadata budget of " + bytes + " bytes");
        }
        return with(changed -> changed.metadataBudget = bytes);
    }

    /** Where buffers come from, but for bounces of nodes that stand on others: those have up to 8 MiB of their own, taken when needed. */
    public BufferPool pool() {
        return values.pool;
    }

    public OpenOptions withPool(BufferPool value) {
        return with(changed -> changed.pool = value);
    }

    /** The clock and timers of work behind the scenes. */
    public Timers timers() {
        return values.timers;
    }

    public OpenOptions withTimers(Timers value) {
        return with(changed -> changed.timers = value);
    }

    /** What was said about this node and those below it in QEMU's names. Where it says what another option here says too, it wins. */
    public NodeOptions nodeOptions() {
        return values.nodeOptions;
    }

    public OpenOptions withNodeOptions(NodeOptions value) {
        return with(changed -> changed.nodeOptions = value);
    }

    /** What becomes of writes that are all zeros. */
    public DetectZeroes detectZeroes() {
        return values.detectZeroes;
    }

    public OpenOptions withDetectZeroes(DetectZeroes value) {
        return with(changed -> changed.detectZeroes = value);
    }

    /** Whether what is read from the backing file is kept in the image; needs a writable one. */
    public boolean copyOnRead() {
        return values.copyOnRead;
    }

    public OpenOptions withCopyOnRead(boolean value) {
        return with(changed -> changed.copyOnRead = value);
    }

    /**
     * Whether this is a tool at work on an image that no guest runs on: what an image's header asks for to serve a guest (FVD's
     * copy-on-read and prefetching) is left undone then.
     */
    public boolean offline() {
        return values.offline;
    }

    public OpenOptions withOffline(boolean value) {
        return with(changed -> changed.offline = value);
    }

    /** Whether the image stays as it is, and what is written goes to a temporary overlay that is gone when the device is closed. */
    public boolean snapshot() {
        return values.snapshot;
    }

    public OpenOptions withSnapshot(boolean value) {
        return with(changed -> changed.snapshot = value);
    }

    /** Whether an image that may not be written is opened read-only instead. */
    public boolean autoReadOnly() {
        return values.autoReadOnly;
    }

    public OpenOptions withAutoReadOnly(boolean value) {
        return with(changed -> changed.autoReadOnly = value);
    }

    /**
     * Whether nothing may make it writable later on: what is asked for read-only stays so, unless {@link #withReopenable} says
     * otherwise. Backing files of an image that is not kept read-only are not either.
     */
    public boolean keepReadOnly() {
        return !values.writable && !values.reopenable;
    }

    /** Whether what is opened read-only may be reopened writable. */
    public OpenOptions withReopenable(boolean value) {
        return with(changed -> changed.reopenable = value);
    }

    /** Who may run the command by which an image adds storage, or null: then nothing is ever run. */
    public @Nullable StorageRunner storageRunner() {
        return values.storageRunner;
    }

    public OpenOptions withStorageRunner(@Nullable StorageRunner value) {
        return with(changed -> changed.storageRunner = value);
    }

    private OpenOptions with(Consumer<Values> change) {
        Values copy = new Values(values);
        change.accept(copy);
        return new OpenOptions(copy);
    }

    /** The values, beginning as the defaults. */
    private static final class Values {
        @Nullable
        String format;

        boolean writable;
        CacheMode cache = CacheMode.WRITEBACK;
        boolean noBacking;
        boolean check;
        boolean inactive;
        boolean forceShare;
        boolean unmap;

        @Nullable
        String backing;

        ImplicitOpenPolicy implicitOpen = ImplicitOpenPolicy.imageDirectory();
        long metadataBudget = DEFAULT_METADATA_BUDGET;
        BufferPool pool = BufferPool.shared();
        Timers timers = Timers.system();
        NodeOptions nodeOptions = NodeOptions.NONE;
        DetectZeroes detectZeroes = DetectZeroes.OFF;
        boolean copyOnRead;
        boolean offline;
        boolean snapshot;
        boolean autoReadOnly;
        boolean reopenable;

        @Nullable
        StorageRunner storageRunner;

        Values() {}

        Values(Values other) {
            format = other.format;
            writable = other.writable;
            cache = other.cache;
            noBacking = other.noBacking;
            check = other.check;
            inactive = other.inactive;
            forceShare = other.forceShare;
            unmap = other.unmap;
            backing = other.backing;
            implicitOpen = other.implicitOpen;
            metadataBudget = other.metadataBudget;
            pool = other.pool;
            timers = other.timers;
            nodeOptions = other.nodeOptions;
            detectZeroes = other.detectZeroes;
            copyOnRead = other.copyOnRead;
            offline = other.offline;
            snapshot = other.snapshot;
            autoReadOnly = other.autoReadOnly;
            reopenable = other.reopenable;
            storageRunner = other.storageRunner;
        }
    }
}
