// SPDX-License-Identifier: Apache-2.0
package io.loomblock.examples.masked;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.TestImages;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MaskedFormatTest {
    private static final long KEY = 0x5a17c0dedbadcafeL;
    private static final int SIZE = 1 << 20;
    private static final long SEED = 20261122;

    @TempDir
    Path directory;

    private Path image;

    @BeforeEach
    void create() throws BlockException {
        image = directory.resolve("disk.masked");
        create(CreateOptions.ofSize(SIZE).with("key", KEY));
    }

    @Test
    void manyThreadsReadWhatWasWritten() throws Exception {
        DiskModel model = new DiskModel(SIZE, DiskModel.Content.ZEROS, 1);
        try (BlockDevice disk = open()) {
            new ModelRun(disk, model, ModelRun.Plan.of(SEED, 60)).run();
        }
        try (BlockDevice disk = open()) {
            ModelRun.verify(disk, model, SEED);
        }
    }

    @Test
    void theFileShowsNothingOfTheDisk() throws Exception {
        byte[] text = "what a scanner looks for".getBytes(StandardCharsets.UTF_8);
        try (BlockDevice disk = open()) {
            disk.write(0, ByteBuffer.wrap(text));
            assertThat(read(disk, 0, text.length)).isEqualTo(text);
        }
        byte[] file = Files.readAllBytes(image);
        assertThat(file).hasSize(MaskedHeader.BYTES + SIZE);
        for (int i = 0; i < text.length; i++) {
            assertThat(file[MaskedHeader.BYTES + i]).isNotEqualTo(text[i]);
        }
    }

    @Test
    void zerosStayZerosOfTheFile() throws Exception {
        try (BlockDevice disk = open()) {
            disk.write(0, ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
            disk.writeZeroes(3, 6, 0);
            assertThat(read(disk, 0, 12)).containsExactly(1, 2, 3, 0, 0, 0, 0, 0, 0, 10, 11, 12);
        }
        byte[] file = Files.readAllBytes(image);
        for (int i = MaskedHeader.BYTES + 16; i < file.length; i++) {
            assertThat(file[i]).isZero();
        }
    }

    @Test
    void whatTheFileSaysIsZeroIsZeroOfTheDisk() throws Exception {
        MemoryDriver file = TestImages.create("masked", CreateOptions.ofSize(SIZE));
        file.tellHoles();
        try (BlockDevice disk = TestImages.open("disk.masked", file, OpenOptions.readWrite())) {
            disk.write(SIZE / 2, ByteBuffer.wrap(new byte[] {1}));
            assertThat(disk.blockStatus(0, SIZE).isZero()).isTrue();
            BlockStatus written = disk.blockStatus(SIZE / 2, 8);
            assertThat(written.isData()).isTrue();
            assertThat(written.hasHostOffset()).as("its bytes are in the file").isFalse();
        }
    }

    @Test
    void wordsThatAreTheKeyAreKept() throws Exception {
        ByteBuffer words = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
        words.putLong(KEY).putLong(0).putLong(-1).flip();
        try (BlockDevice disk = open()) {
            disk.write(64, words.duplicate());
            assertThat(read(disk, 64, 24)).isEqualTo(words.array());
        }
    }

    @Test
    void aDiskGrowsByZerosAndIsCut() throws Exception {
        try (BlockDevice disk = open()) {
            disk.write(SIZE - 1, ByteBuffer.wrap(new byte[] {1}));
            disk.truncate(SIZE / 2, true, PreallocationMode.OFF);
            disk.truncate(2 * SIZE, true, PreallocationMode.OFF);
            assertThat(disk.length()).isEqualTo(2 * SIZE);
            assertThat(read(disk, SIZE - 1, 1)).containsExactly(0);
            assertRefused(Errno.EINVAL, () -> disk.truncate(1000, true, PreallocationMode.OFF));
        }
    }

    @Test
    void anImageIsKnownByItsHeader() throws Exception {
        try (BlockDevice disk = open()) {
            assertThat(disk.info().format()).isEqualTo("masked");
            assertThat(disk.info().formatSpecific()).containsEntry("key", "0x" + Long.toHexString(KEY));
        }
    }

    @Test
    void everyNewImageHasAKeyOfItsOwn() throws Exception {
        create(CreateOptions.ofSize(SIZE));
        try (BlockDevice disk = open()) {
            assertThat(disk.info().formatSpecific()).doesNotContainEntry("key", "0x" + Long.toHexString(KEY));
        }
    }

    @Test
    void imagesThatCannotBeAreNotMade() {
        CreateOptions good = CreateOptions.ofSize(SIZE);
        assertRefused(Errno.EINVAL, () -> create(good.with("key", 0)));
        assertRefused(Errno.EINVAL, () -> create(good.with("key", "secret")));
        assertRefused(Errno.EINVAL, () -> create(good.with("colour", "red")));
        assertRefused(Errno.EINVAL, () -> create(good.with("preallocation", "some")));
        assertRefused(Errno.EINVAL, () -> create(good.withSize(1000)));
        assertRefused(Errno.EINVAL, () -> create(good.withSize(-1)));
        assertRefused(Errno.EINVAL, () -> create(good.withBacking("base.raw", "raw")));
        assertRefused(Errno.EFBIG, () -> create(good.withSize(Long.MAX_VALUE & -512)));
        assertThat(image).as("what was there before").hasSize(MaskedHeader.BYTES + SIZE);
    }

    @Test
    void filesThatAreNoImagesAreRefused() throws Exception {
        patch(16, new byte[8]);
        assertRefused(Errno.EINVAL, this::open);
        patch(8, new byte[] {2});
        assertRefused(Errno.ENOTSUP, this::open);
        cutTo(MaskedHeader.BYTES + 1000);
        assertRefused(Errno.ENOTSUP, this::open);
        patch(8, new byte[] {1, 0, 0, 0, 0, 0, 0, 0, 1});
        assertRefused(Errno.EINVAL, this::open);
        cutTo(100);
        assertRefused(Errno.EIO, this::open);
        patch(0, new byte[8]);
        assertRefused(
                Errno.EIO,
                () -> BlockDevice.open(image.toString(), OpenOptions.readOnly().withFormat("masked")));
    }

    private void create(CreateOptions options) throws BlockException {
        BlockDevice.create("masked", image.toString(), options, OpenOptions.readWrite());
    }

    /** The format is not said: it is probed. */
    private BlockDevice open() throws BlockException {
        return BlockDevice.open(image.toString(), OpenOptions.readWrite());
    }

    private static byte[] read(BlockDevice disk, long offset, int bytes) throws BlockException {
        byte[] target = new byte[bytes];
        disk.read(offset, ByteBuffer.wrap(target));
        return target;
    }

    private void patch(long offset, byte[] bytes) throws IOException {
        try (FileChannel file = FileChannel.open(image, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(bytes), offset);
        }
    }

    private void cutTo(long length) throws IOException {
        try (FileChannel file = FileChannel.open(image, StandardOpenOption.WRITE)) {
            file.truncate(length);
        }
    }

    /** Something that may be refused. */
    private interface Attempt {
        void run() throws BlockException;
    }

    private static void assertRefused(Errno errno, Attempt attempt) {
        assertThatExceptionOfType(BlockException.class)
                .isThrownBy(attempt::run)
                .satisfies(e -> assertThat(e.errno()).isEqualTo(errno));
    }
}
