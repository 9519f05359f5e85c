// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.SparseBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever stands in a file that says it is an FVD image: nothing comes of it but data or a BlockException, no file is opened that was not
 * allowed, and what is done and kept is bounded by the length of the file.
 */
@Timeout(300)
class HostileImageTest {
    private static final int MUTATIONS = Boolean.getBoolean("loomblock.soak") ? 50_000 : 400;
    private static final int SIZE = 200 << 10;
    private static final int HEADER = 7412;
    private static final byte[] BASE = Pattern.bytes(4, 0, 150_000);
    private static final long[] VALUES = {
        0,
        1,
        2,
        511,
        512,
        4096,
        8192,
        0x7fffffffL,
        0x80000000L,
        0xffffffffL,
        1L << 40,
        1L << 62,
        Long.MAX_VALUE,
        -1,
        Long.MIN_VALUE,
        Long.MAX_VALUE - 511
    };

    @TempDir
    Path directory;

    /** An image that was not closed in order, with records in its journal. */
    private static byte[] dirty(int version) throws Exception {
        FvdImages images = new FvdImages(new Shape(version, SIZE, 8192, 4096, 8192, false), BASE);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            for (int at = 0; at < SIZE - 6000; at += 23_000) {
                device.write(at, ByteBuffer.wrap(Pattern.bytes(9, at, 6000)));
            }
            device.flush();
            return images.image().snapshot().toByteArray();
        }
    }

    /** Does all that can be done with an image; each step may be refused. */
    private static void use(byte[] image) throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, 8192, 0, -1, false), new byte[0]);
        images.files().put(FvdImages.BASE, BASE);
        for (OpenOptions options : List.of(
                FvdImages.readOnly(),
                FvdImages.readWrite().withCheck(true),
                FvdImages.readWrite(),
                FvdImages.readWrite())) {
            images.with(new MemoryDriver(SparseBytes.of(image)), images.data());
            attempt(() -> {
                try (BlockDevice device = images.open(options.withMetadataBudget(1 << 20))) {
                    use(device, options.writable());
                }
            });
        }
    }

    private static void use(BlockDevice device, boolean writable) throws Exception {
        long length = device.length();
        for (long at : new long[] {0, 100_000, length / 2, length - 4096}) {
            attempt(() -> Guest.read(device, at, 4096));
            attempt(() -> device.blockStatus(at, 1 << 20));
            if (writable) {
                attempt(() -> device.write(at, ByteBuffer.wrap(new byte[700])));
                attempt(() -> device.writeZeroes(at, 4096, 0));
            }
        }
        attempt(device::info);
        attempt(() -> device.check(writable ? FixMode.ALL : FixMode.NONE));
        if (writable) {
            attempt(device::flush);
            attempt(() -> device.truncate(SIZE / 2, true, PreallocationMode.OFF));
            attempt(() -> device.truncate(SIZE, true, PreallocationMode.OFF));
            attempt(device::makeEmpty);
        }
    }

    private interface Step {
        void run() throws Exception;
    }

    private static void attempt(Step step) throws Exception {
        try {
            step.run();
        } catch (BlockException e) {
            assertThat(e.errno()).isNotNull();
        }
    }

    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void everyHeaderWordWithEveryAwkwardValue(int version) throws Exception {
        byte[] good = dirty(version);
        List<Integer> places = new ArrayList<>(List.of(0, 4));
        // Fields of the first layout stand at multiples of four; names are left to the mutations.
        addWords(places, 8, version == 1 ? 28 : 24);
        addWords(places, version == 1 ? 1068 : 2104, version == 1 ? 1108 : 2168);
        addWords(places, version == 1 ? 2148 : 3192, version == 1 ? 2236 : 3316);
        if (version == 1) {
            addWords(places, 4284, 4320);
        }
        for (int place : places) {
            for (long value : VALUES) {
                byte[] image = good.clone();
                ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN).putLong(place, value);
                expectNothingElse(image, "word " + place + " = " + value);
            }
        }
    }

    private static void addWords(List<Integer> places, int from, int to) {
        for (int at = from; at < to; at += 4) {
            places.add(at);
        }
    }

    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void randomMutations(int version) throws Exception {
        byte[] good = dirty(version);
        for (int i = 0; i < MUTATIONS; i++) {
            long seed = i * 31L + version;
            Random random = new Random(seed);
            byte[] image = good.clone();
            int changes = 1 + random.nextInt(6);
            for (int change = 0; change < changes; change++) {
                int end = random.nextInt(3) == 0 ? HEADER : Math.min(image.length, 32768);
                int at = random.nextInt(end - 8) & -4;
                ByteBuffer.wrap(image)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(at, random.nextBoolean() ? random.nextInt() : random.nextInt(300));
            }
            expectNothingElse(image, "seed " + seed);
        }
    }

    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void filesThatEndAnywhere(int version) throws Exception {
        byte[] good = dirty(version);
        for (int length : new int[] {0, 1, 4, 7, 8, 4335, 4336, 7411, 7412, 8192, 12288, 20480, 20481, 24576, 30000}) {
            expectNothingElse(Arrays.copyOf(good, Math.min(length, good.length)), "length " + length);
        }
    }

    private static void expectNothingElse(byte[] image, String what) throws Exception {
        try {
            use(image);
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(what + ": " + e, e);
        }
    }

    /** A table that names storage far away must not make the file, or the memory, as long. */
    @Test
    void aHugeSparseTableTakesNoMoreThanItsPages() throws Exception {
        FvdImages images = new FvdImages(
                new Shape(2, 4L << 40, 8192, 0, -1, false),
                new byte[0],
                CreateOptions.ofSize(4L << 40).with("chunk_size", "1M").with("journal_size", "-1"));
        long before = images.image().allocatedFileSize();
        try (BlockDevice device = images.open(FvdImages.readWrite().withMetadataBudget(1 << 20))) {
            for (long at = 0; at < 4L << 40; at += 64L << 30) {
                device.write(at, ByteBuffer.wrap(new byte[512]));
                assertThat(Guest.read(device, at, 512)).containsOnly(0);
            }
            assertThat(device.check(FixMode.NONE).isClean()).isTrue();
        }
        assertThat(images.image().allocatedFileSize()).isLessThan(before + (8 << 20));
    }

    @Test
    void namesAreOpenedOnlyWithTheOpenersConsent() throws Exception {
        Path outside = Files.write(directory.resolve("outside.raw"), new byte[SIZE]);
        Path inside = Files.createDirectory(directory.resolve("inside"));
        for (String option : List.of("backing_file", "data_file")) {
            Path image = inside.resolve(option + ".fvd");
            CreateOptions options = option.equals("backing_file")
                    ? CreateOptions.ofSize(SIZE).withBacking("../outside.raw", "raw")
                    : CreateOptions.ofSize(SIZE)
                            .with("compact_image", "off")
                            .with(option, "../outside.raw")
                            .with("data_file_fmt", "raw");
            BlockDevice.create(
                    "fvd",
                    image.toString(),
                    options,
                    OpenOptions.readWrite().withImplicitOpen(ImplicitOpenPolicy.anyLocalFile()));
            BlockException refused = catchThrowableOfType(
                    BlockException.class, () -> BlockDevice.open(image.toString(), OpenOptions.readOnly()));
            assertThat(refused.errno()).isEqualTo(Errno.EACCES);
            try (BlockDevice device = BlockDevice.open(
                    image.toString(), OpenOptions.readOnly().withImplicitOpen(ImplicitOpenPolicy.anyLocalFile()))) {
                assertThat(device.length()).isEqualTo(SIZE);
            }
        }
        assertThat(outside).hasSize(SIZE);
    }
}
