// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.Timers;
import io.loomblock.memory.BufferPool;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How to open an image. Immutable; start with {@link #readOnly()} or {@link #readWrite()} and derive with the {@code with…} methods.
 *
 * @param format name of the format driver, or null to probe
 * @param writable whether the guest's disk may be written
 * @param cache cache mode, inherited by the files below
 * @param noBacking do not open the backing file: what it would give reads as zeros
 * @param check opened for a check: no repair at open
 * @param inactive another process owns the image for now: nothing is written until {@link BlockDevice#invalidateCache}
 * @param forceShare take no lock (QEMU's {@code -U}); read-only only
 * @param unmap pass discards on to the file
 * @param backing a name that replaces the backing file named in the image for this opening, or null
 * @param implicitOpen what names inside the image may open
 * @param metadataBudget bytes of metadata that each image may keep in memory
 * @param pool where buffers come from
 * @param timers the clock and timers of work behind the scenes
 * @param driverOptions options of the format driver by name, unparsed
 */
public record OpenOptions(
        @Nullable String format,
        boolean writable,
        CacheMode cache,
        boolean noBacking,
        boolean check,
        boolean inactive,
        boolean forceShare,
        boolean unmap,
        @Nullable String backing,
        ImplicitOpenPolicy implicitOpen,
        long metadataBudget,
        BufferPool pool,
        Timers timers,
        Map<String, String> driverOptions) {

    /** Metadata memory of an image unless said otherwise: 64 MiB. */
    public static final long DEFAULT_METADATA_BUDGET = 64L << 20;

    /** Read-only, format probed, write-back cache, the library's open policy. */
    public static OpenOptions readOnly() {
        return new OpenOptions(
                null,
                false,
                CacheMode.WRITEBACK,
                false,
                false,
                false,
                false,
                false,
                null,
                ImplicitOpenPolicy.imageDirectory(),
                DEFAULT_METADATA_BUDGET,
                BufferPool.shared(),
                Timers.system(),
                Map.of());
    }

    /** The same, writable. */
    public static OpenOptions readWrite() {
        return readOnly().withWritable(true);
    }

    public OpenOptions withFormat(@Nullable String value) {
        return new Builder(this).format(value).build();
    }

    public OpenOptions withWritable(boolean value) {
        return new Builder(this).writable(value).build();
    }

    public OpenOptions withCache(CacheMode value) {
        return new Builder(this).cache(value).build();
    }

    public OpenOptions withNoBacking(boolean value) {
        return new Builder(this).noBacking(value).build();
    }

    public OpenOptions withCheck(boolean value) {
        return new Builder(this).check(value).build();
    }

    public OpenOptions withInactive(boolean value) {
        return new Builder(this).inactive(value).build();
    }

    public OpenOptions withForceShare(boolean value) {
        return new Builder(this).forceShare(value).build();
    }

    public OpenOptions withUnmap(boolean value) {
        return new Builder(this).unmap(value).build();
    }

    public OpenOptions withBacking(@Nullable String value) {
        return new Builder(this).backing(value).build();
    }

    public OpenOptions withImplicitOpen(ImplicitOpenPolicy value) {
        return new Builder(this).implicitOpen(value).build();
    }

    public OpenOptions withMetadataBudget(long bytes) {
        return new Builder(this).metadataBudget(bytes).build();
    }

    public OpenOptions withPool(BufferPool value) {
        return new Builder(this).pool(value).build();
    }

    public OpenOptions withTimers(Timers value) {
        return new Builder(this).timers(value).build();
    }

    public OpenOptions withDriverOptions(Map<String, String> value) {
        return new Builder(this).driverOptions(Map.copyOf(value)).build();
    }

    /** The components as fields that can be changed one at a time. */
    private static final class Builder {
        private @Nullable String format;
        private boolean writable;
        private CacheMode cache;
        private boolean noBacking;
        private boolean check;
        private boolean inactive;
        private boolean forceShare;
        private boolean unmap;
        private @Nullable String backing;
        private ImplicitOpenPolicy implicitOpen;
        private long metadataBudget;
        private BufferPool pool;
        private Timers timers;
        private Map<String, String> driverOptions;

        Builder(OpenOptions o) {
            format = o.format;
            writable = o.writable;
            cache = o.cache;
            noBacking = o.noBacking;
            check = o.check;
            inactive = o.inactive;
            forceShare = o.forceShare;
            unmap = o.unmap;
            backing = o.backing;
            implicitOpen = o.implicitOpen;
            metadataBudget = o.metadataBudget;
            pool = o.pool;
            timers = o.timers;
            driverOptions = o.driverOptions;
        }

        Builder format(@Nullable String value) {
            format = value;
            return this;
        }

        Builder writable(boolean value) {
            writable = value;
            return this;
        }

        Builder cache(CacheMode value) {
            cache = value;
            return this;
        }

        Builder noBacking(boolean value) {
            noBacking = value;
            return this;
        }

        Builder check(boolean value) {
            check = value;
            return this;
        }

        Builder inactive(boolean value) {
            inactive = value;
            return this;
        }

        Builder forceShare(boolean value) {
            forceShare = value;
            return this;
        }

        Builder unmap(boolean value) {
            unmap = value;
            return this;
        }

        Builder backing(@Nullable String value) {
            backing = value;
            return this;
        }

        Builder implicitOpen(ImplicitOpenPolicy value) {
            implicitOpen = value;
            return this;
        }

        Builder metadataBudget(long value) {
            metadataBudget = value;
            return this;
        }

        Builder pool(BufferPool value) {
            pool = value;
            return this;
        }

        Builder timers(Timers value) {
            timers = value;
            return this;
        }

        Builder driverOptions(Map<String, String> value) {
            driverOptions = value;
            return this;
        }

        OpenOptions build() {
            return new OpenOptions(
                    format,
                    writable,
                    cache,
                    noBacking,
                    check,
                    inactive,
                    forceShare,
                    unmap,
                    backing,
                    implicitOpen,
                    metadataBudget,
                    pool,
                    timers,
                    driverOptions);
        }
    }
}
