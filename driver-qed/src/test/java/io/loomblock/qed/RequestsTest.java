// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.DriverInfo;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Limits;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.IdentityDriver.Handed;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What each request does to the file, and says of the image. spec: qed.md sections 4, 9 and 10. */
@Tag("jars")
class RequestsTest {
    private static final int CLUSTER = 4096;
    private static final long SPAN = 4 << 20;

    private static TestDisk disk() throws Exception {
        return TestDisk.create(CLUSTER, 2, 8 * SPAN);
    }

    @Test
    void theCallersMemoryGoesToTheFileAsItIs() throws Exception {
        try (TestDisk disk = disk();
                AlignedBuffer memory = AlignedBuffer.allocate(5 * CLUSTER)) {
            disk.write(1, 0, 4 * CLUSTER);
            disk.read(0, 512);
            disk.identity.handed().clear();
            disk.device.write(100, IoVector.of(memory, 77, 3 * CLUSTER));
            disk.device.read(CLUSTER, IoVector.of(memory, 512, 3 * CLUSTER));
            List<Handed> handed = disk.identity.handed();
            assertThat(handed).hasSize(2);
            assertThat(handed.get(0).kind()).isEqualTo(Kind.WRITE);
            assertThat(handed.get(0).uses(memory, 77)).isTrue();
            assertThat(handed.get(1).kind()).isEqualTo(Kind.READ);
            assertThat(handed.get(1).uses(memory, 512)).isTrue();
            assertThat(handed.get(1).length()).isEqualTo(3 * CLUSTER);
        }
    }

    @Test
    void soItDoesWhenClustersAreAllocated() throws Exception {
        try (TestDisk disk = disk();
                AlignedBuffer memory = AlignedBuffer.allocate(2 * CLUSTER)) {
            disk.device.write(100, IoVector.of(memory));
            assertThat(disk.identity.handed()).anyMatch(h -> h.length() == 2 * CLUSTER && h.uses(memory, 0));
        }
    }

    @Test
    void runsOfClustersAreReadInOneRequest() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, SPAN);
        image.data(0, 1);
        image.data(CLUSTER, 2);
        image.take(1);
        image.data(2 * CLUSTER, 3);
        image.entry(3 * CLUSTER, 1);
        image.data(5 * CLUSTER, 4);
        try (TestDisk disk = TestDisk.open(image.build())) {
            disk.read(0, 512);
            int start = disk.log.size();
            byte[] data = disk.read(100, 6 * CLUSTER - 200);
            assertThat(disk.log.since(start).stream().map(RequestLog.Entry::length))
                    .containsExactly(2L * CLUSTER - 100, (long) CLUSTER, CLUSTER - 100L);
            int[] expected = {1, 2, 3, 0, 0, 4};
            for (int i = 0; i < data.length; i++) {
                assertThat(data[i]).isEqualTo((byte) expected[(100 + i) / CLUSTER]);
            }
        }
    }

    @Test
    void everyClusterOfARunIsValidatedNotOnlyTheFirst() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, SPAN);
        for (int i = 0; i < 5; i++) {
            image.data(i * CLUSTER, 1);
        }
        image.length(image.end() - 2 * CLUSTER);
        try (TestDisk disk = TestDisk.open(image.build())) {
            assertThat(disk.read(0, 3 * CLUSTER)).containsOnly(1);
            TestDisk.failure(Errno.EIO, () -> disk.read(0, 4 * CLUSTER));
            TestDisk.failure(Errno.EIO, () -> disk.read(4 * CLUSTER, 1));
            int start = disk.log.size();
            TestDisk.failure(Errno.EIO, () -> disk.write(1, 0, 5 * CLUSTER));
            TestDisk.failure(Errno.EIO, () -> disk.device.writeZeroes(0, 5 * CLUSTER, 0));
            assertThat(disk.changes(start)).isEmpty();
            // What is known is told.
            assertThat(disk.device.blockStatus(0, 5 * CLUSTER).length()).isBetween(1L, 3L * CLUSTER);
            assertThat(disk.device.blockStatus(2 * CLUSTER, 3 * CLUSTER).length())
                    .isEqualTo(CLUSTER);
            TestDisk.failure(Errno.EIO, () -> disk.device.blockStatus(3 * CLUSTER, CLUSTER));
        }
    }

    @Test
    void entriesIntoTablesAreNotFollowed() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, 4 * SPAN);
        long second = image.table(1);
        image.entry(0, image.l1Offset()).entry(CLUSTER, image.table(0)).entry(2 * CLUSTER, second + CLUSTER);
        image.data(3 * CLUSTER, 9);
        try (TestDisk disk = TestDisk.open(image.build())) {
            for (int i = 0; i < 3; i++) {
                long at = i * CLUSTER;
                TestDisk.failure(Errno.EIO, () -> disk.read(at, 512));
                TestDisk.failure(Errno.EIO, () -> disk.write(1, at, 512));
            }
            assertThat(disk.read(3 * CLUSTER, CLUSTER)).containsOnly(9);
        }
    }

    @Test
    void statusTellsDataZerosAndNothing() throws Exception {
        byte[] base = new byte[(int) SPAN];
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 2, 4 * SPAN, base)) {
            disk.write(1, 2 * CLUSTER, 3 * CLUSTER);
            disk.device.writeZeroes(5 * CLUSTER, 2 * CLUSTER, 0);
            BlockStatus nothing = disk.device.blockStatus(0, SPAN);
            assertThat(nothing.length()).isEqualTo(2 * CLUSTER);
            assertThat(nothing.isAllocated() || nothing.isZero() || nothing.isData())
                    .isFalse();
            BlockStatus data = disk.device.blockStatus(2 * CLUSTER + 100, SPAN);
            assertThat(data.isData() && data.isAllocated() && data.hasHostOffset())
                    .isTrue();
            assertThat(data.length()).isEqualTo(3 * CLUSTER - 100);
            assertThat(data.hostOffset()).isEqualTo(5 * CLUSTER + 100);
            BlockStatus zero = disk.device.blockStatus(5 * CLUSTER, SPAN);
            assertThat(zero.isZero() && zero.isAllocated()).isTrue();
            assertThat(zero.length()).isEqualTo(2 * CLUSTER);
            assertThat(disk.device.blockStatus(5 * CLUSTER, 100).length()).isEqualTo(100);
            // Behind the backing file's end the generic layer knows zeros.
            BlockStatus behind = disk.device.blockStatus(2 * SPAN, 2 * SPAN);
            assertThat(behind.isZero() && !behind.isAllocated()).isTrue();
            assertThat(behind.length()).isEqualTo(2 * SPAN);
        }
    }

    @Test
    void runsOfFourGibibytesAndMoreAreOneStatus() throws Exception {
        ImageBuilder image = ImageBuilder.image(65536, 16, 64L << 30);
        image.data(0, 1);
        image.data((4L << 30) + 65536, 1);
        try (TestDisk disk = TestDisk.open(image.build())) {
            assertThat(disk.device.blockStatus(65536, 64L << 30).length()).isEqualTo(4L << 30);
            assertThat(disk.device.blockStatus(8L << 30, 64L << 30).length()).isEqualTo(56L << 30);
        }
    }

    @Test
    void zeroWritesMapWholeClustersAndWriteTheRest() throws Exception {
        byte[] base = Pattern.bytes(99, 0, (int) SPAN);
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 2, 4 * SPAN, base)) {
            disk.write(1, 4 * CLUSTER, 2 * CLUSTER);
            disk.device.writeZeroes(CLUSTER + 1000, 8 * CLUSTER, 0);
            disk.assertHolds(99, CLUSTER, 1000);
            disk.assertHolds(0, CLUSTER + 1000, 8 * CLUSTER);
            disk.assertHolds(99, 9 * CLUSTER + 1000, 3096);
            assertThat(disk.device.blockStatus(2 * CLUSTER, CLUSTER).isZero()).isTrue();
            // Data stays data: its space is kept.
            assertThat(disk.device.blockStatus(4 * CLUSTER, SPAN).length()).isEqualTo(2 * CLUSTER);
            assertThat(disk.device.blockStatus(4 * CLUSTER, SPAN).isData()).isTrue();
            disk.device.writeZeroes(2 * CLUSTER, 2 * CLUSTER, RequestFlags.NO_FALLBACK);
            TestDisk.failure(
                    Errno.ENOTSUP, () -> disk.device.writeZeroes(2 * CLUSTER + 512, 512, RequestFlags.NO_FALLBACK));
        }
    }

    @Test
    void aWholeDiskIsZeroedAcrossTables() throws Exception {
        try (TestDisk disk = disk()) {
            disk.write(1, 3 * SPAN - 100, 200);
            disk.device.writeZeroes(0, 8 * SPAN, 0);
            disk.assertHolds(0, 3 * (int) SPAN - CLUSTER, 2 * CLUSTER);
            disk.device.flush();
            assertThat(disk.memory.length()).isEqualTo((3 + 8 * 2 + 2) * CLUSTER);
            assertThat(disk.device.check(FixMode.NONE).isClean()).isTrue();
        }
    }

    @Test
    void discardsChangeNothing() throws Exception {
        try (TestDisk disk = disk()) {
            disk.write(1, 0, 4 * CLUSTER);
            int start = disk.log.size();
            disk.device.discard(0, 4 * CLUSTER);
            assertThat(disk.changes(start)).isEmpty();
            disk.assertHolds(1, 0, 4 * CLUSTER);
        }
    }

    @Test
    void requestsOutsideOfTheDiskAreRefused() throws Exception {
        try (TestDisk disk = disk()) {
            long end = 8 * SPAN;
            TestDisk.failure(Errno.EIO, () -> disk.read(end, 1));
            TestDisk.failure(Errno.EIO, () -> disk.read(end - 1, 2));
            TestDisk.failure(Errno.EIO, () -> disk.write(1, end - 511, 512));
            TestDisk.failure(Errno.EIO, () -> disk.write(1, -1, 512));
            TestDisk.failure(Errno.EIO, () -> disk.device.writeZeroes(0, end + 1, 0));
            disk.write(1, end - 512, 512);
            disk.assertHolds(1, end - 512, 512);
        }
    }

    @Test
    void itTellsItsLimitsAndFacts() throws Exception {
        try (TestDisk disk = disk()) {
            Limits limits = disk.device.node().limits();
            assertThat(limits.zeroAlignment()).isEqualTo(CLUSTER);
            assertThat(limits.requestAlignment()).isEqualTo(1);
            assertThat(disk.driver().hasZeroInit()).isTrue();
            assertThat(disk.device.node().info()).isEqualTo(new DriverInfo(CLUSTER, false, null));
            disk.write(1, 0, 512);
            disk.device.flush();
            assertThat(disk.device.node().info().dirty()).isTrue();
            assertThat(disk.driver().formatName()).isEqualTo("qed");
        }
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 2, SPAN, new byte[512])) {
            assertThat(disk.device.node().hasZeroInit()).isFalse();
        }
    }

    @Test
    void whatTheFormatCannotDoIsNotSupported() throws Exception {
        try (TestDisk disk = disk()) {
            TestDisk.failure(Errno.ENOTSUP, () -> disk.device.node().makeEmpty());
        }
    }

    @Test
    void aFileThatDoesNotReadAsZerosBehindItsEndIsFilled() throws Exception {
        // Not reachable with regular files: a file of this kind says so by hasZeroInit.
        TestDisk plain = disk();
        plain.close();
        DirtyDriver dirt = new DirtyDriver(plain.memory);
        try (BlockDevice device =
                TestImages.open("dirty.qed", dirt, OpenOptions.readWrite().withFormat("qed"))) {
            device.write(10 * CLUSTER + 1000, ByteBuffer.wrap(new byte[] {1, 2, 3}));
            byte[] cluster = new byte[CLUSTER];
            device.read(10 * CLUSTER, ByteBuffer.wrap(cluster));
            for (int i = 0; i < CLUSTER; i++) {
                assertThat(cluster[i]).isEqualTo((byte) (i >= 1000 && i < 1003 ? i - 999 : 0));
            }
        }
    }

    /** A file whose space is full of old bytes wherever it has not been written. */
    private static final class DirtyDriver extends ForwardingDriver {
        DirtyDriver(MemoryDriver below) {
            super(below);
        }

        @Override
        public boolean hasZeroInit() {
            return false;
        }

        @Override
        public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
            long end = below.length();
            if (offset > end) {
                try (AlignedBuffer junk = AlignedBuffer.allocate((int) (offset - end))) {
                    junk.fill(0, junk.capacity(), (byte) 0xdb);
                    below.coWritev(end, junk.capacity(), IoVector.of(junk), 0, 0);
                }
            }
            super.coWritev(offset, bytes, qiov, qiovOffset, flags);
        }
    }
}
