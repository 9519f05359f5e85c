// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;

/**
 * What the header of an FVD image says, the same for both layouts. spec: fvd.md sections 2 and 14.
 *
 * @param format how it stands in the file
 * @param virtualSize size of the guest's disk in bytes
 * @param dataOffset where the data area starts in the file, in bytes; where the metadata ends, with a data file
 * @param data the data file, or none
 * @param base the base image, or none
 * @param baseSize bytes of the base image that show
 * @param allData whether the base image is not needed, or there is none
 * @param bitmap where the copy-on-write bitmap lies
 * @param blockSize bytes of the base image for each bit
 * @param table where the chunk table lies; none if the data area is as the disk
 * @param chunkSize bytes of the disk for each entry
 * @param growUnit bytes by which the data area grows
 * @param addStorageCommand never run because an image says so
 * @param journal where the journal lies, or none
 * @param stableEpoch table records of lower epochs are dead; 0 in layout 1
 * @param clean whether bitmap and table are complete without the journal
 * @param needsZeroInit whether parts of the disk rely on new storage being zero
 * @param copyOnRead whether what is read from the base image is kept
 * @param maxCopyOnRead bytes of that which may wait to be stored
 * @param prefetch how the base image is fetched ahead of time
 */
record FvdHeader(
        HeaderFormat format,
        long virtualSize,
        long dataOffset,
        NamedFile data,
        NamedFile base,
        long baseSize,
        boolean allData,
        Area bitmap,
        long blockSize,
        Area table,
        long chunkSize,
        long growUnit,
        String addStorageCommand,
        Area journal,
        long stableEpoch,
        boolean clean,
        boolean needsZeroInit,
        boolean copyOnRead,
        long maxCopyOnRead,
        PrefetchSettings prefetch) {

    /** Nobody counts that far: a stable epoch is below it, so that there are epochs left for all records to come. */
    static final long MAX_EPOCH = 1L << 62;

    static final int SECTOR = 512;

    /** Decodes a header, of either layout, that starts at the beginning of {@code bytes}. */
    static FvdHeader decode(AlignedBuffer bytes) throws BlockException {
        return HeaderFormat.of(bytes).decode(bytes);
    }

    void encode(AlignedBuffer bytes) {
        format.encode(this, bytes);
    }

    int version() {
        return format.version();
    }

    /** Whether there is a table: data lies in chunks, where there was room. */
    boolean isCompact() {
        return !table.isEmpty();
    }

    /** Whether the bitmap tells what has to be read from the base image. */
    boolean usesBitmap() {
        return !allData;
    }

    /** Whether there is a journal, and something to be logged in it. */
    boolean usesJournal() {
        return !journal.isEmpty() && hasMetadata();
    }

    /** Whether there is a table or a bitmap, which a crash may leave incomplete. */
    boolean hasMetadata() {
        return isCompact() || usesBitmap();
    }

    /**
     * Checks every field that means something for this image.
     *
     * @param fileLength bytes
     * @throws BlockException EINVAL
     */
    FvdLayout validate(long fileLength) throws BlockException {
        require(isWhole(virtualSize), "virtual_disk_size");
        Area header = new Area(0, format.bytes());
        validateData(header, fileLength);
        if (usesBitmap()) {
            validateBase();
            validateArea(bitmap, header, fileLength, "bitmap");
        }
        if (isCompact()) {
            validateTable();
            validateArea(table, header, fileLength, "table");
        }
        if (usesJournal()) {
            require(journal.size() <= Integer.MAX_VALUE, "journal_size");
            require(stableEpoch < MAX_EPOCH, "stable_journal_epoch");
            validateArea(journal, header, fileLength, "journal");
        }
        require(!usesBitmap() || !isCompact() || !bitmap.overlaps(table), "table_offset");
        require(!usesJournal() || !usesBitmap() || !journal.overlaps(bitmap), "journal_offset");
        require(!usesJournal() || !isCompact() || !journal.overlaps(table), "journal_offset");
        return layout();
    }

    private void validateData(Area header, long fileLength) throws BlockException {
        if (data.isNone()) {
            // A start inside of a sector is that of the sector, of which no byte may be the header's.
            boolean behindHeader = dataOffset / SECTOR * SECTOR >= header.end();
            require(behindHeader && dataOffset <= fileLength, "start of the data area");
            require(virtualSize <= Long.MAX_VALUE - dataOffset, "virtual_disk_size");
        }
    }

    private void validateBase() throws BlockException {
        require(!base.isNone(), "base_img");
        require(baseSize <= virtualSize && isWhole(baseSize), "base_img_size");
        require(blockSize >= SECTOR && isWhole(blockSize), "block_size");
        require(maxCopyOnRead >= 0, "max_outstanding_copy_on_read_data");
        long bytes = FvdLayout.bitmapBytes(FvdLayout.ceilDiv(baseSize, blockSize));
        require(bitmap.size() >= bytes && bitmap.size() <= Integer.MAX_VALUE && isWhole(bitmap.size()), "bitmap_size");
        if (prefetch.startDelay() > 0) {
            long unit = prefetch.bytesPerUnit();
            require(unit > 0 && unit % blockSize == 0, "bytes_per_prefetch");
            require(prefetch.alpha() >= 0 && prefetch.alpha() <= 100, "prefetch_perf_calc_alpha");
        }
    }

    private void validateTable() throws BlockException {
        require(chunkSize > 0 && isWhole(chunkSize), "chunk_size");
        require(growUnit >= chunkSize && isWhole(growUnit), "storage_grow_unit");
        long bytes = FvdLayout.tableBytes(FvdLayout.entries(virtualSize, chunkSize));
        require(table.size() >= bytes && isWhole(table.size()), "table_size");
    }

    private void validateArea(Area area, Area header, long fileLength, String name) throws BlockException {
        require(isWhole(area.offset()) && isWhole(area.size()), name + "_offset");
        require(area.end() >= 0 && area.end() <= fileLength, name + "_offset");
        require(!area.overlaps(header), name + "_offset");
        require(!data.isNone() || area.end() <= dataOffset, name + "_offset");
    }

    private static boolean isWhole(long bytes) {
        return bytes % SECTOR == 0;
    }

    private static void require(boolean condition, String field) throws BlockException {
        if (!condition) {
            throw new BlockException(Errno.EINVAL, "FVD " + field + " is invalid");
        }
    }

    /** Where things lie in an image whose header is valid. */
    private FvdLayout layout() {
        return new FvdLayout(
                virtualSize,
                usesBitmap() ? baseSize : 0,
                data.isNone() ? dataOffset / SECTOR * SECTOR : 0,
                usesBitmap() ? bitmap.offset() : 0,
                usesBitmap() ? blockSize : 0,
                isCompact() ? table.offset() : 0,
                isCompact() ? chunkSize : 0);
    }
}
