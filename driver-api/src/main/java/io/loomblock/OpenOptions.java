// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.Timers;
import io.loomblock.memory.BufferPool;
import java.util.Map;
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

    /** Where buffers come from. */
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

    /** Options of the driver by name, unparsed. */
    public Map<String, String> driverOptions() {
        return values.driverOptions;
    }

    public OpenOptions withDriverOptions(Map<String, String> value) {
        Map<String, String> copy = Map.copyOf(value);
        return with(changed -> changed.driverOptions = copy);
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
        Map<String, String> driverOptions = Map.of();

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
            driverOptions = other.driverOptions;
        }
    }
}
