// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.addcow;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.CreateOptions;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.Pattern;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Random requests of 32 virtual threads on files, every byte judged by a model, before and after the image is reopened. */
@Tag("jars")
class ModelTest {
    private static final int REQUESTS = Boolean.getBoolean("loomblock.soak") ? 3000 : 60;
    private static final int MIB = 1 << 20;
    private static final long BASE_ID = 5_000_000;

    @TempDir
    Path directory;

    @ParameterizedTest(name = "clusters {0}, {1} bytes, backing {2}, data in {3}, seed {4}")
    @CsvSource({
        "4096, 6291456, none, raw, 1",
        "65536, 6291968, none, qed, 2",
        "4096, 6291456, short, raw, 3",
        "16384, 9437184, odd, raw, 4",
        "65536, 6291968, long, raw, 5",
        "65536, 8388608, long, qed, 6",
        "2097152, 9437696, short, raw, 7",
        "4096, 6291456, qed, raw, 8",
        "65536, 8388608, add-cow, qed, 9",
        "4096, 6291456, add-cow, raw, 10"
    })
    void everyByteIsAsTheModelSays(int clusterSize, long size, String backing, String dataFormat, long seed)
            throws Exception {
        byte[] base = base(backing);
        Path image = directory.resolve("test.add-cow");
        CreateOptions create = CreateOptions.ofSize(size).with("cluster_size", clusterSize);
        makeOverlay(image, withBacking(create, backing, base), dataFormat);
        // What is less than a sector at the end of a raw backing file is not there (addcow.md section 8).
        byte[] visible = Arrays.copyOf(base, (int) Math.min(base.length & -512, size));
        DiskModel model = new DiskModel(size, DiskModel.Content.of(visible), 1);
        for (int round = 0; round < 2; round++) {
            ModelRun.Plan plan = ModelRun.Plan.of(seed * 10 + round, REQUESTS).withLocked(round == 1);
            try (BlockDevice device = open(image, OpenOptions.readWrite())) {
                ModelRun.verify(device, model, plan.seed());
                new ModelRun(device, model, plan).run();
            }
        }
        try (BlockDevice device = open(image, OpenOptions.readOnly())) {
            ModelRun.verify(device, model, seed);
            assertThat(device.check(FixMode.NONE).isClean()).isTrue();
        }
    }

    /** Memory for 16 pages of bitmap, a disk that needs forty. */
    @Test
    void aBitmapThatDoesNotFitIntoTheBudget() throws Exception {
        long size = 40L * 128 * MIB;
        Path image = directory.resolve("test.add-cow");
        Files.write(directory.resolve("base.raw"), new byte[512]);
        CreateOptions create = CreateOptions.ofSize(size).with("cluster_size", 4096);
        makeOverlay(image, create.withBacking("base.raw", "raw"), "raw");
        OpenOptions little = OpenOptions.readWrite().withMetadataBudget(0);
        DiskModel model = new DiskModel(size, DiskModel.Content.ZEROS, 1);
        try (BlockDevice device = open(image, little)) {
            new ModelRun(device, model, ModelRun.Plan.of(31, 2 * REQUESTS).withMaxBytes(16 << 10)).run();
        }
        try (BlockDevice device = open(image, little.withWritable(false))) {
            ModelRun.verify(device, model, 31);
        }
    }

    /** When everything is in the data file, that alone is the disk (acceptance row 38). */
    @Test
    void theDataFileAloneIsTheDiskOnceItHasEverything() throws Exception {
        byte[] base = Pattern.bytes(BASE_ID, 0, 3 * MIB);
        Path image = directory.resolve("test.add-cow");
        Files.write(directory.resolve("base.raw"), base);
        makeOverlay(image, CreateOptions.ofSize(3 * MIB).withBacking("base.raw", "raw"), "raw");
        byte[] expected = base.clone();
        try (BlockDevice device = open(image, OpenOptions.readWrite())) {
            for (int at = 0; at < base.length; at += 65536) {
                byte[] bytes = Pattern.bytes(7, at, 1000);
                System.arraycopy(bytes, 0, expected, at + 500, bytes.length);
                device.write(at + 500, ByteBuffer.wrap(bytes));
            }
        }
        assertThat(Files.readAllBytes(dataFile(image))).isEqualTo(expected);
    }

    private byte[] base(String backing) {
        return switch (backing) {
            case "none" -> new byte[0];
            case "short" -> Pattern.bytes(BASE_ID, 0, 3 * MIB);
            case "odd" -> Pattern.bytes(BASE_ID, 0, 5 * MIB + 12_345);
            default -> Pattern.bytes(BASE_ID, 0, 8 * MIB);
        };
    }

    private static Path dataFile(Path image) {
        return image.resolveSibling(image.getFileName() + ".data");
    }

    private static void makeOverlay(Path image, CreateOptions create, String dataFormat) throws Exception {
        Path data = dataFile(image);
        long dataSize = dataFormat.equals("raw") ? 0 : create.size();
        BlockDevice.create(dataFormat, data.toString(), CreateOptions.ofSize(dataSize), OpenOptions.readWrite());
        CreateOptions all =
                create.with("image_file", data.getFileName().toString()).with("image_fmt", dataFormat);
        BlockDevice.create("add-cow", image.toString(), all, OpenOptions.readWrite());
    }

    private CreateOptions withBacking(CreateOptions create, String backing, byte[] base) throws Exception {
        switch (backing) {
            case "none" -> {
                return create;
            }
            case "qed", "add-cow" -> {
                Path below = directory.resolve("base." + backing);
                if (backing.equals("qed")) {
                    BlockDevice.create(
                            "qed", below.toString(), CreateOptions.ofSize(base.length), OpenOptions.readWrite());
                } else {
                    Files.write(directory.resolve("root.raw"), new byte[MIB]);
                    makeOverlay(below, CreateOptions.ofSize(base.length).withBacking("root.raw", "raw"), "raw");
                }
                try (BlockDevice device = open(below, OpenOptions.readWrite())) {
                    device.write(0, ByteBuffer.wrap(base));
                    device.writeZeroes(MIB, MIB, 0);
                    Arrays.fill(base, MIB, 2 * MIB, (byte) 0);
                }
                return create.withBacking("base." + backing, backing);
            }
            default -> {
                Files.write(directory.resolve("base.raw"), base);
                return create.withBacking("base.raw", "raw");
            }
        }
    }

    private static BlockDevice open(Path image, OpenOptions options) throws Exception {
        return BlockDevice.open(image.toString(), options);
    }
}
