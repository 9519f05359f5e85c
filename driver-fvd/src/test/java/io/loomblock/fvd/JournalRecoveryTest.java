// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.driver.WriteGuard;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import java.util.Arrays;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;

/** Journals that somebody made up to keep a recovery busy: it stays within bounds of time and memory. */
class JournalRecoveryTest {
    private static final int CHUNKS = 1024;
    private static final int CHUNK = 65536;
    private static final int BLOCK = 4096;
    private static final int TABLE = 8192;
    private static final int JOURNAL = 65536;
    private static final int PER_SECTOR = 21;
    private static final int RECORD = RecordFormat.V2.tableHeader() + FvdLayout.ENTRY_BYTES;

    private final SparseBytes bytes = new SparseBytes();
    private final RequestLog log = new RequestLog();
    private final BufferPool pool = OpenOptions.readWrite().pool();

    /** A journal full of records of one entry each, of chunk 0; chunk and epoch of a sector's records are told by its number. */
    private ChunkTable recover(int sectors, LongUnaryOperator chunk, LongUnaryOperator epoch) throws BlockException {
        byte[] empty = new byte[CHUNKS * FvdLayout.ENTRY_BYTES];
        Arrays.fill(empty, (byte) 0xff);
        bytes.write(TABLE, empty, 0, empty.length);
        AlignedBuffer sector = AlignedBuffer.allocate(512);
        byte[] copy = new byte[512];
        for (int i = 0; i < sectors; i++) {
            for (int j = 0; j < PER_SECTOR; j++) {
                RecordFormat.V2.putTable(sector, j * RECORD, epoch.applyAsLong(i), (int) chunk.applyAsLong(i), 1);
                sector.putInt(j * RECORD + RecordFormat.V2.tableHeader(), i % CHUNKS);
            }
            sector.get(0, copy, 0, copy.length);
            bytes.write(JOURNAL + 512L * i, copy, 0, copy.length);
        }
        FvdHeader header = compactHeader(512L * sectors);
        FvdLayout layout = header.validate(header.dataOffset());
        RecordingDriver driver = new RecordingDriver("image", new MemoryDriver(bytes), log);
        Node file = TestImages.node("image", driver, OpenOptions.readWrite());
        ChunkTable table = new ChunkTable(file, layout, 1 << 20);
        new JournalRecovery(file, header, layout, table, null, JournalRecovery::noRoom).run(pool);
        return table;
    }

    private static FvdHeader compactHeader(long journal) {
        Area table = new Area(TABLE, CHUNKS * FvdLayout.ENTRY_BYTES);
        return header((long) CHUNKS * CHUNK, JOURNAL + journal, Area.NONE, table, journal);
    }

    static FvdHeader baseHeader(long size, long journal, long bitmapAt) {
        Area bitmap = new Area(bitmapAt, size / BLOCK / Byte.SIZE);
        return header(size, bitmap.end(), bitmap, Area.NONE, journal);
    }

    /** Of an image with a bitmap, over a base image as long as the disk, with a table, or both. */
    private static FvdHeader header(long size, long dataOffset, Area bitmap, Area table, long journal) {
        boolean hasBase = !bitmap.isEmpty();
        boolean compact = !table.isEmpty();
        return new FvdHeader(
                HeaderV2.INSTANCE,
                size,
                dataOffset,
                NamedFile.NONE,
                hasBase ? new NamedFile("base", "raw") : NamedFile.NONE,
                hasBase ? size : 0,
                !hasBase,
                bitmap,
                hasBase ? BLOCK : 0,
                table,
                compact ? CHUNK : 0,
                compact ? CHUNK : 0,
                "",
                new Area(JOURNAL, journal),
                5,
                false,
                false,
                false,
                0,
                PrefetchSettings.NONE);
    }

    /** Each record is of the whole base image, which by itself takes as long as reading the journal. */
    @Test
    void recordsOfTheWholeBaseImageCostNoMoreThanOne() throws BlockException {
        int sectors = 4096;
        int perSector = RecordFormat.SECTOR / RecordFormat.BITMAP_BYTES;
        long baseSectors = 1L << 28;
        AlignedBuffer sector = AlignedBuffer.allocate(512);
        byte[] copy = new byte[512];
        for (int i = 0; i < sectors; i++) {
            for (int j = 0; j < perSector; j++) {
                sector.putInt(j * 16, RecordFormat.BITMAP);
                sector.putInt(j * 16 + 4, (int) (baseSectors - 1));
                sector.putLong(j * 16 + 8, i % 2);
            }
            sector.get(0, copy, 0, copy.length);
            bytes.write(JOURNAL + 512L * i, copy, 0, copy.length);
        }
        long bitmapAt = JOURNAL + 512L * sectors;
        FvdHeader header = baseHeader(baseSectors * 512, 512L * sectors, bitmapAt);
        FvdLayout layout = header.validate(bitmapAt + header.bitmap().size());
        bytes.truncate(bitmapAt + header.bitmap().size());
        RecordingDriver driver = new RecordingDriver("image", new MemoryDriver(bytes), log);
        Node file = TestImages.node("image", driver, OpenOptions.readWrite());
        // Memory for a few pages, so that every time the bits are set all of the bitmap would be read and written.
        BaseBitmap bitmap = new BaseBitmap(file, layout, 1 << 20);
        Metadata metadata = new Metadata(file, file, layout, null, bitmap, new WriteGuard());
        new JournalRecovery(file, header, layout, null, bitmap, metadata::writeBack).run(pool);
        assertThat(bitmap.hasAll(0, layout.baseSize())).isTrue();
        long written = log.entries().stream()
                .filter(entry -> entry.kind().changes())
                .mapToLong(RequestLog.Entry::length)
                .sum();
        assertThat(written).isLessThan(2 * header.bitmap().size());
        assertThat(bytesRead()).isLessThan(3 * header.bitmap().size() + 4 * 512L * sectors);
    }

    private long bytesRead() {
        return log.entries().stream()
                .filter(entry -> !entry.kind().changes())
                .mapToLong(RequestLog.Entry::length)
                .sum();
    }

    @Test
    void recordsInOrderAreReadOnce() throws BlockException {
        ChunkTable table = recover(2048, i -> i / 2, i -> 5 + i);
        assertThat(table.entry(3)).isEqualTo(7);
        assertThat(bytesRead()).isLessThan(2 << 20);
    }

    /** Epochs that go to and fro between the ends of the journal. */
    @Test
    void recordsOutOfOrderCostNoMoreThanASectorEach() throws BlockException {
        int sectors = 2048;
        ChunkTable table = recover(sectors, i -> 3, i -> 5 + (i < sectors / 2 ? 2 * i : 2 * (sectors - i) - 1));
        // The highest epoch is that of the sector just before the middle, or behind it.
        assertThat(table.entry(3)).isEqualTo(sectors / 2 % CHUNKS);
        assertThat(bytesRead()).isLessThan(8 << 20);
    }

    @Test
    void moreRecordsOutOfOrderThanMemoryIsMeantForAreRefused() {
        int sectors = 51_000;
        BlockException refused =
                catchThrowableOfType(BlockException.class, () -> recover(sectors, i -> 3, i -> 5 + sectors - i));
        assertThat(refused.errno()).isEqualTo(Errno.EINVAL);
    }

    @Test
    void recordsOfChunksThatAreNotThereAreNotCollected() throws BlockException {
        int sectors = 51_000;
        ChunkTable table = recover(sectors, i -> i < 2 ? 3 : CHUNKS, i -> 5 + sectors - i);
        assertThat(table.entry(3)).isZero();
    }
}
