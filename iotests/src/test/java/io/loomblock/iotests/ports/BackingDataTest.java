// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.GIB;
import static io.loomblock.iotests.ports.PortImages.KIB;
import static io.loomblock.iotests.ports.PortImages.MIB;
import static io.loomblock.iotests.ports.Requests.writeAtOnce;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.iotests.ports.Requests.Row;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.Pattern;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an overlay does not hold itself comes from its backing file, byte by byte, also within a cluster and past the end. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BackingDataTest {
    /** What was in the base, and what was written to the overlay, in {@link Pattern}s. */
    private static final int BASE = 1;

    private static final int TOP = 2;

    @TempDir
    Path directory;

    private PortImages overlays(String overlay) {
        return new PortImages(directory, overlay);
    }

    private PortImages bases(String format) {
        return new PortImages(directory, format);
    }

    @ForEveryPair
    @DisplayName("iotest 017: sectors of overlay and base in turn, low and above 4 GiB")
    void iotest017SectorsInTurn(String format, String overlay) throws Exception {
        Interleaved interleaved = new Interleaved(bases(format), overlays(overlay));
        interleaved.create();
        try (BlockDevice top = overlays(overlay).openReadOnly("top")) {
            interleaved.expect(top);
        }
    }

    @ForEveryPair
    @DisplayName("iotest 028: an image that is longer than its backing file")
    void iotest028LongerThanItsBackingFile(String format, String overlay) throws Exception {
        long length = 4 * GIB + 1536;
        long baseLength = length - GIB;
        long start = baseLength - 32 * KIB;
        Row inBase = new Row(start, 512, KIB, 32);
        Row inTop = new Row(start + 512, 512, KIB, 64);
        PortImages bases = bases(format);
        bases.create("base", baseLength);
        try (BlockDevice base = bases.open("base")) {
            inBase.write(base);
        }
        bases.expectClean("base");
        overlays(overlay).createOver(bases, "base", "top", CreateOptions.ofSize(length));
        try (BlockDevice top = overlays(overlay).open("top")) {
            inTop.write(top);
            inBase.expect(top);
            inTop.expect(top);
            new Row(baseLength, 512, KIB, 32).expectZeros(top);
            overlays(overlay).expectClean(top);
        }
    }

    @ForEveryPair
    @DisplayName("iotest 028: one read over the end of the backing file")
    void iotest028ReadOverTheEndOfTheBackingFile(String format, String overlay) throws Exception {
        long baseLength = 3 * GIB;
        PortImages bases = bases(format);
        bases.create("base", baseLength);
        try (BlockDevice base = bases.open("base")) {
            writeAtOnce(base, baseLength - 16, 16, 42);
        }
        overlays(overlay).createOver(bases, "base", "top", CreateOptions.ofSize(4 * GIB));
        try (BlockDevice top = overlays(overlay).openReadOnly("top")) {
            byte[] read = Guest.read(top, baseLength - 16, 32);
            assertThat(read).containsExactly("****************\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".getBytes());
        }
    }

    @ForEveryPair
    @DisplayName("iotest 037: parts of one, two and several small clusters are copied from the base")
    void iotest037CopiesAroundSmallWrites(String format, String overlay) throws Exception {
        int[][] writes = {{0, 2}, {6, 2}, {9, 2}, {16, 6}, {26, 6}, {33, 5}, {48, 15}, {66, 14}, {83, 15}};
        byte[] expected = createBase(format, 128 * KIB);
        overlays(overlay).createOver(bases(format), "base", "top", options(6 * GIB, 4 * KIB));
        try (BlockDevice top = overlays(overlay).open("top")) {
            for (int[] write : writes) {
                writePattern(top, write[0] * KIB, write[1] * KIB, expected);
            }
            assertThat(Guest.read(top, 0, expected.length)).isEqualTo(expected);
        }
        try (BlockDevice top = overlays(overlay).openReadOnly("top")) {
            assertThat(Guest.read(top, 0, expected.length)).isEqualTo(expected);
            overlays(overlay).expectClean(top);
        }
    }

    @ForEveryPair
    @DisplayName("iotest 038: many writes at once into clusters of 2 MiB that are copied meanwhile")
    void iotest038ManyWritesIntoLargeClusters(String format, String overlay) throws Exception {
        byte[] expected = createBase(format, 16 * MIB);
        overlays(overlay).createOver(bases(format), "base", "top", options(6 * GIB, 2 * MIB));
        try (BlockDevice top = overlays(overlay).open("top")) {
            List<Requests.Step> steps = new ArrayList<>();
            steps.add(pattern(top, 2020 * KIB, 80 * KIB, expected));
            for (int i = 0; i < 46; i++) {
                steps.add(pattern(top, i * 128 * KIB, 64 * KIB, expected));
            }
            for (int i = 45; i >= 0; i--) {
                steps.add(pattern(top, i * 128 * KIB + 32 * KIB, 64 * KIB, expected));
            }
            steps.add(pattern(top, 4080 * KIB, 80 * KIB, expected));
            Requests.together(steps);
            assertThat(Guest.read(top, 0, expected.length)).isEqualTo(expected);
        }
        overlays(overlay).expectClean("top");
    }

    private static CreateOptions options(long size, int clusterSize) {
        return CreateOptions.ofSize(size).with("cluster_size", clusterSize);
    }

    private byte[] createBase(String format, int length) throws BlockException {
        byte[] content = Pattern.bytes(BASE, 0, length);
        bases(format).create("base", length);
        try (BlockDevice base = bases(format).open("base")) {
            base.write(0, ByteBuffer.wrap(content));
        }
        return content;
    }

    private static void writePattern(BlockDevice device, int offset, int length, byte[] expected)
            throws BlockException {
        pattern(device, offset, length, expected).run();
    }

    /** A write whose bytes depend on the place alone, so that it may overlap others of its kind. */
    private static Requests.Step pattern(BlockDevice device, int offset, int length, byte[] expected) {
        Pattern.fill(TOP, offset, expected, offset, length);
        return () -> device.write(offset, ByteBuffer.wrap(Pattern.bytes(TOP, offset, length)));
    }
}
