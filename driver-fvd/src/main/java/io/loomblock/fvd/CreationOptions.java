// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.OptionValues;
import io.loomblock.driver.Sizes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The options of creation, with the defaults of the layout that is made. spec: fvd.md section 16.1. */
final class CreationOptions {
    static final long DEFAULT_CHUNK = 1 << 20;
    static final long DEFAULT_GROW_UNIT = 100L << 20;
    static final long DEFAULT_BLOCK = 64 << 10;
    static final long DEFAULT_JOURNAL = 16L << 20;

    private static final String NO_JOURNAL = "-";

    private final CreateOptions given;
    private final OptionValues values;

    CreationOptions(CreateOptions given) throws BlockException {
        this.given = given;
        this.values = OptionValues.of(new FvdProvider(), given);
    }

    static List<DriverOption> known() {
        return List.of(
                DriverOption.size("size", "Virtual disk size"),
                DriverOption.string("backing_file", "File name of a base image"),
                DriverOption.string("backing_fmt", "Image format of the base image"),
                DriverOption.namedChoice("version", "Layout: 1 as the program of 2011 has it, or 2", "1", "2")
                        .withDefault("2"),
                DriverOption.bool("compact_image", "Allocate storage in chunks; on by default in layout 2"),
                DriverOption.size("block_size", "Unit of copy-on-write (in bytes); 0 for the default"),
                // Without a default that is shown: they are for compact images only.
                DriverOption.size(
                        "chunk_size",
                        "Unit of allocation of a compact image (in bytes); " + inMebibytes(DEFAULT_CHUNK)
                                + " by default"),
                DriverOption.size(
                        "storage_grow_unit",
                        "Unit in which its storage grows (in bytes); " + inMebibytes(DEFAULT_GROW_UNIT)
                                + " by default"),
                DriverOption.string("add_storage_cmd", "Recorded, and run by nobody unless the opener says so"),
                DriverOption.string("data_file", "File name of an existing file for the data"),
                DriverOption.string("data_file_fmt", "Image format of the data file"),
                DriverOption.bool("copy_on_read", "Keep what is read from the base image"),
                DriverOption.number("prefetch_start_delay", "Seconds until the base image is fetched; 0 for never"),
                DriverOption.size("detect_sparse_hole", "Look for zeros in the base image, in steps of so many bytes"),
                DriverOption.string(
                        "journal_size",
                        "Size of the journal (in bytes); 0 for " + inMebibytes(DEFAULT_JOURNAL)
                                + ", negative for none"));
    }

    /** As users write it. */
    private static String inMebibytes(long bytes) {
        return (bytes >> 20) + "M";
    }

    HeaderFormat format() {
        return values.string("version", "2").equals("1") ? HeaderV1.INSTANCE : HeaderV2.INSTANCE;
    }

    boolean isFirst() {
        return format().version() == 1;
    }

    boolean compact() {
        return values.bool("compact_image", !isFirst());
    }

    /** Whole sectors; that of the base image if it is not said, negative if there is none either. */
    long size(long baseLength) throws BlockException {
        long size = given.size() < 0 ? baseLength : given.size();
        require(size >= 0, "Image creation needs a size parameter");
        return Sizes.toSectors(size);
    }

    NamedFile base() throws BlockException {
        return file(given.backingFile(), given.backingFormat());
    }

    NamedFile data() throws BlockException {
        return file(values.string("data_file"), values.string("data_file_fmt"));
    }

    private NamedFile file(@Nullable String name, @Nullable String fileFormat) throws BlockException {
        if (name == null || name.isEmpty()) {
            return NamedFile.NONE;
        }
        return NamedFile.checked(name, fileFormat, format());
    }

    String addStorageCommand() throws BlockException {
        String command = values.string("add_storage_cmd", "");
        NamedFile.requireFits(command, format().maxCommand(), "add_storage_cmd");
        return command;
    }

    /** Of a base image of this visible size. */
    long blockSize(long baseSize) throws BlockException {
        long said = rounded("block_size", 0, FvdHeader.SECTOR);
        if (said > 0) {
            return said;
        }
        return isFirst() ? smallestBlock(baseSize) : DEFAULT_BLOCK;
    }

    /** What keeps the bitmap within 4 MiB. */
    private static long smallestBlock(long baseSize) {
        long block = FvdHeader.SECTOR;
        while (FvdLayout.bitmapBytes(FvdLayout.ceilDiv(baseSize, block)) > 4 << 20) {
            block *= 2;
        }
        return block;
    }

    long chunkSize() throws BlockException {
        long chunk = rounded("chunk_size", DEFAULT_CHUNK, 4096);
        require(chunk > 0, "FVD chunk_size is invalid");
        return chunk;
    }

    long growUnit(long chunkSize) throws BlockException {
        return Math.max(chunkSize, rounded("storage_grow_unit", DEFAULT_GROW_UNIT, FvdHeader.SECTOR));
    }

    /** A size, made a multiple; below 2^62, so that sums of a few of them are none too large. */
    private long rounded(String name, long otherwise, long multiple) throws BlockException {
        long value = values.size(name, otherwise);
        require(value <= 1L << 62, "FVD " + name + " is too large");
        return FvdLayout.roundUp(value, multiple);
    }

    boolean copyOnRead() {
        return values.bool("copy_on_read", false);
    }

    /** Seconds; -1 for never. */
    long prefetchStartDelay() {
        long delay = Math.min(values.number("prefetch_start_delay", 0), Integer.MAX_VALUE);
        return delay <= 0 ? -1 : delay;
    }

    /** Bytes; 0 to not look for zeros. */
    long detectSparseHole() {
        return values.size("detect_sparse_hole", 0);
    }

    /** Bytes as they were said, or the default; 0 for none. */
    long journalSize() throws BlockException {
        String text = values.string("journal_size", "0");
        if (text.startsWith(NO_JOURNAL)) {
            return 0;
        }
        long size = Sizes.parse(text)
                .orElseThrow(() -> new BlockException(Errno.EINVAL, "Parameter 'journal_size' expects a size"));
        require(size <= Integer.MAX_VALUE - 4096, "FVD journal_size is too large");
        return size == 0 ? DEFAULT_JOURNAL : size;
    }

    static void require(boolean condition, String otherwise) throws BlockException {
        if (!condition) {
            throw new BlockException(Errno.EINVAL, otherwise);
        }
    }
}
