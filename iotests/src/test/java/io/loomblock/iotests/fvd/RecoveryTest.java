// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.FvdReader;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.SparseBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Journals that a test has written: what is replayed, and what is passed over. Read-only, replayed in memory, and writable. */
class RecoveryTest {
    private static final int SECTOR = 512;
    private static final int BITMAP = 0x3F2AB8ED;
    private static final int TABLE = 0xB4E6F7AC;
    private static final int SIZE = 256 << 10;
    private static final int CHUNK = 16384;
    private static final int BLOCK = 4096;
    private static final int CHUNKS = SIZE / CHUNK;

    /** Four chunks of storage, and no entry that names them. */
    private static final byte[] STORED = Pattern.bytes(5, 0, 4 * CHUNK);

    private static final byte[] BASE = Pattern.bytes(6, 0, SIZE - 32 * SECTOR);

    private FvdImages images;
    private SparseBytes file;
    private int version;
    private int dataStart;
    private int journal;

    @BeforeEach
    void useAnything() {
        version = 2;
    }

    /** An image that was not closed in order, with these sectors at the start of its journal. */
    private void image(int layout, Consumer<ByteBuffer> sectors) throws BlockException {
        version = layout;
        images = new FvdImages(new Shape(layout, SIZE, CHUNK, BLOCK, 8192, false), BASE);
        file = images.image().snapshot();
        ByteBuffer header = ByteBuffer.wrap(file.toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
        dataStart = (int) header.getLong(layout == 1 ? 20 : 16);
        journal = (int) header.getLong(layout == 1 ? 4284 : 3192);
        file.write(dataStart, STORED, 0, STORED.length);
        file.write(layout == 1 ? 4300 : 3216, new byte[4], 0, 4);
        ByteBuffer content = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
        sectors.accept(content);
        file.write(journal, content.array(), 0, content.capacity());
    }

    private void bits(ByteBuffer b, int firstSector, int count) {
        b.putInt(BITMAP).putInt(count).putLong(firstSector);
    }

    private void entries(ByteBuffer b, long epoch, int first, int... entries) {
        table(b, epoch, first, entries.length);
        Arrays.stream(entries).forEach(b::putInt);
    }

    private void table(ByteBuffer b, long epoch, int first, int count) {
        b.putInt(TABLE);
        if (version == 1) {
            b.putInt(first).putInt(count);
        } else {
            b.putLong(epoch).putInt(count).putInt(first);
        }
    }

    private BlockDevice open(OpenOptions options) throws BlockException {
        images.with(new MemoryDriver(file.copy()), images.data());
        return images.open(options);
    }

    private void expect(byte[] content) throws BlockException {
        try (BlockDevice device = open(FvdImages.readOnly())) {
            assertThat(Guest.bytes(device)).isEqualTo(content);
        }
        MemoryDriver recovered = new MemoryDriver(file.copy());
        images.with(recovered, images.data());
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            assertThat(Guest.bytes(device)).isEqualTo(content);
        }
        FvdReader reader = images.expectSound(recovered, images.data(), content);
        assertThat(reader.isClean()).isTrue();
    }

    private static byte[] base() {
        return Arrays.copyOf(BASE, SIZE);
    }

    /** What the disk shows with this physical chunk behind one of its blocks. */
    private static void show(byte[] content, int at, int chunk, int length) {
        System.arraycopy(STORED, chunk * CHUNK + at % CHUNK, content, at, length);
    }

    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void aMappingAndTheBitsOfItsBlocksAreReplayed(int layout) throws BlockException {
        image(layout, b -> {
            entries(b, 0, 2, 0x80000001, 0);
            bits(b, 2 * CHUNK / SECTOR + 3, 8);
        });
        byte[] content = base();
        show(content, 2 * CHUNK, 1, 2 * BLOCK);
        expect(content);
    }

    /** E6: a record may follow a BITMAP record. */
    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void recordsBehindABitmapRecordAreReplayedToo(int layout) throws BlockException {
        image(layout, b -> {
            bits(b, 0, 1);
            entries(b, 0, 0, 3);
            bits(b, CHUNK / SECTOR, 1);
            entries(b, 0, 1, 2);
        });
        byte[] content = base();
        show(content, 0, 3, BLOCK);
        show(content, CHUNK, 2, BLOCK);
        expect(content);
    }

    /** E15: what stands behind the end of the records was never meant. */
    @ParameterizedTest(name = "layout {0}, word {1}")
    @CsvSource({"1, 0", "2, 0", "1, 305419896", "2, 305419896"})
    void nothingBehindAnEmptyOrUnknownWordIsLookedAt(int layout, int word) throws BlockException {
        image(layout, b -> {
            b.putInt(word);
            entries(b, 0, 0, 1);
            bits(b, 0, 100);
            b.position(SECTOR);
            entries(b, 0, 0, 2);
            bits(b, 0, 1);
        });
        byte[] content = base();
        show(content, 0, 2, BLOCK);
        expect(content);
    }

    /** E5: counts and places that are not there, an entry that means nothing. */
    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void recordsThatCannotBeRightArePassedOver(int layout) throws BlockException {
        image(layout, b -> {
            table(b, 0, 0, 0x7fffffff);
            bits(b, 0, 1);
            b.position(SECTOR);
            table(b, 0, 0, -1);
            b.position(2 * SECTOR);
            table(b, 0, 0, 126);
            b.position(3 * SECTOR);
            entries(b, 0, CHUNKS, 1);
            entries(b, 0, -1, 1);
            entries(b, 0, CHUNKS - 1, 1, 2);
            entries(b, 0, 0, -1, 0x7fffffff);
            b.putInt(BITMAP).putInt(-1).putLong(BASE.length / SECTOR);
            b.putInt(BITMAP).putInt(5).putLong(-1);
            b.putInt(BITMAP).putInt(5).putLong(Long.MIN_VALUE);
            b.putInt(BITMAP).putInt(0).putLong(3);
            b.position(4 * SECTOR + 500);
            b.putInt(TABLE);
        });
        expect(base());
    }

    /** A range that begins inside the base image ends with it, however long it says it is. */
    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void bitsReachToTheEndOfTheBaseImage(int layout) throws BlockException {
        image(layout, b -> b.putInt(BITMAP).putInt(-1).putLong(0));
        expect(new byte[SIZE]);
    }

    /** A place that the storage does not reach: nothing that was flushed can be there (spec sections 9.4 and 13). */
    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void anEntryBeyondTheStorageReadsAsZerosAndIsDroppedByRecovery(int layout) throws BlockException {
        image(layout, b -> {
            entries(b, 0, 0, 9, 1);
            bits(b, 0, 2 * CHUNK / SECTOR);
        });
        byte[] content = base();
        Arrays.fill(content, 0, CHUNK, (byte) 0);
        show(content, CHUNK, 1, CHUNK);
        expect(content);
    }

    @ParameterizedTest(name = "stored epoch {0}")
    @CsvSource({"0, 1", "5, 1", "6, 2", "7, 2", "8, 0"})
    void tableRecordsOfLowerEpochsAreDeadAndTheHighestWins(long stable, int chunk) throws BlockException {
        image(2, b -> {
            entries(b, 7, 0, chunk == 2 ? 2 : 1);
            entries(b, 5, 0, 3);
            bits(b, 0, 1);
        });
        file.write(3208, longBytes(stable), 0, 8);
        byte[] content = base();
        if (chunk == 0) {
            Arrays.fill(content, 0, BLOCK, (byte) 0);
        } else {
            show(content, 0, chunk, BLOCK);
        }
        expect(content);
        try (BlockDevice device = open(FvdImages.readOnly())) {
            assertThat(device.length()).isEqualTo(SIZE);
        }
    }

    /** Nobody counts that far; to believe it would leave no epoch for those who come after. */
    @ParameterizedTest(name = "epoch {0}")
    @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE - 1, 1L << 62, 1L << 34})
    void epochsThatNobodyHasCountedArePassedOver(long epoch) throws BlockException {
        image(2, b -> {
            entries(b, epoch, 0, 3);
            bits(b, 0, 1);
        });
        byte[] content = base();
        Arrays.fill(content, 0, BLOCK, (byte) 0);
        expect(content);
    }

    /** What was recovered opens again, and again. */
    @Test
    void theHighestEpochLeavesRoomForThoseToCome() throws BlockException {
        image(2, b -> {
            entries(b, Long.MAX_VALUE, 0, 3);
            entries(b, (1L << 34) - 1, 0, 1);
            bits(b, 0, 1);
        });
        byte[] content = base();
        show(content, 0, 1, BLOCK);
        images.with(new MemoryDriver(file), images.data());
        for (int i = 0; i < 3; i++) {
            try (BlockDevice device = images.open(FvdImages.readWrite())) {
                assertThat(Guest.bytes(device)).isEqualTo(content);
            }
        }
    }

    private static byte[] longBytes(long value) {
        return ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
    }

    /** What is noise to the driver is noise to the second reader, and never more than a wrong disk. */
    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void noiseInTheJournalEndsInAnImageThatOpens(int layout) throws BlockException {
        Random random = new Random(layout);
        for (int round = 0; round < 300; round++) {
            image(layout, b -> {
                for (int sector = 0; sector < 16; sector++) {
                    b.position(sector * SECTOR);
                    noise(b, random, sector * SECTOR + SECTOR);
                }
            });
            byte[] readOnly;
            try (BlockDevice device = open(FvdImages.readOnly())) {
                readOnly = Guest.bytes(device);
            }
            try (BlockDevice device = open(FvdImages.readWrite())) {
                assertThat(Guest.bytes(device)).as("round %d", round).isEqualTo(readOnly);
            }
        }
    }

    private void noise(ByteBuffer b, Random random, int end) {
        while (end - b.position() >= 64) {
            switch (random.nextInt(5)) {
                case 0 -> bits(b, random.nextInt(SIZE / SECTOR), random.nextInt(100));
                case 1 -> entries(b, random.nextInt(4), random.nextInt(CHUNKS), random.nextInt(6));
                case 2 -> table(b, random.nextLong(), random.nextInt(), random.nextInt(10));
                case 3 -> b.putInt(BITMAP).putInt(random.nextInt()).putLong(random.nextLong());
                default -> b.putInt(random.nextInt(3) == 0 ? random.nextInt() : 0);
            }
        }
    }
}
