// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.GIB;
import static io.loomblock.iotests.ports.PortImages.KIB;
import static io.loomblock.iotests.ports.PortImages.MIB;
import static io.loomblock.iotests.ports.Requests.expectAtOnce;
import static io.loomblock.iotests.ports.Requests.writeAtOnce;

import io.loomblock.BlockDevice;
import io.loomblock.CreateOptions;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Zeros in an overlay hide its backing file: 192 KiB that are whole clusters of 4 KiB, and 13 KiB that are not. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ZeroOverBackingTest {
    @TempDir
    Path directory;

    private PortImages images;

    private void createOverlay(String format) throws Exception {
        images = new PortImages(directory, format);
        CreateOptions clusters = CreateOptions.ofSize(128L * MIB).with("cluster_size", 4 * KIB);
        images.create("base", clusters);
        try (BlockDevice base = images.open("base")) {
            writeAtOnce(base, 0, MIB, 0x55);
        }
        images.createOver(images, "base", "top", clusters.withSize(6 * GIB));
        try (BlockDevice top = images.open("top")) {
            top.writeZeroes(64 * KIB, 192 * KIB, 0);
            top.writeZeroes(513 * KIB, 13 * KIB, 0);
            images.expectClean(top);
        }
    }

    @ForEveryOverlay
    @DisplayName("iotest 034: the backing file shows around zeros")
    void iotest034TheBackingFileShowsAroundThem(String format) throws Exception {
        createOverlay(format);
        try (BlockDevice top = images.openReadOnly("top")) {
            expectAtOnce(top, 0, 64 * KIB, 0x55);
            expectAtOnce(top, 64 * KIB, 192 * KIB, 0);
            expectAtOnce(top, 256 * KIB, 257 * KIB, 0x55);
            expectAtOnce(top, 513 * KIB, 13 * KIB, 0);
            expectAtOnce(top, 526 * KIB, 498 * KIB, 0x55);
            expectAtOnce(top, MIB, MIB, 0);
        }
    }

    @ForEveryOverlay
    @DisplayName("iotest 034: writes over zeros, and zeros over them")
    void iotest034WritesOverThemAndZerosAgain(String format) throws Exception {
        createOverlay(format);
        try (BlockDevice top = images.open("top")) {
            writeAtOnce(top, 60 * KIB, 8 * KIB, 0x0a);
            writeAtOnce(top, 64 * KIB, 8 * KIB, 0x0b);
            writeAtOnce(top, 76 * KIB, 4 * KIB, 0x0c);
            writeAtOnce(top, 252 * KIB, 8 * KIB, 0x0d);
            writeAtOnce(top, 248 * KIB, 8 * KIB, 0x0e);
            expectAtOnce(top, 0, 60 * KIB, 0x55);
            expectAtOnce(top, 60 * KIB, 4 * KIB, 0x0a);
            expectAtOnce(top, 64 * KIB, 8 * KIB, 0x0b);
            expectAtOnce(top, 72 * KIB, 4 * KIB, 0);
            expectAtOnce(top, 76 * KIB, 4 * KIB, 0x0c);
            expectAtOnce(top, 80 * KIB, 168 * KIB, 0);
            expectAtOnce(top, 248 * KIB, 8 * KIB, 0x0e);
            expectAtOnce(top, 256 * KIB, 4 * KIB, 0x0d);
            expectAtOnce(top, 260 * KIB, 253 * KIB, 0x55);
            images.expectClean(top);

            top.writeZeroes(64 * KIB, 192 * KIB, 0);
            expectAtOnce(top, 60 * KIB, 4 * KIB, 0x0a);
            expectAtOnce(top, 64 * KIB, 192 * KIB, 0);
            expectAtOnce(top, 256 * KIB, 4 * KIB, 0x0d);
            images.expectClean(top);
        }
    }

    /** The original writes whole clusters only, and so misses that QEMU fills the rest of one from the backing file. */
    @ForEveryOverlay
    @DisplayName("iotest 034: a write into part of a zeroed cluster keeps its other zeros")
    void iotest034AWriteIntoPartOfAZeroedClusterKeepsItsOtherZeros(String format) throws Exception {
        createOverlay(format);
        try (BlockDevice top = images.open("top")) {
            writeAtOnce(top, 101 * KIB, KIB, 0x0f);
        }
        try (BlockDevice top = images.openReadOnly("top")) {
            expectAtOnce(top, 64 * KIB, 37 * KIB, 0);
            expectAtOnce(top, 101 * KIB, KIB, 0x0f);
            expectAtOnce(top, 102 * KIB, 154 * KIB, 0);
            images.expectClean(top);
        }
    }
}
