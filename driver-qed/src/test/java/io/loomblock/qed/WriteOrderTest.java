// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every request of a single writer to the file, in order: data first, then what points at it. spec: qed.md sections 10.3 and 14. */
@Tag("jars")
class WriteOrderTest {
    private static final int CLUSTER = 4096;
    private static final long SPAN = 4 << 20;
    /** Header, L1 table of two clusters. */
    private static final long FIRST = 3 * CLUSTER;

    private static List<String> during(TestDisk disk, TestDisk.Step step) throws Exception {
        int start = disk.log.size();
        step.run();
        return disk.changes(start);
    }

    @Test
    void withoutABackingFileTheBitIsDurableBeforeTheFirstEntryIsWritten() throws Exception {
        try (TestDisk disk = TestDisk.create(CLUSTER, 2, 4 * SPAN)) {
            long table = FIRST;
            long data = table + 2 * CLUSTER;
            assertThat(during(disk, () -> disk.write(1, 8192, CLUSTER)))
                    .containsExactly("WRITE 8192@" + table, "WRITE 4096@" + data);
            assertThat(during(disk, disk.device::flush))
                    .containsExactly(
                            "WRITE 512@0",
                            "FLUSH",
                            "WRITE 512@" + table,
                            // The table must be there before the L1 table names it.
                            "FLUSH",
                            "WRITE 512@" + CLUSTER,
                            "FLUSH");
            assertThat(disk.needCheckInFile()).isTrue();
            // In a table that is known already an entry takes one sector and one flush.
            assertThat(during(disk, () -> disk.write(2, 0, CLUSTER))).containsExactly("WRITE 4096@" + (data + CLUSTER));
            assertThat(during(disk, disk.device::flush)).containsExactly("WRITE 512@" + table, "FLUSH");
            assertThat(disk.fileLong(table)).isEqualTo(data + CLUSTER);
            assertThat(disk.fileLong(table + 16)).isEqualTo(data);
        }
    }

    @Test
    void withABackingFileDataIsDurableBeforeItsEntryAndTheBitStaysClear() throws Exception {
        byte[] base = new byte[1 << 20];
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 2, 4 * SPAN, base)) {
            long table = FIRST;
            long data = table + 2 * CLUSTER;
            assertThat(during(disk, () -> disk.write(1, 8192 + 512, 512)))
                    .containsExactly(
                            "WRITE 8192@" + table,
                            "WRITE 512@" + data,
                            "WRITE 512@" + (data + 512),
                            "WRITE 3072@" + (data + 1024));
            assertThat(during(disk, disk.device::flush))
                    .containsExactly("FLUSH", "WRITE 512@" + table, "FLUSH", "WRITE 512@" + CLUSTER, "FLUSH");
            disk.write(1, 16384, CLUSTER);
            assertThat(during(disk, disk.device::flush)).containsExactly("FLUSH", "WRITE 512@" + table, "FLUSH");
            assertThat(disk.needCheckInFile()).isFalse();
        }
    }

    @Test
    void aWriteInPlaceTouchesNoMetadata() throws Exception {
        try (TestDisk disk = TestDisk.create(CLUSTER, 2, SPAN)) {
            disk.write(1, 0, 4 * CLUSTER);
            disk.device.flush();
            int start = disk.log.size();
            disk.write(2, 100, 3 * CLUSTER);
            disk.device.flush();
            assertThat(disk.log.since(start).stream().map(RequestLog.Entry::kind))
                    .containsExactly(Kind.WRITE, Kind.FLUSH);
        }
    }

    @Test
    void aSecondFlushDoesNothing() throws Exception {
        try (TestDisk disk = TestDisk.create(CLUSTER, 2, SPAN)) {
            disk.write(1, 0, CLUSTER);
            disk.device.flush();
            assertThat(during(disk, disk.device::flush)).isEmpty();
        }
    }

    @Test
    void clustersInARowAreWrittenInOnePiece() throws Exception {
        try (TestDisk disk = TestDisk.create(CLUSTER, 2, SPAN)) {
            long data = FIRST + 2 * CLUSTER;
            assertThat(during(disk, () -> disk.write(1, 100, 5 * CLUSTER)))
                    .containsExactly(
                            "WRITE 8192@" + FIRST,
                            "WRITE 20480@" + (data + 100),
                            "ZERO 512@" + (data + 6 * CLUSTER - 512));
            assertThat(disk.memory.length()).isEqualTo(data + 6 * CLUSTER);
        }
    }

    @Test
    void aWriteAcrossTablesMakesBothAndNamesThemTogether() throws Exception {
        try (TestDisk disk = TestDisk.create(CLUSTER, 2, 4 * SPAN)) {
            long second = FIRST + 3 * CLUSTER;
            assertThat(during(disk, () -> disk.write(1, SPAN - CLUSTER, 2 * CLUSTER)))
                    .containsExactly(
                            "WRITE 8192@" + FIRST,
                            "WRITE 4096@" + (FIRST + 2 * CLUSTER),
                            "WRITE 8192@" + second,
                            "WRITE 4096@" + (second + 2 * CLUSTER));
            List<String> flush = during(disk, disk.device::flush);
            assertThat(flush)
                    .hasSize(7)
                    .startsWith("WRITE 512@0", "FLUSH")
                    .endsWith("FLUSH", "WRITE 512@4096", "FLUSH");
            assertThat(flush.subList(2, 4))
                    .containsExactlyInAnyOrder("WRITE 512@" + (FIRST + 7680), "WRITE 512@" + second);
        }
    }

    @Test
    void neighbouringSectorsOfATableAreWrittenTogether() throws Exception {
        try (TestDisk disk = TestDisk.create(CLUSTER, 2, SPAN)) {
            disk.write(1, 0, 200 * CLUSTER);
            List<String> flush = during(disk, disk.device::flush);
            assertThat(flush).contains("WRITE 2048@" + FIRST);
        }
    }

    @Test
    void thePartOfAClusterAtTheEndOfTheFileIsCutOffForGoodFirst() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, SPAN);
        image.data(0, 1);
        byte[] junk = new byte[1000];
        Arrays.fill(junk, (byte) 0x99);
        image.put(image.end(), junk);
        try (TestDisk disk = TestDisk.open(image.build())) {
            assertThat(during(disk, () -> disk.write(1, 8192 + 3000, 96)))
                    .containsExactly(
                            "TRUNCATE 0@" + image.end(),
                            "FLUSH",
                            "WRITE 96@" + (image.end() + 3000),
                            "ZERO 512@" + (image.end() + CLUSTER - 512));
            disk.assertHolds(0, 8192, 3000);
            disk.assertHolds(1, 8192 + 3000, 96);
            disk.assertHolds(0, 8192 + 3096, 1000);
        }
    }

    @Test
    void zeroClustersTakeAnEntryAndNoSpace() throws Exception {
        try (TestDisk disk = TestDisk.create(CLUSTER, 2, SPAN)) {
            disk.write(1, 0, CLUSTER);
            disk.device.flush();
            assertThat(during(disk, () -> disk.device.writeZeroes(CLUSTER, 10 * CLUSTER, 0)))
                    .isEmpty();
            assertThat(during(disk, disk.device::flush)).containsExactly("WRITE 512@" + FIRST, "FLUSH");
            assertThat(disk.fileLong(FIRST + 8)).isEqualTo(1);
            assertThat(disk.fileLong(FIRST + 80)).isEqualTo(1);
            assertThat(disk.fileLong(FIRST + 88)).isZero();
        }
    }

    @Test
    void closingInOrderWritesTheTablesAndClearsTheBitLast() throws Exception {
        TestDisk disk = TestDisk.create(CLUSTER, 2, SPAN);
        disk.write(1, 0, CLUSTER);
        List<String> close = during(disk, disk::close);
        assertThat(close)
                .containsExactly(
                        "WRITE 512@0",
                        "FLUSH",
                        "WRITE 512@" + FIRST,
                        "FLUSH",
                        "WRITE 512@" + CLUSTER,
                        "FLUSH",
                        "WRITE 512@0",
                        "FLUSH");
        assertThat(disk.needCheckInFile()).isFalse();
    }
}
