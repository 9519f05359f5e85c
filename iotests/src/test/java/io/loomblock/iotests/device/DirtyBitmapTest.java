// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.DirtyBitmap;
import io.loomblock.PreallocationMode;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.TestImages;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bitmaps over a format with clusters: what the guest wrote is dirty, what the format does for itself is not. */
class DirtyBitmapTest {
    private static final int MIB = 1 << 20;

    @TempDir
    Path directory;

    @ParameterizedTest
    @CsvSource({"4096, 4096", "16384, 16384", "65536, 65536", "1048576, 65536"})
    void theClusterSizeIsTheGranularityWithinReason(int clusterSize, long granularity) throws Exception {
        MemoryDriver file = QedImages.create(4 * MIB, clusterSize, 1);
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite())) {
            assertThat(device.createDirtyBitmap("b", 0).granularity()).isEqualTo(granularity);
        }
    }

    @Test
    void copyOnWriteMakesNothingDirtyBesideWhatTheGuestWrote() throws Exception {
        byte[] base = new byte[MIB];
        base[66_600] = 1;
        QedImages.raw(directory, "base.raw", base);
        Path image = directory.resolve("test.qed");
        MemoryDriver file = QedImages.createOver(image, "base.raw", MIB, 65536, 4);
        try (BlockDevice device = TestImages.open(image.toString(), file, QedImages.readWrite())) {
            DirtyBitmap bitmap = device.createDirtyBitmap("b", 512);
            Guest.write(device, 66_000, 512, 7);
            assertThat(bitmap.nextArea(0, MIB, MIB)).isEqualTo(new DirtyBitmap.Area(65_536, 1024));
            device.flush();
            assertThat(bitmap.count()).isEqualTo(1024);
            Guest.expect(device, 66_600, 1, 1);
        }
    }

    @Test
    void bitmapsGrowWithTheDiskAndOutliveAReopen() throws Exception {
        String image = directory.resolve("disk.qed").toString();
        BlockDevice.create("qed", image, QedImages.options(MIB, 4096, 1), QedImages.readWrite());
        try (BlockDevice device = BlockDevice.open(image, QedImages.readWrite())) {
            DirtyBitmap bitmap = device.createDirtyBitmap("b", 0);
            device.truncate(8L * MIB, true, PreallocationMode.OFF);
            assertThat(bitmap.length()).isEqualTo(8L * MIB);
            Guest.write(device, 7L * MIB, 10, 1);
            assertThat(bitmap.nextDirty(0, Long.MAX_VALUE)).isEqualTo(7L * MIB);
            device.reopen(false);
            device.reopen(true);
            Guest.write(device, MIB, 10, 1);
            assertThat(bitmap.count()).isEqualTo(2 * 4096);
        }
    }
}
