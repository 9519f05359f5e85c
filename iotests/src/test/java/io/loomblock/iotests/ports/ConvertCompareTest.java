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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

    private void convert(String from, String fromFormat, String to, String toFormat, String... more)
            throws BlockException {
        List<String> words = new ArrayList<>(List.of("convert", "-f", fromFormat, "-O", toFormat));
        words.addAll(List.of(more));
        words.addAll(images(toFormat).words(to));
        words.addAll(List.of(path(from), path(to)));
        assertThat(ToolRun.img(words.toArray(String[]::new))).isEqualTo(new ToolRun(0, "", ""));
    }

    private void assertIdentical(String left, String leftFormat, String right, String rightFormat) {
        assertThat(ToolRun.img("compare", "-f", leftFormat, "-F", rightFormat, path(left), path(right)))
                .isEqualTo(new ToolRun(0, "Images are identical.\n", ""));
    }

    /** The base is of QED too, as a walk over gigabytes of a sparse raw file takes long where holes cannot be found. */
    @ForEveryOverlay
    @DisplayName("iotest 018: an overlay and its base become one image")
    void iotest018OverlayAndBaseBecomeOne(String format) throws Exception {
        PortImages images = images(format);
        Interleaved interleaved = new Interleaved(images("qed"), images);
        interleaved.create();
        convert("top", format, "flat", format);
        try (BlockDevice flat = images.openReadOnly("flat")) {
            assertThat(flat.info().backingFilename()).isNull();
            interleaved.expect(flat);
            images.expectClean(flat);
        }
        assertIdentical("top", format, "flat", format);
    }

    @ForEveryOverlay
    @DisplayName("iotest 019: clusters that are in the base alone are not copied where the target keeps the base")
    void iotest019KeepingTheBackingFile(String format) throws Exception {
        PortImages images = images(format);
        images.create("base", 4 * MIB);
        try (BlockDevice base = images.open("base")) {
            writeAtOnce(base, 0, 2 * MIB, 42);
        }
        images.createOver(images, "base", "top", CreateOptions.ofSize(4 * MIB));
        try (BlockDevice top = images.open("top")) {
            writeAtOnce(top, MIB, 64 * KIB, 43);
            writeAtOnce(top, 3 * MIB, 64 * KIB, 43);
        }
        for (String option : new String[] {"-B" + path("base"), "-obacking_file=" + path("base")}) {
            convert("top", format, "copy", format, option, "-F", format);
            try (BlockDevice copy = images.openReadOnly("copy")) {
                assertAllocated(copy, 0, false);
                assertAllocated(copy, MIB, true);
                assertAllocated(copy, MIB + 64 * KIB, false);
                assertAllocated(copy, 3 * MIB, true);
                images.expectClean(copy);
            }
            assertIdentical("top", format, "copy", format);
        }
    }

    private static void assertAllocated(BlockDevice device, long offset, boolean expected) throws BlockException {
        BlockStatus status = device.blockStatus(offset, 64 * KIB);
        assertThat(status.isAllocated()).as("allocated at %d", offset).isEqualTo(expected);
    }

    @ForEveryFormat
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

    @ForEveryFormat
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
    @CsvSource({
        "raw, 1228800",
        "raw, 0",
        "raw, 512",
        "qed, 1228800",
        "qed, 0",
        "qed, 512",
        "add-cow, 1228800",
        "add-cow, 0",
        "add-cow, 512",
        "fvd, 1228800",
        "fvd, 0",
        "fvd, 512"
    })
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

    @ForEveryFormat
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

    @ForEveryFormat
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

    @ForEveryFormat
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

    /** Not of add-cow, whose data would be in a file beside that in which it is. */
    @ParameterizedTest
    @CsvSource({"qed, Q", "fvd, F"})
    @DisplayName("iotest 072: an image of the format inside an image of the format")
    void iotest072FormatOverFormat(String format, char magic) throws Exception {
        PortImages images = images(format);
        images.create("inner", MIB);
        try (BlockDevice inner = images.open("inner")) {
            writeAtOnce(inner, 0, 512, 42);
            writeAtOnce(inner, 512, 512, 23);
            writeAtOnce(inner, 1024, 512, 66);
        }
        convert("inner", "raw", "outer", format);
        try (BlockDevice outer = images.openReadOnly("outer");
                BlockDevice both =
                        BlockDevice.openOn(outer.node(), OpenOptions.readOnly().withFormat(format))) {
            expectAtOnce(both, 0, 512, 42);
            expectAtOnce(both, 512, 512, 23);
            expectAtOnce(both, 1024, 512, 66);
        }
        try (BlockDevice outer = images.openReadOnly("outer")) {
            expectAtOnce(outer, 0, 1, magic);
        }
    }

    @ForEveryFormat
    @DisplayName("iotest 120: raw on top of another format")
    void iotest120RawOverAFormat(String format) throws Exception {
        PortImages images = images(format);
        images.create("disk", 16 * MIB);
        try (BlockDevice below = images.open("disk");
                BlockDevice raw =
                        BlockDevice.openOn(below.node(), OpenOptions.readWrite().withFormat("raw"))) {
            writeAtOnce(raw, 0, 64 * KIB, 42);
            expectAtOnce(raw, 0, 64 * KIB, 42);
        }
        try (BlockDevice disk = images.openReadOnly("disk")) {
            expectAtOnce(disk, 0, 64 * KIB, 42);
            expectAtOnce(disk, 64 * KIB, 64 * KIB, 0);
            images.expectClean(disk);
        }
    }
}
