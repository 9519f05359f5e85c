// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static io.loomblock.fvd.CreationOptions.require;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/**
 * Makes a new image: header, bitmap, table and journal. spec: fvd.md sections 3, 14 and 16.
 *
 * <p>All options are checked, and the files that are named opened, before a file is touched. The header goes last, so that no half-made
 * image is ever taken for one, and a file that could not be finished is deleted. The data file is not touched.
 */
final class FvdCreation {
    /** Where data begins in layout 2: writes of guests are aligned in the file then as they are on the disk, which the kernel likes. */
    private static final long DATA_ALIGNMENT = 64 << 10;

    private static final long MAX_COPY_ON_READ = 2_000_000;
    private static final int PIECE = 256 << 10;

    private final CreateContext context;
    private final CreationOptions options;

    FvdCreation(CreateContext context, CreateOptions options) throws BlockException {
        this.context = context;
        this.options = new CreationOptions(options);
    }

    void run() throws BlockException {
        NamedFile base = options.base();
        NamedFiles.refuseShared(context, base, options.data());
        checkDataFile(options.data());
        if (base.isNone()) {
            write(header(base, -1), null);
            return;
        }
        try (Node node = openNamed(base)) {
            FvdHeader header = header(base, node.length());
            long step = options.detectSparseHole();
            require(
                    step == 0 || !header.isCompact() || !options.isFirst(),
                    "detect_sparse_hole and compact_image exclude each other in layout 1");
            write(header, step == 0 ? null : new ZeroBlocks(node, header.validate(Long.MAX_VALUE), step));
        }
    }

    private Node openNamed(NamedFile named) throws BlockException {
        try {
            return context.openNamed(
                    named.name(), named.formatOrNull(), context.options().withWritable(false));
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Could not open '" + named.name() + "': " + e.reason(), e);
        }
    }

    /**
     * Zero blocks of the base image are served from it unwritten, unless there is a table. With one, its bytes have no place on the disk, and new
     * chunks would overwrite them one by one. A device may hold anything: it is no file of somebody's.
     */
    private void checkDataFile(NamedFile data) throws BlockException {
        if (data.isNone()) {
            return;
        }
        boolean mustBeZero = options.detectSparseHole() > 0 && !options.compact();
        try (Node node = openNamed(data)) {
            require(
                    !mustBeZero || DataArea.isZero(node, 0),
                    "detect_sparse_hole without compact_image needs a data file that holds nothing yet");
            require(
                    !options.compact() || !node.hasZeroInit() || DataArea.isZero(node, 0),
                    "The data file of a compact image must hold nothing but zeros, as what it holds would be lost;"
                            + " cut it to no length, or say compact_image=off");
        }
    }

    /** The header, and with it the place of everything. {@code baseLength} is negative without a base image. */
    private FvdHeader header(NamedFile base, long baseLength) throws BlockException {
        long size = options.size(baseLength);
        boolean hasBase = !base.isNone();
        long baseSize = hasBase ? Math.min(size, FvdLayout.roundUp(baseLength, FvdHeader.SECTOR)) : 0;
        long blockSize = hasBase ? options.blockSize(baseSize) : 0;
        boolean compact = options.compact();
        long chunkSize = compact ? options.chunkSize() : 0;
        long entries = compact ? FvdLayout.entries(size, chunkSize) : 0;
        long bitmapSize = hasBase ? area(FvdLayout.bitmapBytes(FvdLayout.ceilDiv(baseSize, blockSize))) : 0;
        // Layout 2 tells how long the table is, so that it may have room for a disk of twice the size.
        long tableSize = area(FvdLayout.tableBytes(entries) * (options.isFirst() ? 1 : 2));
        require(bitmapSize <= Integer.MAX_VALUE, "FVD block_size is too small for the base image");
        long journalSize = hasBase || compact ? journalSize(entries) : 0;
        Places places = places(bitmapSize, tableSize, journalSize);
        FvdHeader header = new FvdHeader(
                options.format(),
                size,
                places.end,
                options.data(),
                base,
                baseSize,
                !hasBase,
                places.bitmap,
                blockSize,
                places.table,
                chunkSize,
                compact ? options.growUnit(chunkSize) : 0,
                options.addStorageCommand(),
                places.journal,
                0,
                true,
                hasBase && options.detectSparseHole() > 0,
                hasBase && options.copyOnRead(),
                hasBase ? MAX_COPY_ON_READ : 0,
                hasBase ? prefetch(blockSize) : PrefetchSettings.NONE);
        header.validate(Math.max(places.end, HeaderFormat.AREA));
        return header;
    }

    private static long area(long bytes) {
        return FvdLayout.roundUp(bytes, HeaderFormat.ALIGNMENT);
    }

    private PrefetchSettings prefetch(long blockSize) throws BlockException {
        long unit = FvdLayout.roundUp(1 << 20, blockSize);
        require(unit <= Integer.MAX_VALUE || !options.isFirst(), "FVD block_size is too large");
        return PrefetchSettings.defaults(options.prefetchStartDelay(), unit);
    }

    /** What was said, but long enough for the largest write. */
    private long journalSize(long entries) throws BlockException {
        long said = options.journalSize();
        if (said == 0) {
            return 0;
        }
        int perSector = RecordFormat.of(options.format()).entriesBesideBits();
        return area(Math.max(said, FvdLayout.ceilDiv(entries, perSector) * FvdHeader.SECTOR));
    }

    /** Where the areas lie. */
    private record Places(Area bitmap, Area table, Area journal, long end) {}

    private Places places(long bitmapSize, long tableSize, long journalSize) {
        Area bitmap = place(HeaderFormat.AREA, bitmapSize);
        long afterBitmap = HeaderFormat.AREA + bitmapSize;
        Area table = place(options.isFirst() ? afterBitmap : afterBitmap + journalSize, tableSize);
        Area journal = place(options.isFirst() ? afterBitmap + tableSize : afterBitmap, journalSize);
        long end = afterBitmap + tableSize + journalSize;
        return new Places(bitmap, table, journal, options.isFirst() ? end : FvdLayout.roundUp(end, DATA_ALIGNMENT));
    }

    private static Area place(long offset, long size) {
        return size == 0 ? Area.NONE : new Area(offset, size);
    }

    private void write(FvdHeader header, @Nullable ZeroBlocks zeros) throws BlockException {
        // The memory first: where there is none, no file is left behind.
        try (AlignedBuffer buffer = context.options().pool().acquireReserved(PIECE)) {
            writeFile(header, zeros, buffer);
        }
    }

    private void writeFile(FvdHeader header, @Nullable ZeroBlocks zeros, AlignedBuffer buffer) throws BlockException {
        boolean done = false;
        try (Node file = context.createFile()) {
            file.truncate(header.dataOffset(), true, PreallocationMode.OFF);
            zero(file, header.bitmap());
            zero(file, header.journal());
            if (zeros != null) {
                zeros.write(file, buffer);
            }
            EmptyTable.write(file, header.table().offset(), header.table().end(), buffer);
            file.flush();
            buffer.fill(0, HeaderFormat.AREA, (byte) 0);
            if (options.isFirst() && !header.base().isNone()) {
                HeaderV1.encodeUnused(buffer);
            }
            header.encode(buffer);
            file.coWritev(0, IoVector.of(buffer, 0, HeaderFormat.AREA));
            file.flush();
            done = true;
        } finally {
            if (!done) {
                context.deleteFile();
            }
        }
    }

    private static void zero(Node file, Area area) throws BlockException {
        if (!area.isEmpty() && !file.hasZeroInit()) {
            file.coWriteZeroes(area.offset(), area.size(), 0);
        }
    }
}
