// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.testkit.FaultDriver.Effect;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The file fails at each of its requests in turn: nothing is acknowledged that was not done, what was acknowledged stays, and the image
 * opens again without corruption. spec: qed.md E8, E9, E10, design: Errors.
 */
@Tag("jars")
class MetadataFaultTest {
    private static final int CLUSTER = 4096;
    private static final long SPAN = 4 << 20;
    private static final int TABLE = 3 * CLUSTER;
    private static final Predicate<Request> L1 = Request.of(Kind.WRITE, CLUSTER, 3 * CLUSTER);
    private static final Predicate<Request> HEADER = Request.of(Kind.WRITE, 0, CLUSTER);

    /** An L2 table that is there already, its entries written by itself. */
    private static final Predicate<Request> L2 =
            Request.of(Kind.WRITE, TABLE, TABLE + 2 * CLUSTER).and(r -> r.length() <= 512);

    private static TestDisk disk() throws Exception {
        return TestDisk.create(CLUSTER, 2, 4 * SPAN);
    }

    /** A disk with one table in use and everything durable. */
    private static TestDisk used() throws Exception {
        TestDisk disk = disk();
        disk.write(1, 1 << 20, CLUSTER);
        disk.device.flush();
        return disk;
    }

    @Test
    void aPassingFaultOfATableSectorLosesNothing() throws Exception {
        for (Predicate<Request> which : List.of(L2, L1)) {
            for (Effect effect : Effect.values()) {
                TestDisk disk = which == L1 ? disk() : used();
                disk.write(2, 0, CLUSTER);
                disk.faults.arm(Fault.once(which).with(effect));
                disk.device.flush();
                assertThat(disk.faults.failures()).isEqualTo(1);
                disk.write(3, CLUSTER, CLUSTER);
                disk.device.flush();
                disk.abandon();
                try (TestDisk again = TestDisk.open(disk.memory.snapshot())) {
                    again.assertHolds(2, 0, CLUSTER);
                    again.assertHolds(3, CLUSTER, CLUSTER);
                }
            }
        }
    }

    @Test
    void whereASectorCannotBeWrittenWritesAreRefusedReadsGoOnAndTheBitStays() throws Exception {
        TestDisk disk = used();
        disk.write(2, 0, CLUSTER);
        disk.faults.arm(Fault.always(L2));
        TestDisk.failure(Errno.EIO, disk.device::flush);
        assertThat(TestDisk.failure(Errno.EIO, () -> disk.write(3, CLUSTER, CLUSTER))
                        .reason())
                .contains("until it is reopened");
        TestDisk.failure(Errno.EIO, () -> disk.write(3, 1 << 20, 512));
        TestDisk.failure(Errno.EIO, () -> disk.device.writeZeroes(0, 4 * CLUSTER, 0));
        disk.assertHolds(2, 0, CLUSTER);
        disk.assertHolds(1, 1 << 20, CLUSTER);
        TestDisk.failure(Errno.EIO, disk.device::flush);
        // The fault is gone, but nobody knows what the sector held meanwhile.
        disk.faults.disarm();
        TestDisk.failure(Errno.EIO, () -> disk.write(3, CLUSTER, CLUSTER));
        disk.abandon();
        assertThat(disk.needCheckInFile()).isTrue();
        try (TestDisk again = TestDisk.open(disk.memory.snapshot())) {
            again.assertHolds(2, 0, CLUSTER);
            again.assertHolds(1, 1 << 20, CLUSTER);
            again.write(3, CLUSTER, CLUSTER);
        }
    }

    @Test
    void aFullDiskIsSurvived() throws Exception {
        TestDisk disk = used();
        disk.write(2, 0, CLUSTER);
        for (Predicate<Request> which : List.of(L2, HEADER, L1)) {
            disk.faults.arm(Fault.always(which).with(Errno.ENOSPC));
            if (which == L2) {
                TestDisk.failure(Errno.ENOSPC, disk.device::flush);
            }
            disk.write(3, 1 << 20, 512);
            disk.write(4, CLUSTER, CLUSTER);
        }
        disk.faults.arm(Fault.always(Request.of(Kind.WRITE, disk.memory.length(), Long.MAX_VALUE))
                .with(Errno.ENOSPC));
        TestDisk.failure(Errno.ENOSPC, () -> disk.write(5, SPAN, CLUSTER));
        TestDisk.failure(Errno.ENOSPC, () -> disk.write(5, 4 * CLUSTER, CLUSTER));
        disk.assertHolds(0, SPAN, CLUSTER);
        disk.faults.disarm();
        disk.device.flush();
        disk.write(5, SPAN, CLUSTER);
        disk.close();
        assertThat(disk.needCheckInFile()).isFalse();
        try (TestDisk again = TestDisk.open(disk.memory.snapshot())) {
            again.assertHolds(2, 0, CLUSTER);
            again.assertHolds(3, 1 << 20, 512);
            again.assertHolds(4, CLUSTER, CLUSTER);
            again.assertHolds(5, SPAN, CLUSTER);
        }
    }

    @Test
    void theBitIsSetAgainWhereSettingItFailed() throws Exception {
        for (Effect effect : Effect.values()) {
            TestDisk disk = disk();
            disk.write(1, 0, CLUSTER);
            disk.faults.arm(Fault.once(HEADER).with(effect));
            TestDisk.failure(Errno.EIO, disk.device::flush);
            assertThat(disk.needCheckInFile()).as("the old sector was put back").isFalse();
            assertThat(disk.fileLong(TABLE)).as("no entry without the bit").isZero();
            assertThat(disk.device.info().dirty()).isFalse();
            disk.write(2, CLUSTER, CLUSTER);
            disk.device.flush();
            assertThat(disk.needCheckInFile()).isTrue();
            disk.close();
            assertThat(disk.needCheckInFile()).isFalse();
        }
    }

    @Test
    void whereTheHeaderCannotBePutBackWritesAreRefused() throws Exception {
        TestDisk disk = disk();
        disk.write(1, 0, CLUSTER);
        disk.faults.arm(Fault.always(HEADER));
        TestDisk.failure(Errno.EIO, disk.device::flush);
        TestDisk.failure(Errno.EIO, () -> disk.write(2, 0, CLUSTER));
        disk.assertHolds(1, 0, CLUSTER);
        disk.abandon();
    }

    @Test
    void aFailedFlushIsForGood() throws Exception {
        for (int number = 0; number < 3; number++) {
            TestDisk disk = disk();
            disk.write(1, 0, CLUSTER);
            disk.faults.arm(Fault.once(Request.of(Kind.FLUSH)).at(number));
            TestDisk.failure(Errno.EIO, disk.device::flush);
            TestDisk.failure(Errno.EIO, disk.device::flush);
            TestDisk.failure(Errno.EIO, () -> disk.write(2, 0, 512));
            TestDisk.failure(Errno.EIO, () -> disk.write(2, CLUSTER, 512));
            disk.assertHolds(1, 0, CLUSTER);
            boolean marked = disk.needCheckInFile();
            TestDisk.failure(Errno.EIO, disk.device::close);
            assertThat(disk.needCheckInFile())
                    .as("nothing says clean")
                    .isEqualTo(marked)
                    .isTrue();
            assertThat(disk.pool.outstanding()).isZero();
        }
    }

    @Test
    void theTimerDoesNotCallAnImageCleanWhoseFlushFailed() throws Exception {
        TestDisk disk = disk();
        disk.write(1, 0, CLUSTER);
        disk.device.flush();
        disk.faults.arm(Fault.once(Request.of(Kind.FLUSH)));
        disk.write(2, 0, CLUSTER);
        disk.timers.advance(Duration.ofSeconds(6));
        assertThat(disk.faults.failures()).isEqualTo(1);
        assertThat(disk.needCheckInFile()).isTrue();
        TestDisk.failure(Errno.EIO, disk.device::close);
        assertThat(disk.needCheckInFile()).isTrue();
    }

    @Test
    void aTableThatCouldNotBeMadeIsMadeByTheNextWrite() throws Exception {
        try (TestDisk disk = disk()) {
            disk.faults.arm(Fault.once(Request.of(Kind.WRITE)));
            TestDisk.failure(Errno.EIO, () -> disk.write(1, 0, CLUSTER));
            disk.assertHolds(0, 0, CLUSTER);
            disk.write(2, 0, CLUSTER);
            disk.assertHolds(2, 0, CLUSTER);
            disk.device.flush();
            CheckResult result = disk.device.check(FixMode.NONE);
            assertThat(result.corruptions()).isZero();
            assertThat(result.leaks()).as("the first table's place").isEqualTo(2);
        }
    }

    @Test
    void corruptionThatWasMetKeepsTheBit() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, 4 * SPAN);
        image.data(0, 1);
        image.entry(SPAN, 1L << 40);
        for (boolean met : new boolean[] {false, true}) {
            TestDisk disk = TestDisk.open(image.build());
            disk.write(1, CLUSTER, CLUSTER);
            if (met) {
                TestDisk.failure(Errno.EIO, () -> disk.read(SPAN, 512));
            }
            disk.close();
            assertThat(disk.needCheckInFile()).isEqualTo(met);
        }
    }

    @Test
    void corruptionThatACheckFoundKeepsTheBitUntilItIsRepaired() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, 4 * SPAN);
        long cluster = image.data(0, 1);
        image.entry(SPAN, cluster);
        image.entry(SPAN + CLUSTER, 1L << 40);
        TestDisk duplicate = TestDisk.open(image.build());
        duplicate.write(1, CLUSTER, CLUSTER);
        duplicate.device.flush();
        assertThat(duplicate.device.check(FixMode.ALL).corruptions()).isEqualTo(1);
        duplicate.write(2, 2 * CLUSTER, CLUSTER);
        duplicate.close();
        assertThat(duplicate.needCheckInFile()).isTrue();

        image.entry(SPAN, 0);
        TestDisk fixed = TestDisk.open(image.build());
        fixed.write(1, CLUSTER, CLUSTER);
        fixed.device.flush();
        assertThat(fixed.device.check(FixMode.NONE).corruptions()).isEqualTo(1);
        assertThat(fixed.device.check(FixMode.ALL).corruptionsFixed()).isEqualTo(1);
        fixed.assertHolds(0, SPAN, CLUSTER * 2);
        fixed.write(2, SPAN + CLUSTER, CLUSTER);
        fixed.assertHolds(1, CLUSTER, CLUSTER);
        fixed.close();
        assertThat(fixed.needCheckInFile()).isFalse();
    }

    @Test
    void noWriteGoesNearAnInvalidEntry() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, 4 * SPAN);
        image.data(0, 1);
        image.entry(CLUSTER, image.end() + 8 * CLUSTER).l1(2, 1L << 40);
        try (TestDisk disk = TestDisk.open(image.build())) {
            int start = disk.log.size();
            TestDisk.failure(Errno.EIO, () -> disk.write(1, CLUSTER, CLUSTER));
            TestDisk.failure(Errno.EIO, () -> disk.write(1, 2 * CLUSTER, CLUSTER));
            TestDisk.failure(Errno.EIO, () -> disk.write(1, 2 * SPAN, CLUSTER));
            TestDisk.failure(Errno.EIO, () -> disk.device.writeZeroes(0, 8 * CLUSTER, 0));
            assertThat(disk.changes(start)).isEmpty();
            // A clean part of another table, and data that is there, may be written; the invalid entry never comes to
            // life.
            for (int i = 0; i < 20; i++) {
                disk.write(2, SPAN + i * CLUSTER, CLUSTER);
            }
            disk.write(3, 0, 512);
            TestDisk.failure(Errno.EIO, () -> disk.read(CLUSTER, 512));
        }
    }

    /** What the disk may hold at some places, by number of the write. */
    private static final class Expected {
        private final Set<Long>[] may;

        @SuppressWarnings("unchecked")
        Expected(int places) {
            may = new Set[places];
            Arrays.setAll(may, i -> new HashSet<>(Set.of(0L)));
        }

        void done(int place, long id) {
            may[place] = new HashSet<>(Set.of(id));
        }

        void unknown(int place, long id) {
            may[place].add(id);
        }

        void verify(TestDisk disk, String when) throws Exception {
            for (int place = 0; place < may.length; place++) {
                byte[] found = disk.read(offset(place), 1024);
                for (int sector = 0; sector < 2; sector++) {
                    int at = sector * 512;
                    long start = offset(place) + at;
                    boolean matches = may[place].stream()
                            .anyMatch(id -> Arrays.equals(
                                    Arrays.copyOfRange(found, at, at + 512),
                                    id == 0 ? new byte[512] : Pattern.bytes(id, start, 512)));
                    assertThat(matches)
                            .as("%s: place %d sector %d may hold %s", when, place, sector, may[place])
                            .isTrue();
                }
            }
        }

        /** Places share clusters, tables and table sectors, or do not. */
        static long offset(int place) {
            return (place / 8) * SPAN
                    + (place / 4 % 2) * 90L * CLUSTER
                    + (place / 2 % 2) * CLUSTER
                    + (place % 2) * 2048L;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "false, true, NONE",
        "false, true, HALF",
        "false, true, ALL",
        "false, false, NONE",
        "true, true, NONE",
        "true, false, NONE",
        "true, true, ALL"
    })
    void aFaultAtEachRequestInTurn(boolean backing, boolean once, Effect effect) throws Exception {
        byte[] base = new byte[(int) (2 * SPAN)];
        for (int number = 0; ; number++) {
            TestDisk disk =
                    backing ? TestDisk.overlay(CLUSTER, 2, 2 * SPAN, base) : TestDisk.create(CLUSTER, 2, 2 * SPAN);
            Fault fault = Fault.once(Request.any()).at(number).with(effect);
            disk.faults.arm(once ? fault : new Fault(fault.which(), number, Errno.EIO, false, effect));
            Expected expected = new Expected(16);
            boolean flushed = run(disk, expected);
            String when = "request " + number + " fails";
            disk.faults.disarm();
            if (disk.faults.failures() == 0) {
                assertThat(number).isGreaterThan(20);
                disk.close();
                return;
            }
            expected.verify(disk, when + ", still open");
            disk.abandon();
            SparseBytes file = disk.memory.snapshot();
            try (TestDisk again = backing ? TestDisk.open(file, base) : TestDisk.open(file)) {
                if (flushed) {
                    expected.verify(again, when + ", opened again");
                }
                assertThat(again.device.check(FixMode.NONE).corruptions())
                        .as(when)
                        .isZero();
                again.write(1000, 0, CLUSTER);
                again.assertHolds(1000, 0, CLUSTER);
            }
            try (TestDisk reader = TestDisk.open(file, OpenOptions.readOnly().withCheck(true))) {
                assertThat(reader.device.check(FixMode.NONE).corruptions())
                        .as(when)
                        .isZero();
            }
        }
    }

    /** Some writes and flushes; whether the last flush came through. */
    private static boolean run(TestDisk disk, Expected expected) {
        boolean flushed = false;
        for (int i = 1; i <= 24; i++) {
            int place = i * 5 % 16;
            try {
                disk.write(i, Expected.offset(place), 1024);
                expected.done(place, i);
            } catch (BlockException e) {
                expected.unknown(place, i);
            }
            if (i % 6 == 0) {
                try {
                    disk.device.flush();
                    flushed = true;
                } catch (BlockException e) {
                    flushed = false;
                }
            }
        }
        return flushed;
    }
}
