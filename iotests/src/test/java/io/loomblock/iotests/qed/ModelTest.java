// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.CheckResult;
import io.loomblock.CreateOptions;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.MemoryDriver;
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
import org.junit.jupiter.params.provider.ValueSource;

/** Random requests of 32 virtual threads on overlapping ranges, every byte judged by a model, before and after the image is reopened. */
@Tag("jars")
class ModelTest {
    private static final int REQUESTS = Boolean.getBoolean("loomblock.soak") ? 3000 : 60;
    private static final int MIB = 1 << 20;
    private static final long FIRST_ID = 1;
    private static final long BASE_ID = 5_000_000;

    @TempDir
    Path directory;

    @ParameterizedTest(name = "clusters {0}, table of {1}, {2} bytes, backing {3}, seed {4}")
    @CsvSource({
        "4096, 1, 6291456, none, 1",
        "4096, 2, 9437184, none, 2",
        "4096, 16, 4194816, none, 3",
        "65536, 4, 16777216, none, 4",
        "1048576, 2, 20971520, none, 5",
        "4096, 1, 6291456, short, 6",
        "16384, 2, 9437184, odd, 7",
        "65536, 4, 6291456, long, 8",
        "4096, 4, 6291456, qed, 9",
        "65536, 1, 9437184, qed, 10"
    })
    void everyByteIsAsTheModelSays(int clusterSize, int tableSize, long size, String backing, long seed)
            throws Exception {
        byte[] base = base(backing);
        Path image = directory.resolve("test.qed");
        CreateOptions create = QedImages.options(size, clusterSize, tableSize);
        BlockDevice.create("qed", image.toString(), withBacking(create, backing, base), OpenOptions.readWrite());
        byte[] visible = Arrays.copyOf(base, (int) Math.min(base.length, size));
        DiskModel model = new DiskModel(size, DiskModel.Content.of(visible), FIRST_ID);
        for (int round = 0; round < 2; round++) {
            ModelRun.Plan plan = ModelRun.Plan.of(seed * 10 + round, REQUESTS).withLocked(round == 1);
            try (BlockDevice device = open(image, QedImages.readWrite())) {
                ModelRun.verify(device, model, plan.seed());
                new ModelRun(device, model, plan).run();
            }
        }
        expectSoundAndComplete(image, model, seed);
    }

    /** Threads on a few clusters only, so that nearly all of them meet. */
    @ParameterizedTest(name = "clusters {0}")
    @ValueSource(ints = {4096, 65536})
    void manyThreadsOnFewClusters(int clusterSize) throws Exception {
        MemoryDriver file = QedImages.create(16 * MIB, clusterSize, 4);
        DiskModel model = new DiskModel(16 * MIB, DiskModel.Content.ZEROS, FIRST_ID);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            ModelRun.Plan plan = ModelRun.Plan.of(21, REQUESTS).withMaxBytes(3 * 4096);
            for (long span = 2L * clusterSize; span <= 64L * clusterSize; span *= 4) {
                new ModelRun(device, model, plan.withSpan(span)).run();
            }
        }
        try (BlockDevice device = QedImages.open(file, QedImages.readOnly())) {
            ModelRun.verify(device, model, 21);
        }
        QedImages.expectSound(file);
    }

    /** Memory for 16 pieces of tables, a disk that needs hundreds: pages come and go while others use them (E16). */
    @Test
    void tablesThatDoNotFitIntoTheBudget() throws Exception {
        long size = 512L * MIB;
        MemoryDriver file = QedImages.create(size, 4096, 1);
        OpenOptions little = QedImages.readWrite().withMetadataBudget(64 << 10);
        DiskModel model = new DiskModel(size, DiskModel.Content.ZEROS, FIRST_ID);
        try (BlockDevice device = QedImages.open(file, little)) {
            new ModelRun(device, model, ModelRun.Plan.of(31, 2 * REQUESTS).withMaxBytes(16 << 10)).run();
        }
        try (BlockDevice device = QedImages.open(file, little.withWritable(false))) {
            ModelRun.verify(device, model, 31);
        }
        assertThat(QedImages.expectSound(file).tables()).isGreaterThan(200);
    }

    private byte[] base(String backing) {
        return switch (backing) {
            case "none" -> new byte[0];
            case "short" -> Pattern.bytes(BASE_ID, 0, 3 * MIB);
            case "odd" -> Pattern.bytes(BASE_ID, 0, 5 * MIB + 12_345);
            default -> Pattern.bytes(BASE_ID, 0, 8 * MIB);
        };
    }

    private CreateOptions withBacking(CreateOptions create, String backing, byte[] base) throws Exception {
        if (backing.equals("none")) {
            return create;
        }
        if (!backing.equals("qed")) {
            Files.write(directory.resolve("base.raw"), base);
            return create.withBacking("base.raw", "raw");
        }
        Path below = directory.resolve("base.qed");
        BlockDevice.create("qed", below.toString(), CreateOptions.ofSize(base.length), OpenOptions.readWrite());
        try (BlockDevice device = open(below, QedImages.readWrite())) {
            device.write(0, ByteBuffer.wrap(base));
            device.writeZeroes(MIB, MIB, 0);
            Arrays.fill(base, MIB, 2 * MIB, (byte) 0);
        }
        return create.withBacking("base.qed", "qed");
    }

    private static BlockDevice open(Path image, OpenOptions options) throws Exception {
        return BlockDevice.open(image.toString(), options);
    }

    private static void expectSoundAndComplete(Path image, DiskModel model, long seed) throws Exception {
        try (BlockDevice device = open(image, QedImages.readOnly())) {
            ModelRun.verify(device, model, seed);
            CheckResult result = device.check(FixMode.NONE);
            assertThat(result.isClean()).as("%s", result).isTrue();
        }
    }
}
