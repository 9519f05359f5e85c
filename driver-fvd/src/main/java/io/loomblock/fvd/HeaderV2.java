// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;

/** The later header: 7412 bytes, fields of 64 bits, naturally aligned, a journal epoch. spec: fvd.md section 14. */
final class HeaderV2 implements HeaderFormat {
    static final HeaderV2 INSTANCE = new HeaderV2();

    /** "FVD\0". */
    static final int MAGIC = 0x00445646;

    static final int BYTES = 7412;

    private static final int NAME = 1024;
    private static final int FORMAT = 16;

    private HeaderV2() {}

    @Override
    public int version() {
        return 2;
    }

    @Override
    public int bytes() {
        return BYTES;
    }

    @Override
    public int maxCommand() {
        return NAME - 1;
    }

    @Override
    public FvdHeader decode(AlignedBuffer b) throws BlockException {
        HeaderFields f = new HeaderFields(b);
        return new FvdHeader(
                this,
                f.getSize(8, "virtual_disk_size"),
                f.getSize(16, "data_offset"),
                new NamedFile(f.getString(24, NAME, "data_file"), f.getString(1048, FORMAT, "data_file_fmt")),
                new NamedFile(f.getString(1064, NAME, "base_img"), f.getString(2088, FORMAT, "base_img_fmt")),
                f.getSize(2104, "base_img_size"),
                f.getBoolean(3240),
                new Area(f.getSize(2112, "bitmap_offset"), f.getSize(2120, "bitmap_size")),
                f.getSize(2128, "block_size"),
                new Area(f.getSize(2136, "table_offset"), f.getSize(2144, "table_size")),
                f.getSize(2152, "chunk_size"),
                f.getSize(2160, "storage_grow_unit"),
                f.getString(2168, NAME, "add_storage_cmd"),
                new Area(f.getSize(3192, "journal_offset"), f.getSize(3200, "journal_size")),
                f.getSize(3208, "stable_journal_epoch"),
                f.getBoolean(3216),
                f.getBoolean(3312),
                f.getBoolean(3220),
                f.getSize(3224, "max_outstanding_copy_on_read_data"),
                prefetch(f));
    }

    /** The area has a size of its own, which the disk may need in part only. */
    @Override
    public Area tableArea(Area current, long virtualSize, long chunkSize) {
        return current;
    }

    private static PrefetchSettings prefetch(HeaderFields f) throws BlockException {
        AlignedBuffer b = f.bytes();
        return new PrefetchSettings(
                b.getLong(3232),
                Integer.toUnsignedLong(b.getInt(3244)),
                f.getSize(3248, "bytes_per_prefetch"),
                f.getSize(3296, "prefetch_read_throughput_measure_time"),
                f.getSize(3304, "prefetch_write_throughput_measure_time"),
                PrefetchSettings.DEFAULT_ALPHA,
                f.getSize(3256, "prefetch_min_read_throughput"),
                f.getSize(3272, "prefetch_min_write_throughput"),
                f.getSize(3264, "prefetch_max_read_throughput"),
                f.getSize(3280, "prefetch_max_write_throughput"),
                f.getSize(3288, "prefetch_throttle_time"));
    }

    @Override
    public void encode(FvdHeader h, AlignedBuffer b) {
        HeaderFields f = new HeaderFields(b);
        b.putInt(0, MAGIC);
        b.putInt(4, 2);
        b.putLong(8, h.virtualSize());
        b.putLong(16, h.dataOffset());
        f.putString(24, NAME, h.data().name());
        f.putString(1048, FORMAT, h.data().format());
        f.putString(1064, NAME, h.base().name());
        f.putString(2088, FORMAT, h.base().format());
        b.putLong(2104, h.baseSize());
        b.putLong(2112, h.bitmap().offset());
        b.putLong(2120, h.bitmap().size());
        b.putLong(2128, h.blockSize());
        b.putLong(2136, h.table().offset());
        b.putLong(2144, h.table().size());
        b.putLong(2152, h.chunkSize());
        b.putLong(2160, h.growUnit());
        f.putString(2168, NAME, h.addStorageCommand());
        b.putLong(3192, h.journal().offset());
        b.putLong(3200, h.journal().size());
        b.putLong(3208, h.stableEpoch());
        f.putBoolean(3216, h.clean());
        f.putBoolean(3220, h.copyOnRead());
        b.putLong(3224, h.maxCopyOnRead());
        f.putBoolean(3240, h.allData());
        putPrefetch(h.prefetch(), b);
        f.putBoolean(3312, h.needsZeroInit());
    }

    private static void putPrefetch(PrefetchSettings p, AlignedBuffer b) {
        b.putLong(3232, p.startDelay());
        b.putInt(3244, (int) p.slots());
        b.putLong(3248, p.bytesPerUnit());
        b.putLong(3256, p.minRead());
        b.putLong(3264, p.maxRead());
        b.putLong(3272, p.minWrite());
        b.putLong(3280, p.maxWrite());
        b.putLong(3288, p.throttleTime());
        b.putLong(3296, p.readMeasureTime());
        b.putLong(3304, p.writeMeasureTime());
    }
}
