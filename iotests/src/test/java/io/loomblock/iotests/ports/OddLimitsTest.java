// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.KIB;
import static io.loomblock.iotests.ports.PortImages.MIB;
import static io.loomblock.iotests.ports.Requests.expectAtOnce;
import static io.loomblock.iotests.ports.Requests.writeAtOnce;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockStatus;
import io.loomblock.CacheMode;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import io.loomblock.testkit.Blkdebug;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.TestImages;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that want short requests, large sectors, and zeros in granules that are no powers of two. */
class OddLimitsTest {
    private static final int GRANULE = 3 * MIB / 2;

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "fvd"})
    @DisplayName("iotest 177: requests are cut to what the file takes, and change what they should")
    void iotest177RequestsAreCutToSize(String format) throws Exception {
        MemoryDriver memory = TestImages.create(format, CreateOptions.ofSize(32 * MIB));
        RequestLog log = new RequestLog();
        OpenOptions options = OpenOptions.readWrite().withFormat(format);
        BlockDevice device = BlockDevice.openOn(
                Blkdebug.on(
                        "test." + format,
                        new RecordingDriver("file", memory, log),
                        options,
                        "align",
                        "512",
                        "max-transfer",
                        "65536",
                        "opt-write-zero",
                        String.valueOf(GRANULE),
                        "max-write-zero",
                        String.valueOf(GRANULE),
                        "opt-discard",
                        String.valueOf(GRANULE),
                        "max-discard",
                        String.valueOf(2 * GRANULE)),
                options);
        try (device) {
            log.clear();
            writeAtOnce(device, 0, 32 * MIB, 11);
            writeAtOnce(device, 10 * MIB + 1, 10 * MIB, 22);
            device.writeZeroes(16_777_001, 12_000_001, 0);
            device.discard(80_001, 8 * MIB);
            expectAtOnce(device, 0, 10 * MIB + 1, 11);
            expectAtOnce(device, 10 * MIB + 1, 16_777_001 - 10 * MIB - 1, 22);
            expectAtOnce(device, 16_777_001, 12_000_001, 0);
            expectAtOnce(device, 28_777_002, 32 * MIB - 28_777_002, 11);
            for (RequestLog.Entry entry : log.entries()) {
                switch (entry.kind()) {
                    case READ, WRITE -> assertThat(entry.length()).isBetween(1L, 65_536L);
                    case ZERO -> assertThat(entry.length()).isEqualTo(GRANULE);
                    default -> assertThat(entry.kind()).isNotNull();
                }
                assertThat((entry.offset() | entry.length()) & 511)
                        .as("%s", entry)
                        .isZero();
            }
            new PortImages(directory, format).expectClean(device);
        }
    }

    /** Three clusters; for others the sectors that were written, which is all that can be said of files with holes. */
    private static long leastData(String format) {
        return format.equals("qed") ? 192 * KIB : 132 * KIB;
    }

    /**
     * Three clusters and the two that were zeroed in part; three chunks; where the file itself is asked, a file system that does not tell of
     * holes calls all of it data.
     */
    private static long mostData(String format) {
        return switch (format) {
            case "qed" -> 320 * KIB;
            case "fvd" -> 3 * MIB;
            default -> 8 * MIB;
        };
    }

    @ForEveryFormat
    @DisplayName("iotest 204: status and data of an image whose user wants sectors of 4 KiB")
    void iotest204LargeSectorsOverAnImage(String format) throws Exception {
        PortImages images = new PortImages(directory, format);
        images.create("disk", 8 * MIB);
        OpenOptions options = OpenOptions.readWrite()
                .withCache(CacheMode.UNSAFE)
                .withNodeOptions(NodeOptions.of(Map.of(
                        "driver",
                        "blkdebug",
                        "align",
                        "4096",
                        "image.driver",
                        format,
                        "image.file.filename",
                        images.path("disk"))));
        try (BlockDevice device = BlockDevice.open(options)) {
            writeAtOnce(device, 1000, 128 * KIB, 22);
            device.writeZeroes(MIB + 1000, MIB, 0);
            expectAtOnce(device, 0, 1000, 0);
            expectAtOnce(device, 1000, 128 * KIB, 22);
            expectAtOnce(device, 1000 + 128 * KIB, 7 * MIB, 0);
            long data = 0;
            for (long at = 0; at < device.length(); ) {
                BlockStatus status = device.blockStatus(at, device.length() - at);
                assertThat(status.length() % 4096).isZero();
                data += status.isData() && !status.isZero() ? status.length() : 0;
                at += status.length();
            }
            assertThat(data).isBetween(leastData(format), mostData(format));
        }
        images.expectClean("disk");
    }
}
