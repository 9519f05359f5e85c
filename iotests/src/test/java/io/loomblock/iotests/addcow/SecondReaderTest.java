// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.addcow;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.AddCowImages;
import io.loomblock.iotests.support.AddCowReader;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.Step;
import io.loomblock.iotests.support.Timeline;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.GoldenImages;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.TestFiles;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What the driver writes is what a reader sees that knows nothing of the driver; the reader is right about the reference's images. */
class SecondReaderTest {
    private static final int SIZE = 3_000_320;
    private static final byte[] BASE = Pattern.bytes(9_000_000, 0, 2_000_000);

    private static AddCowReader read(TestFiles files) {
        return new AddCowReader(
                files.memory(AddCowImages.NAME).snapshot().toByteArray(),
                files.memory(AddCowImages.DATA).snapshot().toByteArray());
    }

    @Test
    void theReaderReadsTheReferencesImages() throws Exception {
        GoldenImages golden = new GoldenImages(SecondReaderTest.class, "/golden/addcow");
        AddCowReader reader = new AddCowReader(golden.bytes("a01-raw64k.add-cow"), golden.bytes("a01-raw64k.img"));
        assertThat(reader.problems()).isEmpty();
        assertThat(reader.backingName()).isEqualTo("a01-base.raw");
        TestFiles files = new TestFiles();
        files.put("a01-raw64k.add-cow", golden.bytes("a01-raw64k.add-cow"));
        files.put("a01-raw64k.img", golden.bytes("a01-raw64k.img"));
        byte[] base = golden.bytes("a01-base.raw");
        files.put("a01-base.raw", base);
        try (BlockDevice device = files.open("a01-raw64k.add-cow", "add-cow", OpenOptions.readOnly())) {
            assertThat(reader.content(base)).isEqualTo(Guest.bytes(device));
        }
    }

    @ParameterizedTest(name = "clusters {0}, backing file {1}")
    @CsvSource({"4096, true", "65536, true", "2097152, true", "65536, false"})
    void randomWritesAreThereForIt(int clusterSize, boolean backing) throws Exception {
        byte[] base = backing ? BASE : new byte[0];
        TestFiles files = AddCowImages.create(SIZE, clusterSize, "raw", backing ? base : null);
        byte[] shown = Arrays.copyOf(base, base.length & -512);
        DiskModel model = new DiskModel(SIZE, DiskModel.Content.of(shown), 1);
        byte[] content;
        try (BlockDevice device = AddCowImages.open(files, OpenOptions.readWrite())) {
            new ModelRun(device, model, ModelRun.Plan.of(clusterSize, 10)).run();
            content = Guest.bytes(device);
        }
        AddCowReader reader = read(files);
        assertThat(reader.problems()).isEmpty();
        assertThat(reader.content(base)).isEqualTo(content);
        assertThat(reader.allocated()).isPositive();
    }

    @ParameterizedTest
    @EnumSource(Workloads.class)
    void whatIsDoneToTheImageAsAWholeIsThereForIt(Workloads workload) throws Exception {
        TestFiles files = workload.create();
        DiskModel model = new DiskModel(Workloads.GROWN, DiskModel.Content.of(Workloads.SHOWN), 1);
        try (BlockDevice device = AddCowImages.open(files, Workloads.OPTIONS)) {
            List<Step> steps = workload.steps(device, new Timeline(model, new RequestLog()), new FakeTimers());
            assertThat(Step.runAll(steps)).isZero();
        }
        AddCowReader reader = read(files);
        assertThat(reader.problems()).isEmpty();
        byte[] base = reader.backingName().isEmpty() ? new byte[0] : Workloads.BASE;
        byte[] content = reader.content(base);
        model.verify(
                (offset, target, count) -> System.arraycopy(content, (int) offset, target, 0, count),
                0,
                content.length,
                Long.MAX_VALUE,
                Long.MAX_VALUE);
    }
}
