// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;

/** The packed header of the January 2011 program: 4336 bytes, many fields unaligned. spec: fvd.md section 2. */
final class HeaderV1 implements HeaderFormat {
    static final HeaderV1 INSTANCE = new HeaderV1();

    static final int MAGIC = 0x5143F5A9;
    static final int BYTES = 4336;

    private static final int NAME = 1024;
    private static final int FORMAT = 16;
    private static final int COMMAND = 2048;

    private HeaderV1() {}

    @Override
    public int version() {
        return 1;
    }

    @Override
    public int bytes() {
        return BYTES;
    }

    @Override
    public int maxCommand() {
        return COMMAND - 1;
    }

    @Override
    public FvdHeader decode(AlignedBuffer b) throws BlockException {
        HeaderFields f = new HeaderFields(b);
        long virtualSize = f.getSize(12, "virtual_disk_size");
        boolean compact = f.getBoolean(2208);
        long chunkSize = f.getSize(2220, "chunk_size");
        return new FvdHeader(
                this,
                virtualSize,
                f.getSize(20, "metadata_size"),
                new NamedFile(f.getString(1108, NAME, "data_file"), f.getString(2132, FORMAT, "data_file_fmt")),
                new NamedFile(f.getString(28, NAME, "base_img"), f.getString(1052, FORMAT, "base_img_fmt")),
                f.getSize(1068, "base_img_size"),
                f.getBoolean(8),
                new Area(f.getSize(1076, "bitmap_offset"), f.getSize(1084, "bitmap_size")),
                b.getInt(1092),
                compact ? table(f.getSize(2212, "table_offset"), virtualSize, chunkSize) : Area.NONE,
                chunkSize,
                f.getSize(2228, "storage_grow_unit"),
                f.getString(2236, COMMAND, "add_storage_cmd"),
                new Area(f.getSize(4284, "journal_offset"), f.getSize(4292, "journal_size")),
                0,
                f.getBoolean(4300),
                f.getBoolean(4304),
                f.getBoolean(1096),
                b.getLong(1100),
                prefetch(b));
    }

    /** Where the table lies, and how long it must be: its size has no field of its own. */
    private static Area table(long offset, long virtualSize, long chunkSize) throws BlockException {
        if (chunkSize <= 0) {
            throw new BlockException(Errno.EINVAL, "FVD chunk_size is invalid");
        }
        long size = FvdLayout.tableBytes(FvdLayout.entries(virtualSize, chunkSize));
        return new Area(offset, FvdLayout.roundUp(size, ALIGNMENT));
    }

    /** What the size of the disk makes it. */
    @Override
    public Area tableArea(Area current, long virtualSize, long chunkSize) throws BlockException {
        return table(current.offset(), virtualSize, chunkSize);
    }

    private static PrefetchSettings prefetch(AlignedBuffer b) {
        return new PrefetchSettings(
                b.getInt(2148),
                b.getInt(2168),
                b.getInt(2172),
                b.getInt(2176),
                b.getInt(2180),
                b.getInt(2184),
                b.getInt(2188),
                b.getInt(2192),
                b.getInt(2196),
                b.getInt(2200),
                b.getInt(2204));
    }

    @Override
    public void encode(FvdHeader h, AlignedBuffer b) {
        HeaderFields f = new HeaderFields(b);
        b.putInt(0, MAGIC);
        b.putInt(4, 1);
        f.putBoolean(8, h.allData());
        b.putLong(12, h.virtualSize());
        b.putLong(20, h.dataOffset());
        f.putString(28, NAME, h.base().name());
        f.putString(1052, FORMAT, h.base().format());
        b.putLong(1068, h.baseSize());
        b.putLong(1076, h.bitmap().offset());
        b.putLong(1084, h.bitmap().size());
        b.putInt(1092, (int) h.blockSize());
        f.putBoolean(1096, h.copyOnRead());
        b.putLong(1100, h.maxCopyOnRead());
        f.putString(1108, NAME, h.data().name());
        f.putString(2132, FORMAT, h.data().format());
        putPrefetch(h.prefetch(), b);
        if (h.isCompact()) {
            f.putBoolean(2208, true);
            b.putLong(2212, h.table().offset());
        }
        b.putLong(2220, h.chunkSize());
        b.putLong(2228, h.growUnit());
        f.putString(2236, COMMAND, h.addStorageCommand());
        b.putLong(4284, h.journal().offset());
        b.putLong(4292, h.journal().size());
        f.putBoolean(4300, h.clean());
        f.putBoolean(4304, h.needsZeroInit());
    }

    private static void putPrefetch(PrefetchSettings p, AlignedBuffer b) {
        b.putInt(2148, (int) p.startDelay());
        b.putInt(2168, (int) p.slots());
        b.putInt(2172, (int) p.bytesPerUnit());
        b.putInt(2176, (int) p.readMeasureTime());
        b.putInt(2180, (int) p.writeMeasureTime());
        b.putInt(2184, p.alpha());
        b.putInt(2188, (int) p.minRead());
        b.putInt(2192, (int) p.minWrite());
        b.putInt(2196, (int) p.maxRead());
        b.putInt(2200, (int) p.maxWrite());
        b.putInt(2204, (int) p.throttleTime());
    }

    /** What the program writes into the fields of a new image with a base that nobody uses. */
    static void encodeUnused(AlignedBuffer b) {
        b.putInt(4312, 4096);
        b.putInt(4316, -1);
    }
}
