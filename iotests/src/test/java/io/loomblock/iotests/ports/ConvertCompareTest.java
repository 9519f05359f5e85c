// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.KIB;
import static io.loomblock.iotests.ports.PortImages.MIB;
import static io.loomblock.iotests.ports.Requests.expectAtOnce;
import static io.loomblock.iotests.ports.Requests.writeAtOnce;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Conversions copy what the guest sees, and comparisons find the first place where two disks differ. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConvertCompareTest {
    @TempDir
    Path directory;

    private PortImages images(String format) {
        return new PortImages(directory, format);
    }

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    private void convert(String from, String fromFormat, String to, String toFormat) {
        assertThat(ToolRun.img("convert", "-f", fromFormat, "-O", toFormat, path(from), path(to)))
                .isEqualTo(new ToolRun(0, "", ""));
    }

    private void assertIdentical(String left, String leftFormat, String right, String rightFormat) {
        assertThat(ToolRun.img("compare", "-f", leftFormat, "-F", rightFormat, path(left), path(right)))
                .isEqualTo(new ToolRun(0, "Images are identical.\n", ""));
    }

    /** The base is of QED too, as a walk over gigabytes of a sparse raw file takes long where holes cannot be found. */
    @Test
    @DisplayName("iotest 018: an overlay and its base become one image")
    void iotest018OverlayAndBaseBecomeOne() throws Exception {
        PortImages qed = images("qed");
        Interleaved interleaved = new Interleaved(qed, qed);
        interleaved.create();
        convert("top", "qed", "flat", "qed");
        try (BlockDevice flat = qed.openReadOnly("flat")) {
            assertThat(flat.info().backingFilename()).isNull();
            interleaved.expect(flat);
            qed.expectClean(flat);
        }
        assertIdentical("top", "qed", "flat", "qed");
    }

    @Test
    @DisplayName("iotest 019: clusters that are in the base alone are not copied where the target keeps the base")
    void iotest019KeepingTheBackingFile() throws Exception {
        PortImages qed = images("qed");
        qed.create("base", 4 * MIB);
        try (BlockDevice base = qed.open("base")) {
            writeAtOnce(base, 0, 2 * MIB, 42);
        }
        qed.createOver(qed, "base", "top", CreateOptions.ofSize(4 * MIB));
        try (BlockDevice top = qed.open("top")) {
            writeAtOnce(top, MIB, 64 * KIB, 43);
            writeAtOnce(top, 3 * MIB, 64 * KIB, 43);
        }
        for (String option : new String[] {"-B" + path("base"), "-obacking_file=" + path("base")}) {
            ToolRun run =
                    ToolRun.img("convert", "-f", "qed", "-O", "qed", option, "-F", "qed", path("top"), path("copy"));
            assertThat(run).isEqualTo(new ToolRun(0, "", ""));
            try (BlockDevice copy = qed.openReadOnly("copy")) {
                assertAllocated(copy, 0, false);
                assertAllocated(copy, MIB, true);
                assertAllocated(copy, MIB + 64 * KIB, false);
                assertAllocated(copy, 3 * MIB, true);
                qed.expectClean(copy);
            }
            assertIdentical("top", "qed", "copy", "qed");
        }
    }

    private static void assertAllocated(BlockDevice device, long offset, boolean expected) throws BlockException {
        BlockStatus status = device.blockStatus(offset, 64 * KIB);
        assertThat(status.isAllocated()).as("allocated at %d", offset).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed"})
    @DisplayName("iotest 042: a disk without a byte")
    void iotest042ADiskWithoutAByte(String format) throws Exception {
        PortImages images = images(format);
        images.create("disk", 0);
        images.expectClean("disk");
        convert("disk", format, "copy", format);
        images.expectClean("copy");
        assertIdentical("disk", format, "copy", format);
        try (BlockDevice copy = images.openReadOnly("copy")) {
            assertThat(copy.length()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed"})
    @DisplayName("iotest 048: a disk that is the same but longer")
    void iotest048TheSameButLonger(String format) throws Exception {
        createFilled(format, "a");
        convert("a", format, "b", format);
        assertIdentical("a", format, "b", format);
        assertThat(ToolRun.img("resize", "-f", format, path("b"), "+512").exit())
                .isZero();
        assertThat(compare(format))
                .isEqualTo(new ToolRun(0, "Warning: Image size mismatch!\nImages are identical.\n", ""));
        assertThat(ToolRun.img("compare", "-s", "-f", format, "-F", format, path("a"), path("b")))
                .isEqualTo(new ToolRun(1, "Strict mode: Image size mismatch!\n", ""));
    }

    @ParameterizedTest
    @CsvSource({"raw,1228800", "raw,0", "raw,512", "qed,1228800", "qed,0", "qed,512"})
    @DisplayName("iotest 048: the first place where two disks differ")
    void iotest048TheFirstDifference(String format, long offset) throws Exception {
        PortImages images = images(format);
        createFilled(format, "a");
        convert("a", format, "b", format);
        try (BlockDevice device = images.open("b")) {
            writeAtOnce(device, offset, 512, 100);
            writeAtOnce(device, 3 * MIB, 512, 100);
        }
        assertThat(compare(format)).isEqualTo(new ToolRun(1, "Content mismatch at offset " + offset + "!\n", ""));
    }

    private ToolRun compare(String format) {
        return ToolRun.img("compare", "-f", format, "-F", format, path("a"), path("b"));
    }

    private void createFilled(String format, String name) throws BlockException {
        PortImages images = images(format);
        images.create(name, 4 * MIB);
        try (BlockDevice device = images.open(name)) {
            writeAtOnce(device, 0, 4 * MIB, 45);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed"})
    @DisplayName("iotest 063: conversion into an image that has to be there")
    void iotest063IntoAnExistingImage(String format) throws Exception {
        PortImages images = images(format);
        createFilled(format, "a");
        assertThat(convertInto(format, "missing").exit()).isEqualTo(1);
        assertThat(directory.resolve("missing")).doesNotExist();

        images.create("b", 4 * MIB);
        assertThat(convertInto(format, "b")).isEqualTo(new ToolRun(0, "", ""));
        assertIdentical("a", format, "b", format);
        images.expectClean("b");
        convert("b", format, "b.raw", "raw");
        convert("b.raw", "raw", "back", format);
        assertIdentical("a", format, "b.raw", "raw");
        assertIdentical("a", format, "back", format);
        images.expectClean("back");
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed"})
    @DisplayName("iotest 063: nothing of what was in the target shows after it")
    void iotest063NothingOfTheTargetIsLeft(String format) throws Exception {
        PortImages images = images(format);
        images.create("a", 4 * MIB);
        try (BlockDevice device = images.open("a")) {
            writeAtOnce(device, MIB, 64 * KIB, 42);
        }
        createFilled(format, "b");
        assertThat(convertInto(format, "b")).isEqualTo(new ToolRun(0, "", ""));
        try (BlockDevice device = images.openReadOnly("b")) {
            expectAtOnce(device, 0, MIB, 0);
            expectAtOnce(device, MIB, 64 * KIB, 42);
            expectAtOnce(device, MIB + 64 * KIB, 3 * MIB - 64 * KIB, 0);
            images.expectClean(device);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed"})
    @DisplayName("iotest 063: a target that is too small is left as it is")
    void iotest063TooSmallATarget(String format) throws Exception {
        createFilled(format, "a");
        images(format).create("b", 3 * MIB);
        ToolRun run = convertInto(format, "b");
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.err()).contains("output file is smaller than input file");
        try (BlockDevice device = images(format).openReadOnly("b")) {
            expectAtOnce(device, 0, 3 * MIB, 0);
        }
    }

    private ToolRun convertInto(String format, String target) {
        return ToolRun.img("convert", "-n", "-f", format, "-O", format, path("a"), path(target));
    }

    @Test
    @DisplayName("iotest 072: an image of the format inside an image of the format")
    void iotest072FormatOverFormat() throws Exception {
        PortImages qed = images("qed");
        qed.create("inner", MIB);
        try (BlockDevice inner = qed.open("inner")) {
            writeAtOnce(inner, 0, 512, 42);
            writeAtOnce(inner, 512, 512, 23);
            writeAtOnce(inner, 1024, 512, 66);
        }
        convert("inner", "raw", "outer", "qed");
        try (BlockDevice outer = qed.openReadOnly("outer");
                BlockDevice both =
                        BlockDevice.openOn(outer.node(), OpenOptions.readOnly().withFormat("qed"))) {
            expectAtOnce(both, 0, 512, 42);
            expectAtOnce(both, 512, 512, 23);
            expectAtOnce(both, 1024, 512, 66);
        }
        try (BlockDevice outer = qed.openReadOnly("outer")) {
            expectAtOnce(outer, 0, 1, 'Q');
        }
    }

    @Test
    @DisplayName("iotest 120: raw on top of another format")
    void iotest120RawOverAFormat() throws Exception {
        PortImages qed = images("qed");
        qed.create("disk", 16 * MIB);
        try (BlockDevice below = qed.open("disk");
                BlockDevice raw =
                        BlockDevice.openOn(below.node(), OpenOptions.readWrite().withFormat("raw"))) {
            writeAtOnce(raw, 0, 64 * KIB, 42);
            expectAtOnce(raw, 0, 64 * KIB, 42);
        }
        try (BlockDevice disk = qed.openReadOnly("disk")) {
            expectAtOnce(disk, 0, 64 * KIB, 42);
            expectAtOnce(disk, 64 * KIB, 64 * KIB, 0);
            qed.expectClean(disk);
        }
    }
}
