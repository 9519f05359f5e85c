// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.GIB;
import static io.loomblock.iotests.ports.PortImages.KIB;
import static io.loomblock.iotests.ports.PortImages.MIB;
import static io.loomblock.iotests.ports.Requests.expectAtOnce;
import static io.loomblock.iotests.ports.Requests.writeAtOnce;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.Pattern;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Writes that allocate, in orders that have confused allocators, do not disturb what lies beside them. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class AllocationTest {
    @TempDir
    Path directory;

    private PortImages disk(String format) throws BlockException {
        PortImages images = new PortImages(directory, format);
        images.create("disk", 6 * GIB);
        return images;
    }

    @ForEveryFormat
    @DisplayName("iotest 009: a cluster keeps its data when others are allocated")
    void iotest009EarlierDataStays(String format) throws Exception {
        PortImages images = disk(format);
        try (BlockDevice device = images.open("disk")) {
            writeAtOnce(device, 2048 * KIB, 4 * KIB, 65);
            writeAtOnce(device, 4 * KIB, 4 * KIB, 1);
            writeAtOnce(device, 9 * MIB, 4 * KIB, 2);
            byte[] read = Guest.read(device, 2044 * KIB, 8 * KIB);
            assertThat(read).startsWith(new byte[4 * KIB]).endsWith(bytes(65, 4 * KIB));
        }
        images.expectClean("disk");
    }

    @ForEveryFormat
    @DisplayName("iotest 010: a read over clusters that were allocated in another order")
    void iotest010ReadOverClustersOutOfOrder(String format) throws Exception {
        PortImages images = disk(format);
        try (BlockDevice device = images.open("disk")) {
            writeAtOnce(device, 2048 * KIB, 4 * KIB, 0xa5);
            writeAtOnce(device, 64 * KIB, 4 * KIB, 1);
            writeAtOnce(device, 9 * MIB, 4 * KIB, 2);
            writeAtOnce(device, 2044 * KIB, 4 * KIB, 0xa5);
            writeAtOnce(device, 8 * MIB, 4 * KIB, 63);
            expectAtOnce(device, 2044 * KIB, 8 * KIB, 0xa5);
        }
        images.expectClean("disk");
    }

    /** Neighbours overlap, so what they write depends on the place alone. */
    @ForEveryFormat
    @DisplayName("iotest 011: two requests that allocate the same cluster at once")
    void iotest011TwoAllocationsOfOneCluster(String format) throws Exception {
        PortImages images = disk(format);
        List<Requests.Step> writes = new ArrayList<>();
        try (BlockDevice device = images.open("disk")) {
            for (int i = 1; i <= 10; i++) {
                for (long at : new long[] {(long) i * MIB, (long) i * MIB + 512}) {
                    writes.add(() -> device.write(at, ByteBuffer.wrap(Pattern.bytes(11, at, MIB))));
                }
            }
            Requests.together(writes);
            assertThat(Guest.read(device, 0, 12 * MIB)).isEqualTo(expectedOf011());
        }
        images.expectClean("disk");
    }

    private static byte[] expectedOf011() {
        byte[] expected = new byte[12 * MIB];
        Pattern.fill(11, MIB, expected, MIB, 10 * MIB + 512);
        return expected;
    }

    @ForEveryFormat
    @DisplayName("iotest 027: the rest of a cluster that is written in part reads as zeros")
    void iotest027RestOfAClusterIsZero(String format) throws Exception {
        PortImages images = disk(format);
        try (BlockDevice device = images.open("disk")) {
            writeAtOnce(device, 64 * KIB, 64 * KIB, 0xde);
            writeAtOnce(device, KIB, 2 * KIB, 0x0a);
            expectAtOnce(device, KIB, 2 * KIB, 0x0a);
            expectAtOnce(device, 0, KIB, 0);
            expectAtOnce(device, 3 * KIB, 512, 0);
            expectAtOnce(device, 3 * KIB, 61 * KIB, 0);
            expectAtOnce(device, 64 * KIB, 64 * KIB, 0xde);
        }
        images.expectClean("disk");
    }

    private static byte[] bytes(int value, int count) {
        byte[] bytes = new byte[count];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
