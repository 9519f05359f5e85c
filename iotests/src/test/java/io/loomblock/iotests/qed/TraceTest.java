// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.iotests.support.QedReader;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Entry;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.TestImages;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** In what order a single writer's requests reach the file (acceptance rows 13, 14, 19, 20, 22; spec section 10.3). */
class TraceTest {
    private static final int CLUSTER = 4096;
    private static final long SIZE = 16 << 20;
    /** What one L2 table maps. */
    private static final long SPAN = 2 << 20;
    /** The L1 table follows the header; both are one cluster. */
    private static final long L1 = CLUSTER;

    @TempDir
    Path directory;

    private final RequestLog log = new RequestLog();
    private MemoryDriver file;

    private BlockDevice plain() throws Exception {
        file = QedImages.create(SIZE, CLUSTER, 1);
        return QedImages.open(new RecordingDriver("image", file, log), QedImages.readWrite());
    }

    private BlockDevice overlay() throws Exception {
        byte[] base = new byte[1 << 20];
        java.util.Arrays.fill(base, (byte) 'b');
        QedImages.raw(directory, "base.raw", base);
        Path name = directory.resolve("test.qed");
        file = QedImages.createOver(name, "base.raw", SIZE, CLUSTER, 1);
        return TestImages.open(name.toString(), new RecordingDriver("image", file, log), QedImages.readWrite());
    }

    private QedReader reader() {
        return new QedReader(file.snapshot().toByteArray());
    }

    private static Predicate<Entry> writes(long start, long end) {
        return e -> (e.kind() == Kind.WRITE || e.kind() == Kind.ZERO)
                && e.offset() < end
                && start < e.offset() + e.length();
    }

    private static boolean isFlush(Entry e) {
        return e.kind() == Kind.FLUSH;
    }

    private static int first(List<Entry> log, Predicate<Entry> what) {
        for (int i = 0; i < log.size(); i++) {
            if (what.test(log.get(i))) {
                return i;
            }
        }
        throw new AssertionError("not in " + log);
    }

    private static int last(List<Entry> log, Predicate<Entry> what) {
        int found = -1;
        for (int i = 0; i < log.size(); i++) {
            found = what.test(log.get(i)) ? i : found;
        }
        assertThat(found).as("in %s", log).isNotNegative();
        return found;
    }

    private static void flushBetween(List<Entry> log, int before, int after) {
        assertThat(before).as("order in %s", log).isLessThan(after);
        assertThat(log.subList(before, after)).as("a flush between").anyMatch(TraceTest::isFlush);
    }

    /** The table that maps this guest byte, found by its only entry. */
    private long tableOf(long guest, QedReader reader) {
        byte[] bytes = file.snapshot().toByteArray();
        return java.nio.ByteBuffer.wrap(bytes)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .getLong((int) (L1 + guest / SPAN * 8));
    }

    @Test
    void aWriteInPlaceDoesNothingButThatWrite() throws Exception {
        try (BlockDevice device = plain()) {
            Guest.write(device, 0, 4 * CLUSTER, 'a');
            device.flush();
            long data = reader().dataOffset(0);
            log.clear();
            Guest.write(device, 1000, 5000, 'b');
            assertThat(log.entries()).singleElement().satisfies(e -> {
                assertThat(e.kind()).isEqualTo(Kind.WRITE);
                assertThat(e.offset()).isEqualTo(data + 1000);
                assertThat(e.length()).isEqualTo(5000);
            });
            log.clear();
            device.flush();
            assertThat(log.entries())
                    .singleElement()
                    .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.FLUSH));
        }
    }

    @Test
    void aReadOfAllocatedClustersDoesNothingButThatRead() throws Exception {
        try (BlockDevice device = plain()) {
            Guest.write(device, 0, 4 * CLUSTER, 'a');
            long data = 2;
            log.clear();
            Guest.expect(device, 700, 3 * CLUSTER, 'a');
            assertThat(log.entries()).singleElement().satisfies(e -> {
                assertThat(e.kind()).isEqualTo(Kind.READ);
                assertThat(e.length()).isEqualTo(3 * CLUSTER);
                assertThat(e.offset()).isGreaterThan(data);
            });
        }
    }

    @Test
    void withoutABackingFileTheMarkComesFirstThenL2ThenL1() throws Exception {
        try (BlockDevice device = plain()) {
            log.clear();
            Guest.write(device, 100, 200, 'a');
            device.flush();
            List<Entry> all = log.entries();
            QedReader reader = reader();
            long data = reader.dataOffset(0);
            long table = tableOf(0, reader);
            int mark = first(all, writes(0, 512));
            int entry = last(all, writes(table, table + CLUSTER));
            int l1 = first(all, writes(L1, L1 + CLUSTER));
            assertThat(last(all, writes(data, data + CLUSTER))).isLessThan(entry);
            flushBetween(all, mark, entry);
            flushBetween(all, entry, l1);
            assertThat(isFlush(all.get(all.size() - 1))).isTrue();
            assertThat(all.stream().filter(writes(0, 512))).hasSize(1);
        }
    }

    @Test
    void withABackingFileADataFlushTakesThePlaceOfTheMark() throws Exception {
        try (BlockDevice device = overlay()) {
            log.clear();
            Guest.write(device, 100, 200, 'a');
            device.flush();
            List<Entry> all = log.entries();
            QedReader reader = reader();
            long data = reader.dataOffset(0);
            long table = tableOf(0, reader);
            int entry = last(all, writes(table, table + CLUSTER));
            flushBetween(all, last(all, writes(data, data + CLUSTER)), entry);
            flushBetween(all, entry, first(all, writes(L1, L1 + CLUSTER)));
            assertThat(all).noneMatch(writes(0, 512));
            assertThat(reader.needCheck()).isFalse();
        }
    }

    @Test
    void anEntryInATableThatIsThereTouchesItsSectorOnly() throws Exception {
        try (BlockDevice device = plain()) {
            Guest.write(device, 0, CLUSTER, 'a');
            device.flush();
            long table = tableOf(0, reader());
            log.clear();
            Guest.write(device, 100L * CLUSTER, CLUSTER, 'b');
            device.flush();
            List<Entry> all = log.entries();
            assertThat(all).noneMatch(writes(0, 2 * CLUSTER));
            assertThat(all.stream().filter(writes(table, table + CLUSTER)))
                    .singleElement()
                    .satisfies(e -> {
                        assertThat(e.offset()).isEqualTo(table + 100 * 8 / 512 * 512);
                        assertThat(e.length()).isEqualTo(512);
                    });
        }
    }

    @Test
    void aWriteAcrossTheBorderOfTwoTablesFillsBoth() throws Exception {
        try (BlockDevice device = plain()) {
            Guest.write(device, SPAN - 3 * CLUSTER, 6 * CLUSTER, 'a');
            device.flush();
            QedReader reader = reader();
            assertThat(reader.tables()).isEqualTo(2);
            assertThat(reader.corruptions()).isZero();
            assertThat(reader.leaks()).isZero();
            Guest.expect(device, SPAN - 3 * CLUSTER, 6 * CLUSTER, 'a');
        }
    }

    @Test
    void aDataClusterIsAlwaysWhollyInTheFile() throws Exception {
        try (BlockDevice device = plain()) {
            Guest.write(device, 5 * CLUSTER + 10, 20, 'a');
            device.flush();
            QedReader reader = reader();
            assertThat(reader.state(5 * CLUSTER)).isEqualTo(QedReader.State.DATA);
            assertThat(file.length() % CLUSTER).isZero();
            Guest.expect(device, 5 * CLUSTER, 10, 0);
            Guest.expect(device, 5 * CLUSTER + 30, CLUSTER - 30, 0);
        }
    }

    @Test
    void zeroWritesOfWholeClustersMoveNoData() throws Exception {
        try (BlockDevice device = overlay()) {
            Guest.write(device, 0, CLUSTER, 'a');
            device.flush();
            long before = file.length();
            log.clear();
            device.writeZeroes(4 * CLUSTER, 20 * CLUSTER, 0);
            device.writeZeroes(4 * CLUSTER, 20 * CLUSTER, 0);
            device.flush();
            assertThat(file.length()).isEqualTo(before);
            assertThat(log.entries().stream()
                            .filter(e -> e.kind().changes())
                            .mapToLong(Entry::length)
                            .sum())
                    .isLessThanOrEqualTo(1024);
            assertThat(reader().state(4 * CLUSTER)).isEqualTo(QedReader.State.ZERO);
            Guest.expect(device, 4 * CLUSTER, 20 * CLUSTER, 0);
            Guest.expect(device, 3 * CLUSTER, CLUSTER, 'b');
            Guest.expect(device, 24 * CLUSTER, CLUSTER, 'b');
        }
    }

    @Test
    void zeroWritesOverDataKeepTheSpace() throws Exception {
        try (BlockDevice device = plain()) {
            Guest.write(device, 0, 8 * CLUSTER, 'a');
            device.flush();
            long data = reader().dataOffset(2 * CLUSTER);
            device.writeZeroes(2 * CLUSTER, 3 * CLUSTER, 0);
            device.writeZeroes(6 * CLUSTER + 100, 200, 0);
            device.flush();
            assertThat(reader().state(2 * CLUSTER)).isEqualTo(QedReader.State.DATA);
            assertThat(reader().dataOffset(2 * CLUSTER)).isEqualTo(data);
            Guest.expect(device, 2 * CLUSTER, 3 * CLUSTER, 0);
            Guest.expect(device, 6 * CLUSTER + 100, 200, 0);
            Guest.expect(device, 6 * CLUSTER, 100, 'a');
            Guest.expect(device, 5 * CLUSTER, CLUSTER, 'a');
        }
    }

    @Test
    void discardsAreTakenAndIgnored() throws Exception {
        try (BlockDevice device = plain()) {
            Guest.write(device, 0, 8 * CLUSTER, 'a');
            device.flush();
            log.clear();
            device.discard(0, 4 * CLUSTER);
            assertThat(log.entries()).noneMatch(e -> e.kind().changes());
            Guest.expect(device, 0, 8 * CLUSTER, 'a');
        }
    }
}
