// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.CheckResult;
import io.loomblock.FixMode;
import io.loomblock.testkit.Pattern;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A write to a part of a cluster leaves the rest of it as it read before, whatever lies below. spec: qed.md section 10.3, E1, E13. */
@Tag("jars")
class CopyOnWriteTest {
    private static final int CLUSTER = 4096;
    private static final long SPAN = 4 << 20;
    private static final long BASE = 99;

    private static byte[] base(int length) {
        return Pattern.bytes(BASE, 0, length);
    }

    /** What the disk reads as where nothing was written: the backing file, and zeros after it. */
    private static byte[] below(int baseLength, int from, int length) {
        byte[] all = Arrays.copyOf(base(baseLength), Math.max(baseLength, from + length));
        Arrays.fill(all, Math.min(baseLength, all.length), all.length, (byte) 0);
        return Arrays.copyOfRange(all, from, from + length);
    }

    private static void sound(TestDisk disk) throws Exception {
        CheckResult result = disk.device.check(FixMode.NONE);
        assertThat(result.isClean()).as("%s", result).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 511, 8192, 8192 + 100, 8192 + 2048, 12287, 12288, 100_001, 1 << 20, 2 << 20})
    void headAndTailComeFromTheBackingFileAsFarAsItReaches(int baseLength) throws Exception {
        int size = 1 << 20;
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 1, size, base(baseLength))) {
            byte[] expected = below(baseLength, 0, size);
            int[][] writes = {
                {8192 + 600, 700}, {3 * CLUSTER, 10}, {5 * CLUSTER - 1, 2}, {size - 100, 100}, {99_000, 5000}
            };
            for (int[] write : writes) {
                disk.write(1, write[0], write[1]);
                Pattern.fill(1, write[0], expected, write[0], write[1]);
            }
            assertThat(disk.read(0, size)).isEqualTo(expected);
            disk.device.flush();
            sound(disk);
            try (TestDisk again = TestDisk.open(disk.memory.snapshot(), base(baseLength))) {
                assertThat(again.read(0, size)).isEqualTo(expected);
            }
        }
    }

    @Test
    void aLargeClusterIsCopiedInPieces() throws Exception {
        int cluster = 8 << 20;
        try (TestDisk disk = TestDisk.overlay(cluster, 1, 4L * cluster, base(cluster * 2 - 12345))) {
            disk.write(1, cluster + 3_000_000, 1000);
            byte[] expected = below(cluster * 2 - 12345, cluster, cluster);
            Pattern.fill(1, cluster + 3_000_000, expected, 3_000_000, 1000);
            assertThat(disk.read(cluster, cluster)).isEqualTo(expected);
        }
    }

    @Test
    void aroundAWriteIntoAZeroClusterAreZerosAndNeverTheBackingFile() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 2, 1 << 20, base(1 << 20))) {
            disk.device.writeZeroes(0, 16 * CLUSTER, 0);
            disk.write(1, 8192 + 512, 512);
            disk.assertHolds(0, 0, 8192 + 512);
            disk.assertHolds(1, 8192 + 512, 512);
            disk.assertHolds(0, 8192 + 1024, 16 * CLUSTER - 8192 - 1024);
        }
    }

    @Test
    void aWriteFromAZeroClusterIntoAnUnallocatedOneKeepsBothApart() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 2, 1 << 20, base(1 << 20))) {
            disk.device.writeZeroes(4 * CLUSTER, CLUSTER, 0);
            disk.device.writeZeroes(9 * CLUSTER, CLUSTER, 0);
            disk.write(1, 5 * CLUSTER - 100, 200);
            disk.write(2, 9 * CLUSTER - 100, 200);
            disk.assertHolds(0, 4 * CLUSTER, CLUSTER - 100);
            disk.assertHolds(BASE, 5 * CLUSTER + 100, CLUSTER - 100);
            disk.assertHolds(BASE, 8 * CLUSTER, CLUSTER - 100);
            disk.assertHolds(0, 9 * CLUSTER + 100, CLUSTER - 100);
        }
    }

    @Test
    void theLastClusterMayBeLongerThanTheDisk() throws Exception {
        long size = 10 * CLUSTER + 512;
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 2, size, base(1 << 20))) {
            disk.write(1, size - 100, 100);
            disk.assertHolds(BASE, 10 * CLUSTER, 412);
            disk.assertHolds(1, size - 100, 100);
            // Nothing from beyond the disk's end is copied, for when it grows.
            byte[] cluster = new byte[CLUSTER];
            disk.memory.snapshot().read(disk.memory.length() - CLUSTER, cluster, 0, CLUSTER);
            assertThat(Arrays.copyOfRange(cluster, 512, CLUSTER)).containsOnly(0);
            disk.device.flush();
            sound(disk);
        }
    }

    @Test
    void oldBytesOfTheFileNeverShowThroughNewClusters() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, SPAN);
        image.data(0, 7);
        byte[] junk = new byte[CLUSTER - 1];
        Arrays.fill(junk, (byte) 0x99);
        image.put(image.end(), junk);
        try (TestDisk disk = TestDisk.open(image.build())) {
            disk.write(1, CLUSTER + 1000, 10);
            disk.assertHolds(0, CLUSTER, 1000);
            disk.assertHolds(0, CLUSTER + 1010, CLUSTER - 1010);
        }
    }

    @Test
    void aRequestOfOneClusterLessThanAClusterHasBytesMapsExactlyItself() throws Exception {
        // 4095 clusters: what QEMU counts as 4096.
        int length = (CLUSTER - 1) * CLUSTER;
        try (TestDisk disk = TestDisk.create(CLUSTER, 16, 64 << 20)) {
            disk.write(1, length, CLUSTER);
            disk.write(2, 0, length);
            disk.assertHolds(1, length, CLUSTER);
            disk.assertHolds(2, 0, length);
            disk.device.flush();
            sound(disk);
        }
        try (TestDisk disk = TestDisk.create(CLUSTER, 16, 64 << 20)) {
            disk.write(1, length, CLUSTER);
            disk.device.writeZeroes(0, length, 0);
            disk.assertHolds(1, length, CLUSTER);
            disk.device.flush();
            sound(disk);
        }
    }

    @Test
    void writesAcrossTablesAndThroughMixedClustersComeOutRight() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int size = (int) (3 * SPAN / 8);
        byte[] expected = below(300_000, 0, size);
        // Tables of one cluster of 4 KiB map 2 MiB each.
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 1, size, base(300_000))) {
            for (int i = 1; i < 400; i++) {
                int at = random.nextInt(size);
                int length = 1 + random.nextInt(Math.min(size - at, random.nextBoolean() ? 3000 : 100_000));
                if (random.nextInt(4) == 0) {
                    disk.device.writeZeroes(at, length, 0);
                    Arrays.fill(expected, at, at + length, (byte) 0);
                } else {
                    disk.write(i, at, length);
                    Pattern.fill(i, at, expected, at, length);
                }
            }
            assertThat(Arrays.mismatch(disk.read(0, size), expected))
                    .as("seed %d", seed)
                    .isEqualTo(-1);
            disk.device.flush();
            sound(disk);
            try (TestDisk again = TestDisk.open(disk.memory.snapshot(), base(300_000))) {
                assertThat(Arrays.mismatch(again.read(0, size), expected))
                        .as("seed %d", seed)
                        .isEqualTo(-1);
            }
        }
    }
}
