// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.KIB;
import static io.loomblock.iotests.ports.PortImages.MIB;
import static io.loomblock.iotests.ports.Requests.expectAtOnce;
import static io.loomblock.iotests.ports.Requests.writeAtOnce;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriver;
import io.loomblock.job.ImageConversion;
import io.loomblock.memory.BufferPool;
import io.loomblock.testkit.Blkdebug;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.TestImages;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A conversion that salvages takes along all that can be read of a bad disk; one that does not stops at the first error. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SalvageTest {
    private static final long SIZE = 64L * MIB;
    private static final int SECTOR = 512;

    /** The parts of the disk that hold data. */
    private static final long[] FILLED = {16L * MIB, 31L * MIB, 32L * MIB, 33L * MIB, 34L * MIB};

    private static final List<Long> BAD_SECTORS = badSectors();
    private static final List<Long> BAD_STATUS = List.of(16L * MIB + 8 * KIB, 33L * MIB + SECTOR);

    private final List<Long> reported = new ArrayList<>();
    private MemoryDriver source;

    private static List<Long> badSectors() {
        List<Long> bad = new ArrayList<>(List.of(32L * MIB - 64 * KIB, 33L * MIB + SECTOR));
        for (long at = 34L * MIB; at < 34L * MIB + 4 * KIB; at += SECTOR) {
            bad.add(at);
        }
        return List.copyOf(bad);
    }

    /** A disk that cannot say what is in some sectors, and whether. */
    private static List<String> badDisk() {
        List<String> rules = new ArrayList<>();
        BAD_SECTORS.forEach(at -> addRule(rules, at, "read"));
        BAD_STATUS.forEach(at -> addRule(rules, at, "block-status"));
        return rules;
    }

    private static void addRule(List<String> rules, long at, String kind) {
        String rule = "inject-error." + rules.size() / 6 + ".";
        rules.addAll(
                List.of(rule + "event", "none", rule + "sector", String.valueOf(at / SECTOR), rule + "iotype", kind));
    }

    @BeforeEach
    void makeBadDisk() throws BlockException {
        MemoryDriver memory = TestImages.create("raw", CreateOptions.ofSize(SIZE));
        try (BlockDevice device = open(memory, "raw")) {
            for (long at : FILLED) {
                writeAtOnce(device, at, MIB, 42);
            }
        }
        source = memory;
    }

    private static BlockDevice open(BlockDriver file, String format) throws BlockException {
        return TestImages.open("disk", file, OpenOptions.readWrite().withFormat(format));
    }

    private void convert(BlockDevice target, boolean salvage) throws BlockException {
        ImageConversion.Options options =
                new ImageConversion.Options(4, false, 4 * KIB, true, false, -1, salvage, 0, BufferPool.shared());
        OpenOptions raw = OpenOptions.readWrite().withFormat("raw");
        String[] rules = badDisk().toArray(String[]::new);
        try (BlockDevice device = BlockDevice.openOn(Blkdebug.on("disk", source, raw, rules), raw)) {
            ImageConversion.convert(List.of(device), target, options, new Listener());
        }
    }

    private final class Listener implements ImageConversion.Listener {
        @Override
        public boolean wantsProgress() {
            return false;
        }

        @Override
        public void unreadable(long offset, BlockException failure) {
            reported.add(offset);
        }

        @Override
        public void advanced(long done, long total) {}
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "fvd"})
    @DisplayName("iotest 251: what cannot be read is reported and becomes zeros, the rest is copied")
    void iotest251SalvageLeavesOutUnreadableSectors(String format) throws Exception {
        MemoryDriver file = TestImages.create(format, CreateOptions.ofSize(SIZE));
        try (BlockDevice target = open(file, format)) {
            convert(target, true);
            assertThat(reported).containsExactlyInAnyOrderElementsOf(BAD_SECTORS);
            for (long part : FILLED) {
                for (long at = part; at < part + MIB; at += SECTOR) {
                    expectAtOnce(target, at, SECTOR, BAD_SECTORS.contains(at) ? 0 : 42);
                }
            }
            expectAtOnce(target, 0, 16 * MIB, 0);
            expectAtOnce(target, 35L * MIB, 29 * MIB, 0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "fvd"})
    @DisplayName("iotest 251: without salvage the first error ends the conversion")
    void iotest251WithoutSalvageItFails(String format) throws Exception {
        MemoryDriver file = TestImages.create(format, CreateOptions.ofSize(SIZE));
        try (BlockDevice target = open(file, format)) {
            Requests.expectFailure(Errno.EIO, () -> convert(target, false));
            assertThat(reported).isEmpty();
        }
    }
}
