// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.MIB;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.Guest;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Writes to a temporary overlay are read back, and are gone afterwards. */
@Timeout(60)
class SnapshotPortTest {
    private static final long SIZE = 32 * MIB;

    @TempDir
    Path directory;

    @ForEveryFormat
    @DisplayName("iotest 052: a temporary overlay over an image")
    void iotest052TemporaryOverlay(String format) throws Exception {
        PortImages images = new PortImages(directory, format);
        images.create("disk", SIZE);
        try (BlockDevice device = images.open("disk")) {
            device.writeZeroes(0, SIZE, 0);
        }
        byte[] before = Guest.digest().digest(Files.readAllBytes(directory.resolve("disk")));
        OpenOptions snapshot = OpenOptions.readWrite().withFormat(format).withSnapshot(true);
        try (BlockDevice device = BlockDevice.open(images.path("disk"), snapshot)) {
            assertThat(device.length()).isEqualTo(SIZE);
            Guest.expect(device, 0, SIZE, 0);
            Guest.write(device, 0, SIZE, 0x0a);
            Guest.expect(device, 0, SIZE, 0x0a);
        }
        assertThat(Guest.digest().digest(Files.readAllBytes(directory.resolve("disk"))))
                .isEqualTo(before);
        try (BlockDevice device = images.openReadOnly("disk")) {
            Guest.expect(device, 0, SIZE, 0);
        }
        images.expectClean("disk");
    }
}
