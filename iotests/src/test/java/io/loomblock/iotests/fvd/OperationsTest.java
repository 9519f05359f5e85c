// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.FvdReader;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.SparseBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Creation, files of other formats, reopening and handing over, check: what is done with an image as a whole. */
class OperationsTest {
    private static final int SIZE = 1 << 20;
    private static final int CHUNK = 65536;
    private static final byte[] BASE = Pattern.bytes(4, 0, SIZE / 2);

    @TempDir
    Path directory;

    private static void write(BlockDevice device, long offset, int length) throws BlockException {
        device.write(offset, ByteBuffer.wrap(Pattern.bytes(8, offset, length)));
    }

    private interface Step {
        void run() throws Exception;
    }

    private static BlockException failure(Step step) {
        return catchThrowableOfType(BlockException.class, step::run);
    }

    private Path create(CreateOptions options) throws BlockException {
        Path image = directory.resolve("new.fvd");
        BlockDevice.create("fvd", image.toString(), options, OpenOptions.readWrite());
        return image;
    }

    private static FvdReader read(Path image) throws Exception {
        return new FvdReader(Files.readAllBytes(image));
    }

    @Test
    void newImagesAreCompactAndOfTheSecondLayoutUnlessSaidOtherwise() throws Exception {
        FvdReader reader = read(create(CreateOptions.ofSize(10 << 20)));
        assertThat(reader.version()).isEqualTo(2);
        assertThat(reader.isCompact()).isTrue();
        assertThat(reader.chunkSize()).isEqualTo(1 << 20);
        assertThat(reader.growUnit()).isEqualTo(100 << 20);
        assertThat(reader.journalSize()).isEqualTo(16 << 20);
        assertThat(reader.isClean()).isTrue();
        assertThat(reader.allData()).isTrue();
        Files.write(directory.resolve("base.raw"), BASE);
        FvdReader overlay = read(create(CreateOptions.ofSize(-1).withBacking("base.raw", "raw")));
        assertThat(overlay.virtualSize()).isEqualTo(BASE.length);
        assertThat(overlay.blockSize()).isEqualTo(65536);
        FvdReader first = read(create(CreateOptions.ofSize(513).with("version", 1)));
        assertThat(first.isCompact()).isFalse();
        assertThat(first.virtualSize()).isEqualTo(1024);
    }

    @ParameterizedTest(name = "{0}={1}")
    @CsvSource({
        "version, 3",
        "chunk_size, 0",
        "chunk_size, 9223372036854775807",
        "block_size, x",
        "journal_size, x",
        "journal_size, 4G",
        "no_such_option, 1"
    })
    void optionsThatCannotBeAreRefusedBeforeAFileIsMade(String name, String value) {
        Path image = directory.resolve("refused.fvd");
        CreateOptions options = CreateOptions.ofSize(SIZE).with(name, value);
        BlockException refused =
                failure(() -> BlockDevice.create("fvd", image.toString(), options, OpenOptions.readWrite()));
        assertThat(refused.errno()).isEqualTo(Errno.EINVAL);
        assertThat(image).doesNotExist();
    }

    @Test
    void filesThatAreNamedMustBeThere() {
        Path image = directory.resolve("refused.fvd");
        for (CreateOptions options : new CreateOptions[] {
            CreateOptions.ofSize(SIZE).withBacking("missing", "raw"),
            CreateOptions.ofSize(SIZE).with("data_file", "missing")
        }) {
            BlockException refused =
                    failure(() -> BlockDevice.create("fvd", image.toString(), options, OpenOptions.readWrite()));
            assertThat(refused.errno()).isEqualTo(Errno.ENOENT);
            assertThat(image).doesNotExist();
        }
    }

    /** E12: the program did not look at a base image shorter than its step of search times a sector. */
    @Test
    void zerosOfASmallBaseImageAreFound() throws Exception {
        byte[] base = Arrays.copyOf(Pattern.bytes(1, 0, 8192), 24576);
        Files.write(directory.resolve("base.raw"), base);
        Path image = create(CreateOptions.ofSize(-1)
                .withBacking("base.raw", "raw")
                .with("version", 1)
                .with("block_size", 4096)
                .with("detect_sparse_hole", 8192));
        FvdReader reader = read(image);
        assertThat(reader.needsZeroInit()).isTrue();
        assertThat(reader.has(0)).isFalse();
        assertThat(reader.has(8192)).isTrue();
        assertThat(reader.has(20480)).isTrue();
        try (BlockDevice device = BlockDevice.open(image.toString(), OpenOptions.readWrite())) {
            assertThat(Guest.bytes(device)).isEqualTo(base);
        }
    }

    /** F09, F36: a base image and a data file of another format, both known by what is recorded. */
    @Test
    void baseAndDataFileMayBeImagesThemselves() throws Exception {
        Path base = directory.resolve("base.qed");
        BlockDevice.create("qed", base.toString(), CreateOptions.ofSize(SIZE), OpenOptions.readWrite());
        try (BlockDevice device = BlockDevice.open(base.toString(), OpenOptions.readWrite())) {
            device.write(0, ByteBuffer.wrap(BASE));
        }
        Path data = directory.resolve("data.qed");
        BlockDevice.create("qed", data.toString(), CreateOptions.ofSize(CHUNK), OpenOptions.readWrite());
        Path image = create(CreateOptions.ofSize(SIZE)
                .withBacking("base.qed", "qed")
                .with("chunk_size", CHUNK)
                .with("storage_grow_unit", CHUNK)
                .with("data_file", "data.qed")
                .with("data_file_fmt", "qed"));
        byte[] expected = Arrays.copyOf(BASE, SIZE);
        System.arraycopy(Pattern.bytes(8, 100_000, 300_000), 0, expected, 100_000, 300_000);
        try (BlockDevice device = BlockDevice.open(image.toString(), OpenOptions.readWrite())) {
            write(device, 100_000, 300_000);
            assertThat(Guest.bytes(device)).isEqualTo(expected);
        }
        try (BlockDevice device = BlockDevice.open(image.toString(), OpenOptions.readOnly())) {
            assertThat(Guest.bytes(device)).isEqualTo(expected);
        }
    }

    /** A format replaces what it knows of its image when that grows: a write beside it would be lost with what was known before. */
    @ParameterizedTest
    @ValueSource(strings = {"fvd", "qed"})
    void aDataFileOfAFormatGrowsWhileOthersWrite(String format) throws Exception {
        Path data = directory.resolve("data." + format);
        BlockDevice.create(format, data.toString(), CreateOptions.ofSize(CHUNK), OpenOptions.readWrite());
        Path image = create(CreateOptions.ofSize(8 * SIZE)
                .with("chunk_size", CHUNK)
                .with("storage_grow_unit", CHUNK)
                .with("data_file", data.getFileName().toString())
                .with("data_file_fmt", format));
        int writers = 8;
        int each = 8 * SIZE / writers;
        try (BlockDevice device = BlockDevice.open(image.toString(), OpenOptions.readWrite())) {
            Call[] calls = new Call[writers];
            for (int i = 0; i < writers; i++) {
                int start = i * each;
                calls[i] = Call.of(() -> {
                    for (int at = 0; at < each; at += 4096) {
                        write(device, start + at, 4096);
                    }
                });
            }
            for (Call call : calls) {
                call.join();
            }
        }
        try (BlockDevice device = BlockDevice.open(image.toString(), OpenOptions.readOnly())) {
            assertThat(Guest.bytes(device)).isEqualTo(Pattern.bytes(8, 0, 8 * SIZE));
        }
    }

    /** F43: names are relative to the image, wherever it is opened from. */
    @Test
    void anImageMovesWithTheFilesThatItNames() throws Exception {
        Files.write(directory.resolve("base.raw"), BASE);
        create(CreateOptions.ofSize(SIZE).withBacking("base.raw", "raw"));
        Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
        Files.move(directory.resolve("base.raw"), elsewhere.resolve("base.raw"));
        Path image = Files.move(directory.resolve("new.fvd"), elsewhere.resolve("moved.fvd"));
        try (BlockDevice device = BlockDevice.open(image.toString(), OpenOptions.readOnly())) {
            assertThat(Guest.bytes(device)).isEqualTo(Arrays.copyOf(BASE, SIZE));
        }
    }

    /** E24: what the base image has lost since reads as zeros; what it has gained does not show. */
    @ParameterizedTest(name = "{0} bytes")
    @ValueSource(ints = {100_000, 900_000})
    void aBaseImageThatChangesItsLengthShowsNoMoreThanItDid(int length) throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, 0, false), BASE);
        images.files().put(FvdImages.BASE, Pattern.bytes(4, 0, length));
        byte[] expected = Arrays.copyOf(Arrays.copyOf(BASE, Math.min(length, BASE.length)), SIZE);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            assertThat(Guest.bytes(device)).isEqualTo(expected);
            device.write(98_304, ByteBuffer.wrap(new byte[512]));
            Arrays.fill(expected, 98_304, 98_816, (byte) 0);
            assertThat(Guest.bytes(device)).isEqualTo(expected);
        }
    }

    /** E13: a journal that nobody uses may make the data area begin inside of a sector. */
    @Test
    void theDataAreaBeginsAtTheSectorBelow() throws Exception {
        FvdImages images = new FvdImages(new Shape(1, SIZE, 0, 0, -1, false), new byte[0]);
        SparseBytes file = images.image().snapshot();
        ByteBuffer odd = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        file.write(20, odd.putLong(0, 8192 + 700).array(), 0, 8);
        file.write(4284, odd.putLong(0, 8192).array(), 0, 8);
        file.write(4292, odd.putLong(0, 700).array(), 0, 8);
        file.write(8192 + 512, Pattern.bytes(1, 0, 1000), 0, 1000);
        images.with(new MemoryDriver(file), images.data());
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            assertThat(Guest.read(device, 0, 1000)).isEqualTo(Pattern.bytes(1, 0, 1000));
        }
    }

    /** The name of one that is to come may be recorded; one that is there has to be what it is said to be. */
    @Test
    void aBaseImageMayBeMissingButNotBroken() throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, 4096, false), BASE);
        images.files().put("broken.qed", new byte[70_000]);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            assertThat(failure(() -> device.changeBackingFile("broken.qed", "qed"))
                            .errno())
                    .isEqualTo(Errno.EINVAL);
            assertThat(images.read().base()).isEqualTo(FvdImages.BASE);
            device.changeBackingFile("missing.raw", "raw");
            assertThat(images.read().base()).isEqualTo("missing.raw");
        }
    }

    /** What no base image hides any more is made zero where it is not, which takes no storage. */
    @Test
    void aShorterBaseImageTakesNoStorage() throws Exception {
        long length = 64 << 20;
        for (String name : new String[] {"base.raw", "shorter.raw"}) {
            try (SeekableByteChannel file = Files.newByteChannel(
                    directory.resolve(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                file.position(name.startsWith("base") ? length - 1 : 511).write(ByteBuffer.allocate(1));
            }
        }
        Path image = create(
                CreateOptions.ofSize(length).withBacking("base.raw", "raw").with("compact_image", "off"));
        try (BlockDevice device = BlockDevice.open(image.toString(), OpenOptions.readWrite())) {
            long made = Files.size(image);
            device.changeBackingFile("base.raw", "raw");
            device.changeBackingFile("shorter.raw", "raw");
            assertThat(Files.size(image)).isEqualTo(made);
            device.changeBackingFile("base.raw", "raw");
            write(device, 0, 512);
            device.flush();
            long allocated = device.node().allocatedFileSize();
            device.changeBackingFile("shorter.raw", "raw");
            assertThat(device.node().allocatedFileSize()).isLessThan(allocated + (1 << 20));
        }
    }

    @Test
    void zerosAreTheContentOfANewImageUnlessItHasABase() throws Exception {
        try (BlockDevice device =
                new FvdImages(new Shape(2, SIZE, CHUNK, 0, 0, false), new byte[0]).open(FvdImages.readWrite())) {
            assertThat(device.node().hasZeroInit()).isTrue();
        }
        try (BlockDevice device =
                new FvdImages(new Shape(2, SIZE, CHUNK, 4096, 0, false), BASE).open(FvdImages.readWrite())) {
            assertThat(device.node().hasZeroInit()).isFalse();
        }
    }

    @Test
    void anImageMayBecomeReadOnlyAndWritableAgain() throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, 4096, false), BASE);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            write(device, 1000, 100_000);
            device.node().reopen(false);
            assertThat(images.read().isClean()).isTrue();
            assertThat(failure(() -> write(device, 0, 512)).errno()).isEqualTo(Errno.EPERM);
            assertThat(Guest.read(device, 1000, 100_000)).isEqualTo(Pattern.bytes(8, 1000, 100_000));
            device.node().reopen(true);
            assertThat(images.read().isClean()).isFalse();
            write(device, 300_000, 100_000);
            assertThat(Guest.read(device, 300_000, 100_000)).isEqualTo(Pattern.bytes(8, 300_000, 100_000));
        }
        assertThat(images.read().problems()).isEmpty();
    }

    /** An image that another process owns is not touched; once it is ours, it is recovered. */
    @Test
    void anInactiveImageIsRecoveredWhenItBecomesOurs() throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, 4096, false), BASE);
        SparseBytes dirty;
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            write(device, 1000, 100_000);
            device.flush();
            dirty = images.image().snapshot();
        }
        MemoryDriver file = new MemoryDriver(dirty);
        images.with(file, images.data());
        byte[] before = file.snapshot().toByteArray();
        try (BlockDevice device = images.open(FvdImages.readWrite().withInactive(true))) {
            assertThat(Guest.read(device, 1000, 100_000)).isEqualTo(Pattern.bytes(8, 1000, 100_000));
            assertThat(file.snapshot().toByteArray()).isEqualTo(before);
            assertThat(failure(() -> write(device, 0, 512)).errno()).isEqualTo(Errno.EPERM);
            device.invalidateCache(true);
            write(device, 500_000, 512);
            assertThat(Guest.read(device, 1000, 100_000)).isEqualTo(Pattern.bytes(8, 1000, 100_000));
        }
        assertThat(new FvdReader(file.snapshot().toByteArray()).isClean()).isTrue();
    }

    @Test
    void recordsThatWaitInMemoryAreNotForgotten() throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, 4096, false), BASE);
        try (BlockDevice device = images.open(FvdImages.readWrite("buffered"))) {
            write(device, 0, 16384);
            assertThat(failure(() -> device.invalidateCache(true)).errno()).isEqualTo(Errno.EBUSY);
            device.flush();
            device.invalidateCache(true);
            assertThat(Guest.read(device, 0, 16384)).isEqualTo(Pattern.bytes(8, 0, 16384));
        }
    }

    /** In a drained section nothing waits in memory that could be in the file. */
    @Test
    void aDrainWritesWhatIsCollected() throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, 4096, false), BASE);
        try (BlockDevice device = images.open(FvdImages.readWrite("buffered"))) {
            write(device, 0, 16384);
            assertThat(images.read().journalRecords()).isZero();
            device.node().drainBegin();
            assertThat(images.read().journalRecords()).isEqualTo(2);
            device.node().drainEnd();
        }
    }

    @Test
    void checkCountsSharedUnnamedAndMissingStorage() throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 0, 0, false), new byte[0]);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            write(device, 0, 5 * CHUNK);
            assertThat(device.check(FixMode.NONE).isClean()).isTrue();
        }
        SparseBytes file = images.image().snapshot();
        byte[] header = new byte[8];
        file.read(2136, header, 0, 8);
        long table = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).getLong();
        // Chunk 1 where chunk 0 is, chunk 2 nowhere in the file: their own places have no name any more.
        file.write(table + 4, new byte[] {0, 0, 0, 0, 99, 0, 0, 0}, 0, 8);
        images.with(new MemoryDriver(file), images.data());
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            CheckResult result = device.check(FixMode.NONE);
            assertThat(result.corruptions()).isEqualTo(2);
            assertThat(result.leaks()).isEqualTo(2);
            assertThat(result.allocatedClusters()).isEqualTo(5);
        }
        assertThat(failure(() -> images.open(FvdImages.readWrite())).errno()).isEqualTo(Errno.EIO);
    }

    /** What is between chunks in use stays, and what growing would take next is no leak. */
    @ParameterizedTest(name = "{0} chunks too many")
    @ValueSource(ints = {0, 4})
    void aRepairTellsTheLeaksThatItHasReallyMended(int tooMany) throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 0, 0, false), new byte[0]);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            write(device, 0, 5 * CHUNK);
        }
        SparseBytes file = images.image().snapshot();
        byte[] field = new byte[8];
        file.read(2136, field, 0, 8);
        long table = ByteBuffer.wrap(field).order(ByteOrder.LITTLE_ENDIAN).getLong();
        file.write(table + 8, new byte[] {-1, -1, -1, -1}, 0, 4);
        long inUse = images.read().dataOffset() + 5 * CHUNK;
        file.truncate(inUse + (3 + tooMany) * CHUNK);
        images.image().replace(file);
        try (BlockDevice device = images.open(FvdImages.readWrite().withCheck(true))) {
            CheckResult result = device.check(FixMode.LEAKS);
            assertThat(result.leaksFixed()).isEqualTo(tooMany);
            assertThat(result.leaks()).isEqualTo(1);
            assertThat(device.check(FixMode.NONE).leaks()).isEqualTo(1);
        }
    }
}
