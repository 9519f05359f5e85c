// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.NodeOptions;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.FvdReader;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.Img;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.SparseBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Settings of an image that are changed after it was made. */
class AmendTest {
    private static final int SIZE = 200 << 10;
    private static final byte[] BASE = Pattern.bytes(4, 0, 100_000);

    @TempDir
    Path directory;

    private static FvdImages image(int version) throws BlockException {
        return new FvdImages(new Shape(version, SIZE, 8192, 4096, 4096, false), BASE);
    }

    private static void amend(FvdImages images, Map<String, String> settings) throws BlockException {
        try (BlockDevice device = images.open(FvdImages.readWrite().withCheck(true))) {
            device.amend(NodeOptions.of(settings));
        }
    }

    private static BlockException failure(FvdImages images, Map<String, String> settings) {
        return catchThrowableOfType(BlockException.class, () -> amend(images, settings));
    }

    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void settingsAreInTheHeaderAfterwards(int version) throws Exception {
        FvdImages images = image(version);
        amend(
                images,
                Map.of(
                        "copy_on_read", "on",
                        "need_zero_init", "on",
                        "max_outstanding_copy_on_read_data", "3M",
                        "prefetch_start_delay", "7",
                        "num_prefetch_slots", "3",
                        "bytes_per_prefetch", "8k",
                        "prefetch_min_read_throughput", "11",
                        "prefetch_throttle_time", "12",
                        "size", "190k"));
        FvdReader reader = images.read();
        assertThat(reader.copyOnRead()).isTrue();
        assertThat(reader.needsZeroInit()).isTrue();
        assertThat(reader.virtualSize()).isEqualTo(190 << 10);
        assertThat(reader.isClean()).isTrue();
        byte[] file = images.image().snapshot().toByteArray();
        ByteBuffer header = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        boolean first = version == 1;
        assertThat(header.getLong(first ? 1100 : 3224)).isEqualTo(3 << 20);
        assertThat(header.getInt(first ? 2148 : 3232)).isEqualTo(7);
        assertThat(header.getInt(first ? 2168 : 3244)).isEqualTo(3);
        assertThat(header.getInt(first ? 2172 : 3248)).isEqualTo(8192);
        assertThat(header.getInt(first ? 2188 : 3256)).isEqualTo(11);
        assertThat(header.getInt(first ? 2204 : 3288)).isEqualTo(12);
    }

    /** All or nothing: a good setting beside a bad one changes nothing. */
    @ParameterizedTest(name = "{0}={1}")
    @CsvSource({
        "no_such_setting, 1",
        "chunk_size, 1M",
        "size, x",
        "size, 1E",
        "copy_on_read, maybe",
        "bytes_per_prefetch, 4095",
        "bytes_per_prefetch, 6k",
        "num_prefetch_slots, 0",
        "max_outstanding_copy_on_read_data, 0",
        "prefetch_perf_calc_alpha, 50",
        "data_file, data.raw",
        "data_file, missing"
    })
    void whatCannotBeChangesNothing(String name, String value) throws Exception {
        FvdImages images = image(2);
        byte[] before = images.image().snapshot().toByteArray();
        BlockException refused = failure(images, Map.of("prefetch_start_delay", "9", name, value));
        assertThat(refused.errno()).isIn(Errno.EINVAL, Errno.ENOTSUP);
        assertThat(images.image().snapshot().toByteArray()).isEqualTo(before);
    }

    /** E18: a disk that its table has no room for is not made, and the areas behind the table stay as they are. */
    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void aDiskGrowsAsFarAsItsTableHasRoom(int version) throws Exception {
        FvdImages images = image(version);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            device.write(5000, ByteBuffer.wrap(Pattern.bytes(1, 5000, 20_000)));
        }
        byte[] before;
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            before = Guest.bytes(device);
        }
        amend(images, Map.of("size", "8M"));
        images.expectSound(Arrays.copyOf(before, 8 << 20));
        BlockException refused = failure(images, Map.of("size", "800M"));
        assertThat(refused.errno()).isEqualTo(Errno.ENOTSUP);
        assertThat(refused.reason()).contains("no room", "convert");
        images.expectSound(Arrays.copyOf(before, 8 << 20));
    }

    /** F20: what an image without a journal lacks nobody can tell; whoever says that it lacks nothing may write to it again. */
    @Test
    void anImageWithoutAJournalMayBeDeclaredToBeComplete() throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, 8192, 0, -1, false), new byte[0]);
        SparseBytes dirty;
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            device.write(0, ByteBuffer.wrap(Pattern.bytes(1, 0, 20_000)));
            device.flush();
            dirty = images.image().snapshot();
        }
        images.image().replace(dirty);
        assertThat(catchThrowableOfType(BlockException.class, () -> images.open(FvdImages.readWrite()))
                        .errno())
                .isEqualTo(Errno.EINVAL);
        amend(images, Map.of("size", "210k"));
        assertThat(images.read().isClean()).isFalse();
        amend(images, Map.of("clean_shutdown", "on"));
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            assertThat(Guest.read(device, 0, 20_000)).isEqualTo(Pattern.bytes(1, 0, 20_000));
        }
        amend(images, Map.of("clean_shutdown", "off"));
        assertThat(images.read().isClean()).isFalse();
    }

    /** An image is recovered before its size changes: records of the old one must not be replayed on the new one. */
    @Test
    void anImageThatWasNotClosedIsRecoveredFirst() throws Exception {
        FvdImages images = image(2);
        SparseBytes dirty;
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            device.write(150_000, ByteBuffer.wrap(Pattern.bytes(1, 150_000, 20_000)));
            device.flush();
            dirty = images.image().snapshot();
        }
        images.image().replace(dirty);
        byte[] expected = Arrays.copyOf(BASE, 160 << 10);
        System.arraycopy(Pattern.bytes(1, 150_000, 20_000), 0, expected, 150_000, expected.length - 150_000);
        amend(images, Map.of("size", "160k"));
        images.expectSound(expected);
    }

    @Test
    void theDataFileMayGetAnotherName() throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, 8192, 0, 4096, true), new byte[0]);
        images.files().put("moved.raw", new MemoryDriver());
        amend(images, Map.of("data_file", "moved.raw", "data_file_fmt", "raw"));
        assertThat(images.read().dataFile()).isEqualTo("moved.raw");
        assertThat(failure(images, Map.of("data_file", "")).errno()).isEqualTo(Errno.EINVAL);
    }

    /** No opening would accept them afterwards, nor the one that was to take it back. */
    @Test
    void aFileIsNotNamedTwice() throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, 8192, 4096, 4096, true), BASE);
        expectRefused(images, Map.of("data_file", FvdImages.BASE), "The data file is the base image");
        expectRefused(images, Map.of("data_file", FvdImages.IMAGE), "The data file is the image itself");
        expectRefused(images, Map.of("backing_file", FvdImages.DATA), "The data file is the base image");
        expectRefused(images, Map.of("backing_file", FvdImages.IMAGE), "The base image is the image itself");
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            BlockException refused = catchThrowableOfType(
                    BlockException.class, () -> device.node().changeBackingFile(FvdImages.DATA, "raw"));
            assertThat(refused.errno()).isEqualTo(Errno.EINVAL);
            assertThat(refused).hasMessageContaining("The data file is the base image");
        }
        images.expectSound(Arrays.copyOf(BASE, SIZE));
        assertThat(images.read().dataFile()).isEqualTo(FvdImages.DATA);
    }

    private static void expectRefused(FvdImages images, Map<String, String> settings, String reason) {
        BlockException refused = failure(images, settings);
        assertThat(refused).hasMessageContaining(reason);
        assertThat(refused.errno()).isEqualTo(Errno.EINVAL);
    }

    @Test
    void theToolAmends() throws Exception {
        String image = directory.resolve("a.fvd").toString();
        Img.run("create", "-q", "-f", "fvd", image, "10M").expectExit(0);
        assertThat(Img.run("amend", "-f", "fvd", "-o", "help").out())
                .startsWith("Amend options for 'fvd':\n  backing_file=<str>     - ")
                .contains("\n  clean_shutdown=<bool (on/off)> - ");
        Img.run("amend", "-o", "size=20M", image).expectExit(0);
        assertThat(Img.run("info", image).out()).contains("virtual size: 20 MiB");
        assertThat(Img.run("amend", "-o", "chunk_size=1M", image).err())
                .contains("Invalid parameter 'chunk_size'\nThis option is only supported for image creation");
    }

    @Test
    void theToolShrinksNothingUnlessItIsForced() throws Exception {
        String image = directory.resolve("a.fvd").toString();
        Img.run("create", "-q", "-f", "fvd", image, "10M").expectExit(0);
        assertThat(Img.run("amend", "-o", "size=5M", image).expectExit(1).err())
                .contains("what is behind its new end be lost\nUse 'resize --shrink' to shrink an image, or --force.");
        assertThat(Img.run("info", image).out()).contains("virtual size: 10 MiB");
        Img.run("amend", "-o", "size=10M", image).expectExit(0);
        Img.run("amend", "--force", "-o", "size=5M", image).expectExit(0);
        assertThat(Img.run("info", image).out()).contains("virtual size: 5 MiB");
        assertThat(Img.run("resize", image, "4M").expectExit(1).err()).contains("--shrink");
        Img.run("resize", "--shrink", image, "4M").expectExit(0);
    }

    /** A size is rounded up as the image's own was. */
    @Test
    void theToolTakesTheSizeThatTheImageWasMadeWith() throws Exception {
        String image = directory.resolve("odd.fvd").toString();
        Img.run("create", "-q", "-f", "fvd", image, "1000001").expectExit(0);
        Img.run("amend", "-o", "size=1000001", image).expectExit(0);
        assertThat(Img.run("info", image).out()).contains("(1000448 bytes)");
        Img.run("amend", "-o", "size=999936", image).expectExit(1);
    }

    /** The line on the new image repeats what was asked for, info tells what came of it: so do the other formats, and QEMU's. */
    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "fvd"})
    void sizesAreRoundedUpToSectors(String format) throws Exception {
        String image = directory.resolve("odd").toString();
        assertThat(Img.run("create", "-f", format, image, "1000001")
                        .expectExit(0)
                        .out())
                .contains("size=1000001");
        assertThat(Img.run("info", "-f", format, image).out()).contains("virtual size: 977 KiB (1000448 bytes)");
    }
}
