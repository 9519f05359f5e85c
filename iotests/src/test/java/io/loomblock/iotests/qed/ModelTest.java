// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.CheckResult;
import io.loomblock.CreateOptions;
import io.loomblock.DetectZeroes;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.testkit.Blkdebug;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
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

    /** Zeros that are found become marks in the tables, or go into clusters that others write at the same time. */
    @ParameterizedTest(name = "{0}, overlay {1}")
    @CsvSource({"ON, false", "ON, true", "UNMAP, false", "UNMAP, true"})
    void zerosThatAreFoundAmongWrites(DetectZeroes detect, boolean overlay) throws Exception {
        Path name = directory.resolve("test.qed");
        byte[] base = overlay ? base("odd") : new byte[0];
        if (overlay) {
            QedImages.raw(directory, "base.raw", base);
        }
        long size = 9 * MIB;
        MemoryDriver file =
                overlay ? QedImages.createOver(name, "base.raw", size, 4096, 1) : QedImages.create(size, 4096, 1);
        DiskModel model = new DiskModel(size, DiskModel.Content.of(base), FIRST_ID);
        OpenOptions options = QedImages.readWrite().withUnmap(true).withDetectZeroes(detect);
        try (BlockDevice device = TestImages.open(name.toString(), file, options)) {
            ModelRun.Plan plan = ModelRun.Plan.of(41, REQUESTS).withZeros(true);
            new ModelRun(device, model, plan).run();
            new ModelRun(device, model, plan.withSpan(16 * 4096).withLocked(true)).run();
        }
        try (BlockDevice device = TestImages.open(name.toString(), file, QedImages.readOnly())) {
            ModelRun.verify(device, model, 41);
        }
        QedImages.expectSound(file);
    }

    /** A raw copy that gets every write too stays equal, whoever writes at the same time elsewhere. */
    @Test
    void aCopyBesideTheImageStaysEqual() throws Exception {
        long size = 6 * MIB + 512;
        Path image = directory.resolve("test.qed");
        Path copy = directory.resolve("copy.raw");
        BlockDevice.create("qed", image.toString(), QedImages.options(size, 4096, 2), OpenOptions.readWrite());
        BlockDevice.create("raw", copy.toString(), CreateOptions.ofSize(size), OpenOptions.readWrite());
        DiskModel model = new DiskModel(size, DiskModel.Content.ZEROS, FIRST_ID);
        OpenOptions both = OpenOptions.readWrite()
                .withNodeOptions(NodeOptions.of(Map.of(
                        "driver", "blkverify",
                        "raw.driver", "raw",
                        "raw.file.filename", copy.toString(),
                        "test.driver", "qed",
                        "test.file.filename", image.toString())));
        try (BlockDevice device = BlockDevice.open(both)) {
            new ModelRun(device, model, ModelRun.Plan.of(51, REQUESTS).withLocked(true)).run();
        }
        try (BlockDevice device = open(copy, OpenOptions.readOnly().withFormat("raw"))) {
            ModelRun.verify(device, model, 51);
        }
        expectSoundAndComplete(image, model, 51);
    }

    /** Every request reads and writes whole blocks of 1 MiB, which many tables and clusters share. */
    @Test
    void aDiskOfTheCoarsestAlignment() throws Exception {
        MemoryDriver file = QedImages.create(4 * MIB, 4096, 1);
        DiskModel model = new DiskModel(4 * MIB, DiskModel.Content.ZEROS, FIRST_ID);
        OpenOptions options = QedImages.readWrite();
        try (BlockDevice device =
                BlockDevice.openOn(Blkdebug.on("test.qed", file, options, "align", "1048576"), options)) {
            new ModelRun(device, model, ModelRun.Plan.of(61, 20).withThreads(8)).run();
        }
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            ModelRun.verify(device, model, 61);
            QedImages.expectNoCorruption(device);
        }
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
