// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.Combinations;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.HurriedTimers;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.Pattern;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random requests of 32 virtual threads on overlapping ranges, every byte judged by a model, before and after the image is reopened, and by
 * a second reader.
 */
@Tag("jars")
class ModelTest {
    private static final int REQUESTS = Boolean.getBoolean("loomblock.soak") ? 3000 : 60;
    private static final int MIB = 1 << 20;
    private static final long BASE_ID = 5_000_000;

    private static final int TINY_JOURNAL = 4096;

    /** Pairwise: layout, chunk, block, journal (-1 none, 0 default), data file, base image. */
    @ParameterizedTest(
            name = "version {0}, chunk {1}, block {2}, journal {3}, data file {4}, {5} bytes over {6} of base")
    @CsvSource({
        "1, 65536, 0, 0, false, 6291456, 0, buffered",
        "1, 0, 65536, 4096, false, 6291456, 6291456, write-through",
        "1, 65536, 16384, 4096, true, 6291456, 3148288, buffered",
        "1, 4096, 8192, 0, false, 4194304, 4194304, write-through",
        "1, 0, 0, -1, false, 4194304, 0, buffered",
        "1, 40960, 7680, -1, false, 7341568, 4197888, write-through",
        "2, 65536, 0, 4096, true, 6291456, 0, buffered",
        "2, 0, 4096, 0, true, 6291456, 2097664, buffered",
        "2, 65536, 65536, 4096, false, 6291456, 9437184, write-through",
        "2, 4096, 65536, 4096, false, 2097152, 2097152, buffered",
        "2, 1048576, 512, 4096, false, 6291456, 6291456, write-through",
        "2, 0, 0, 0, true, 4194304, 0, buffered",
        "2, 65536, 4096, -1, true, 6291456, 3000000, write-through",
        "2, 512, 262144, 8192, false, 1048576, 1048576, buffered"
    })
    void everyByteIsAsTheModelSays(
            int version, int chunk, int block, long journal, boolean dataFile, long size, int baseLength, String mode)
            throws Exception {
        byte[] base = Pattern.bytes(BASE_ID, 0, baseLength);
        FvdImages images = new FvdImages(new Shape(version, size, chunk, block, journal, dataFile), base);
        long seed = version + chunk + 3L * block + 5 * journal;
        DiskModel model =
                new DiskModel(size, DiskModel.Content.of(Arrays.copyOf(base, (int) Math.min(base.length, size))), 1);
        for (int round = 0; round < 2; round++) {
            ModelRun.Plan plan = ModelRun.Plan.of(seed * 10 + round, REQUESTS).withLocked(round == 1);
            try (BlockDevice device = images.open(FvdImages.readWrite(mode))) {
                ModelRun.verify(device, model, plan.seed());
                new ModelRun(device, model, plan).run();
            }
        }
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            ModelRun.verify(device, model, seed);
            images.expectSound(Guest.bytes(device));
        }
    }

    /** What the image does behind the scenes. */
    private enum Copies {
        NONE,
        READ,
        PREFETCH,
        BOTH;

        CreateOptions of(CreateOptions options) {
            boolean reads = this == READ || this == BOTH;
            boolean fetches = this == PREFETCH || this == BOTH;
            return options.with("copy_on_read", reads ? "on" : "off").with("prefetch_start_delay", fetches ? 1 : 0);
        }
    }

    private static final String[] JOURNALS = {"none", "write-through", "buffered"};

    /** Every two of: layout, with table, with bitmap, journal, data file, copies. All together under -Psoak. */
    static Stream<Arguments> combinations() {
        int[] counts = {2, 2, 2, JOURNALS.length, 2, Copies.values().length};
        List<int[]> rows =
                Boolean.getBoolean("loomblock.soak") ? Combinations.all(counts) : Combinations.pairwise(counts);
        return rows.stream()
                .filter(row -> row[2] == 1 || row[5] == 0)
                .map(row -> Arguments.of(
                        row[0] + 1, row[1] == 1, row[2] == 1, JOURNALS[row[3]], row[4] == 1, Copies.values()[row[5]]));
    }

    @ParameterizedTest(name = "version {0}, table {1}, bitmap {2}, journal {3}, data file {4}, copies {5}")
    @MethodSource("combinations")
    void whateverIsCopiedBehindTheScenesEveryByteIsAsTheModelSays(
            int version, boolean table, boolean bitmap, String journal, boolean dataFile, Copies copies)
            throws Exception {
        int size = 3 * MIB;
        byte[] base = Pattern.bytes(BASE_ID, 0, bitmap ? size - 7 * 512 : 0);
        int chunk = table ? 40960 : 0;
        int block = bitmap ? 7680 : 0;
        Shape shape = new Shape(version, size, chunk, block, journal.equals("none") ? -1 : TINY_JOURNAL, dataFile);
        FvdImages images = new FvdImages(shape, base, copies.of(shape.options()));
        if (copies == Copies.PREFETCH || copies == Copies.BOTH) {
            images.withPrefetchUnit(10 * block);
        }
        OpenOptions options = FvdImages.readWrite(journal.equals("none") ? "auto" : journal);
        DiskModel model = new DiskModel(size, DiskModel.Content.of(Arrays.copyOf(base, size)), 1);
        for (int round = 0; round < 2; round++) {
            ModelRun.Plan plan = ModelRun.Plan.of(500 + round, REQUESTS / 2).withLocked(round == 1);
            try (BlockDevice device = images.open(options.withTimers(new HurriedTimers()))) {
                new ModelRun(device, model, plan).run();
            }
        }
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            ModelRun.verify(device, model, 500);
            images.expectSound(Guest.bytes(device));
        }
    }

    /** Threads on a few blocks only, so that nearly all of them meet. */
    @ParameterizedTest(name = "version {0}")
    @ValueSource(ints = {1, 2})
    void manyThreadsOnFewBlocks(int version) throws Exception {
        byte[] base = Pattern.bytes(BASE_ID, 0, 4 * MIB);
        FvdImages images = new FvdImages(new Shape(version, 4 * MIB, 16384, 65536, TINY_JOURNAL, false), base);
        DiskModel model = new DiskModel(4 * MIB, DiskModel.Content.of(base), 1);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            ModelRun.Plan plan = ModelRun.Plan.of(21, REQUESTS).withMaxBytes(3 * 4096);
            for (long span = 2 << 16; span <= 4 * MIB; span *= 4) {
                new ModelRun(device, model, plan.withSpan(span)).run();
            }
        }
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            ModelRun.verify(device, model, 21);
            images.expectSound(Guest.bytes(device));
        }
    }

    /** Memory for 16 pages of each kind, a disk that needs hundreds: pages come and go, and the journal is recycled for want of room. */
    @Test
    void metadataThatDoesNotFitIntoTheBudget() throws Exception {
        int size = 64 * MIB;
        byte[] base = Pattern.bytes(BASE_ID, 0, size);
        FvdImages images = new FvdImages(new Shape(2, size, 512, 512, 0, false), base);
        OpenOptions little = FvdImages.readWrite().withMetadataBudget(128 << 10);
        DiskModel model = new DiskModel(size, DiskModel.Content.of(base), 1);
        try (BlockDevice device = images.open(little)) {
            new ModelRun(device, model, ModelRun.Plan.of(31, REQUESTS).withMaxBytes(16 << 10)).run();
        }
        try (BlockDevice device = images.open(little.withWritable(false))) {
            ModelRun.verify(device, model, 31);
            assertThat(images.expectSound(Guest.bytes(device)).chunks()).isGreaterThan(200);
        }
    }
}
