// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static io.loomblock.fvd.CreationOptions.require;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.OptionValues;
import io.loomblock.driver.Sizes;
import java.util.List;

/**
 * Settings of an image that are to be changed: {@code img amend -o}. spec: fvd.md section 16.5, "update".
 *
 * <p>They have the names and the syntax of creation, and the header fields' own names where creation has none. All are looked at before
 * anything is changed.
 */
final class Amendment {
    private static final String SIZE = "size";
    private static final String BASE = "backing_file";
    private static final String BASE_FORMAT = "backing_fmt";
    private static final String DATA = "data_file";
    private static final String DATA_FORMAT = "data_file_fmt";
    private static final String CLEAN = "clean_shutdown";
    private static final String ALPHA = "prefetch_perf_calc_alpha";
    private static final long LEAST_FETCH = 4096;

    private static final List<String> OF_THE_BASE = List.of(
            "need_zero_init",
            "copy_on_read",
            "max_outstanding_copy_on_read_data",
            "prefetch_start_delay",
            "num_prefetch_slots",
            "bytes_per_prefetch",
            "prefetch_min_read_throughput",
            "prefetch_min_write_throughput",
            "prefetch_read_throughput_measure_time",
            "prefetch_write_throughput_measure_time",
            "prefetch_throttle_time",
            ALPHA);

    private final OptionValues values;

    Amendment(OptionValues values) {
        this.values = values;
    }

    static List<DriverOption> known() {
        return List.of(
                DriverOption.size(SIZE, "Virtual disk size"),
                DriverOption.string(BASE, "File name of a base image; empty for none"),
                DriverOption.string(BASE_FORMAT, "Image format of the base image"),
                DriverOption.string(DATA, "File name of the file that has the data now"),
                DriverOption.string(DATA_FORMAT, "Image format of the data file"),
                DriverOption.bool(CLEAN, "Whether bitmap and table are to be taken as complete"),
                DriverOption.bool("need_zero_init", "Whether new storage has to be zero"),
                DriverOption.bool("copy_on_read", "Keep what is read from the base image"),
                DriverOption.size("max_outstanding_copy_on_read_data", "Bytes read that may wait to be kept"),
                DriverOption.number("prefetch_start_delay", "Seconds until the base image is fetched; 0 for never"),
                DriverOption.number("num_prefetch_slots", "Buffers between reading and storing"),
                DriverOption.size("bytes_per_prefetch", "Unit of fetching (in bytes)"),
                DriverOption.number("prefetch_min_read_throughput", "KB/s of reading below which fetching may pause"),
                DriverOption.number("prefetch_min_write_throughput", "KB/s of storing below which fetching may pause"),
                DriverOption.number("prefetch_read_throughput_measure_time", "Milliseconds of reading measured as one"),
                DriverOption.number(
                        "prefetch_write_throughput_measure_time", "Milliseconds of storing measured as one"),
                DriverOption.number("prefetch_throttle_time", "Longest pause in milliseconds; 0 for no pauses"),
                DriverOption.number(ALPHA, "Weight of the old average in percent; layout 1 only"));
    }

    boolean hasSize() {
        return values.has(SIZE);
    }

    /** Whole sectors. */
    long size() {
        return Sizes.toSectors(values.size(SIZE, 0));
    }

    /** How the image is to be marked. */
    boolean clean(boolean otherwise) {
        return values.bool(CLEAN, otherwise);
    }

    boolean hasBase() {
        return values.has(BASE) || values.has(BASE_FORMAT);
    }

    /** The base image to record. */
    NamedFile base(FvdHeader header) throws BlockException {
        return named(BASE, BASE_FORMAT, header.base(), header);
    }

    boolean hasData() {
        return values.has(DATA) || values.has(DATA_FORMAT);
    }

    /** The data file to record. */
    NamedFile data(FvdHeader header) throws BlockException {
        NamedFile named = named(DATA, DATA_FORMAT, header.data(), header);
        require(
                named.isNone() == header.data().isNone(),
                "The data of an FVD image does not move: convert the image to have it in another file");
        return named;
    }

    private NamedFile named(String name, String format, NamedFile now, FvdHeader header) throws BlockException {
        String wanted = values.string(name, now.name());
        if (wanted.isEmpty()) {
            require(values.string(format, "").isEmpty(), "A format without a file name");
            return NamedFile.NONE;
        }
        return NamedFile.checked(wanted, values.string(format, values.has(name) ? "" : now.format()), header.format());
    }

    /**
     * Refuses what this image cannot have.
     *
     * @param open whether the image is open for guests, and so marked as not closed in order
     * @throws BlockException EINVAL
     */
    void check(FvdHeader header, long fileLength, boolean open) throws BlockException {
        for (String name : OF_THE_BASE) {
            require(!values.has(name) || !header.base().isNone(), "'" + name + "' is for images with a base image");
        }
        require(!open || values.bool(CLEAN, true), "An image that is open for writing is not closed in order anyway");
        require(header.version() == 1 || !values.has(ALPHA), "'" + ALPHA + "' is for images of layout 1");
        HeaderChange change = new HeaderChange(header);
        apply(change, header);
        change.header().validate(fileLength);
    }

    /** Puts the settings, but for those of size and base image, into a header. */
    void apply(HeaderChange change, FvdHeader header) throws BlockException {
        if (hasData()) {
            change.data = data(header);
        }
        change.needsZeroInit = values.bool("need_zero_init", change.needsZeroInit);
        change.copyOnRead = values.bool("copy_on_read", change.copyOnRead);
        change.maxCopyOnRead = bytes("max_outstanding_copy_on_read_data", change.maxCopyOnRead, 1);
        PrefetchSettings old = change.prefetch;
        long delay = number("prefetch_start_delay", old.startDelay(), Integer.MIN_VALUE, Integer.MAX_VALUE);
        change.prefetch = new PrefetchSettings(
                delay <= 0 && values.has("prefetch_start_delay") ? -1 : delay,
                number("num_prefetch_slots", old.slots(), 1, Integer.MAX_VALUE),
                fetch(old.bytesPerUnit(), header.blockSize()),
                time("prefetch_read_throughput_measure_time", old.readMeasureTime()),
                time("prefetch_write_throughput_measure_time", old.writeMeasureTime()),
                (int) number(ALPHA, old.alpha(), 0, 100),
                time("prefetch_min_read_throughput", old.minRead()),
                time("prefetch_min_write_throughput", old.minWrite()),
                old.maxRead(),
                old.maxWrite(),
                time("prefetch_throttle_time", old.throttleTime()));
    }

    private long fetch(long now, long blockSize) throws BlockException {
        if (!values.has("bytes_per_prefetch")) {
            return now;
        }
        long unit = bytes("bytes_per_prefetch", now, LEAST_FETCH);
        require(
                unit <= Integer.MAX_VALUE && blockSize > 0 && unit % blockSize == 0,
                "'bytes_per_prefetch' must be a multiple of the block size");
        return unit;
    }

    private long time(String name, long now) throws BlockException {
        return number(name, now, 0, Integer.MAX_VALUE);
    }

    private long bytes(String name, long now, long least) throws BlockException {
        long value = values.size(name, now);
        require(!values.has(name) || value >= least, "'" + name + "' must be at least " + least);
        return value;
    }

    private long number(String name, long now, long least, long most) throws BlockException {
        long value = values.number(name, now);
        if (values.has(name) && (value < least || value > most)) {
            throw new BlockException(Errno.EINVAL, "'" + name + "' must be within [" + least + ", " + most + "]");
        }
        return value;
    }
}
