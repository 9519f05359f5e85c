// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.KIB;
import static io.loomblock.iotests.ports.PortImages.MIB;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.DirtyBitmap;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bitmaps that recorded one after the other are, merged, the one that recorded all the time. */
class DirtyBitmapMergeTest {
    private static final int CLUSTER = 64 * KIB;
    private static final long[] FIRST = {0, MIB, 32 * MIB, 64 * MIB - CLUSTER};
    /** The first once more, one over the left end, one over the right end, and a neighbour. */
    private static final long[] SECOND = {0, MIB - CLUSTER / 2, 32 * MIB + CLUSTER / 2, 64 * MIB - 2 * CLUSTER};

    @TempDir
    Path directory;

    private static void write(BlockDevice device, long... offsets) throws BlockException {
        for (long offset : offsets) {
            device.write(offset, ByteBuffer.allocate(CLUSTER));
        }
    }

    private static List<DirtyBitmap.Area> areas(DirtyBitmap bitmap) throws BlockException {
        List<DirtyBitmap.Area> areas = new ArrayList<>();
        long end = bitmap.length();
        for (var area = bitmap.nextArea(0, end, end); area != null; area = bitmap.nextArea(area.end(), end, end)) {
            areas.add(area);
        }
        return areas;
    }

    @ParameterizedTest
    @CsvSource({"raw, 65536", "qed, 65536", "raw, 32768", "qed, 131072", "add-cow, 65536", "fvd, 65536"})
    @DisplayName("iotest 236: merging bitmaps")
    void iotest236MergedBitmaps(String format, int granularityOfMerged) throws Exception {
        PortImages images = new PortImages(directory, format);
        images.create("disk", 64 * MIB);
        try (BlockDevice device = images.open("disk")) {
            DirtyBitmap all = device.createDirtyBitmap("A", CLUSTER);
            DirtyBitmap first = device.createDirtyBitmap("B", CLUSTER);
            write(device, FIRST);
            assertThat(all.count()).isEqualTo(4 * CLUSTER);
            first.disable();
            DirtyBitmap second = device.createDirtyBitmap("C", CLUSTER);
            write(device, SECOND);
            all.disable();
            second.disable();
            assertThat(all.count()).isEqualTo(7 * CLUSTER);
            assertThat(first.count()).isEqualTo(4 * CLUSTER);
            assertThat(second.count()).isEqualTo(6 * CLUSTER);
            DirtyBitmap merged = device.createDirtyBitmap("D", granularityOfMerged);
            merged.disable();
            merged.merge(first);
            merged.merge(second);
            if (granularityOfMerged <= CLUSTER) {
                assertThat(areas(merged)).isEqualTo(areas(all));
            } else {
                DirtyBitmap coarse = device.createDirtyBitmap("coarse", granularityOfMerged);
                coarse.merge(all);
                assertThat(areas(merged)).isEqualTo(areas(coarse));
            }
            assertThat(first.count()).isEqualTo(4 * CLUSTER);
            assertThat(second.count()).isEqualTo(6 * CLUSTER);
            for (DirtyBitmap bitmap : device.dirtyBitmaps()) {
                device.removeDirtyBitmap(bitmap);
            }
            assertThat(device.dirtyBitmaps()).isEmpty();
        }
    }
}
