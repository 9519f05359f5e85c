// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import static io.loomblock.addcow.TestDisk.BASE;
import static io.loomblock.addcow.TestDisk.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.RequestFlags;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads come from the data file or show the backing file; writes copy what they leave of a cluster. Stale bytes never show. */
@Tag("jars")
class RequestsTest {
    private static final int CLUSTER = 65536;

    @Test
    void aFreshOverlayShowsTheBackingFileAndZerosAfterIt() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 4L * CLUSTER, CLUSTER + 1536)) {
            disk.assertHolds(BASE, 0, CLUSTER + 1536);
            disk.assertHolds(0, CLUSTER + 1536, 3 * CLUSTER - 1536);
            // In one request, across the end of the backing file.
            byte[] whole = disk.read(0, 4 * CLUSTER);
            assertThat(Arrays.copyOf(whole, CLUSTER + 1536)).isEqualTo(Pattern.bytes(BASE, 0, CLUSTER + 1536));
        }
    }

    @ParameterizedTest(name = "{0} bytes at {1}")
    @CsvSource({
        "512, 0",
        "512, 512",
        "1000, 77",
        "512, 65024",
        "65536, 65536",
        "131072, 65000",
        "300000, 100",
        "7, 65533"
    })
    void aWriteLeavesTheRestOfItsClustersAsItWas(int length, int offset) throws Exception {
        int size = 8 * CLUSTER;
        try (TestDisk disk = TestDisk.overlay(CLUSTER, size, size)) {
            disk.write(1, offset, length);
            disk.assertHolds(1, offset, length);
            disk.assertHolds(BASE, 0, offset);
            disk.assertHolds(BASE, offset + length, size - offset - length);
            disk.device.flush();
            try (TestDisk again = disk.peek()) {
                again.assertHolds(1, offset, length);
                again.assertHolds(BASE, 0, offset);
                again.assertHolds(BASE, offset + length, size - offset - length);
            }
        }
    }

    /** The reference cannot do either (E13). */
    @Test
    void theLastIncompleteClusterAndOnesPastTheBackingFileAreWrittenInPart() throws Exception {
        int size = 3 * CLUSTER + 5 * 512;
        try (TestDisk disk = TestDisk.overlay(CLUSTER, size, CLUSTER + 10_240)) {
            disk.write(1, CLUSTER + 512, 512);
            disk.write(2, 2 * CLUSTER + 1024, 512);
            disk.write(3, size - 512, 512);
            disk.write(4, 3 * CLUSTER + 10, 20);
            disk.assertHolds(BASE, CLUSTER, 512);
            disk.assertHolds(1, CLUSTER + 512, 512);
            disk.assertHolds(BASE, CLUSTER + 1024, 10_240 - 1024);
            disk.assertHolds(0, CLUSTER + 10_240, CLUSTER - 10_240);
            disk.assertHolds(0, 2 * CLUSTER, 1024);
            disk.assertHolds(2, 2 * CLUSTER + 1024, 512);
            disk.assertHolds(0, 2 * CLUSTER + 1536, CLUSTER - 1536);
            disk.assertHolds(0, 3 * CLUSTER, 10);
            disk.assertHolds(4, 3 * CLUSTER + 10, 20);
            disk.assertHolds(0, 3 * CLUSTER + 30, 4 * 512 - 30);
            disk.assertHolds(3, size - 512, 512);
            assertThat(disk.data.memory.length()).isEqualTo(size);
        }
    }

    @Test
    void withoutABackingFileEverythingGoesToTheDataFile() throws Exception {
        try (TestDisk disk = TestDisk.alone(4096, 1 << 20)) {
            disk.write(1, 5000, 10_000);
            disk.assertHolds(0, 0, 5000);
            disk.assertHolds(1, 5000, 10_000);
            disk.device.flush();
            assertThat(disk.log.entries())
                    .noneMatch(e -> e.file().equals(TestDisk.NAME) && e.kind().changes());
        }
    }

    /** R1: both lengths are asked for, not remembered. */
    @Test
    void aBackingFileThatGrowsIsSeenAsFarAsItReachesThen() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 20 * CLUSTER, 2 * CLUSTER)) {
            disk.assertHolds(BASE, 0, 2 * CLUSTER);
            disk.assertHolds(0, 2 * CLUSTER, 18 * CLUSTER);
            disk.backing.memory.replace(SparseBytes.of(Pattern.bytes(BASE, 0, 5 * CLUSTER)));
            disk.assertHolds(BASE, 0, 5 * CLUSTER);
            disk.assertHolds(0, 5 * CLUSTER, 15 * CLUSTER);
            assertThat(disk.device.blockStatus(0, 20 * CLUSTER).length()).isEqualTo(5 * CLUSTER);
            // What is copied around a write reaches as far.
            disk.write(1, 3 * CLUSTER + 512, 512);
            disk.assertHolds(BASE, 3 * CLUSTER, 512);
            disk.assertHolds(1, 3 * CLUSTER + 512, 512);
            disk.assertHolds(BASE, 3 * CLUSTER + 1024, CLUSTER - 1024);
        }
    }

    /** R1: an error of the length is the request's, not a length of its own. */
    @Test
    void aBackingFileThatCannotTellItsLengthFailsWhatNeedsIt() throws Exception {
        AtomicBoolean broken = new AtomicBoolean();
        TestFiles files = new TestFiles();
        SparseBytes raw = new SparseBytes();
        raw.truncate(20 * CLUSTER);
        files.put(TestDisk.DATA, raw);
        byte[] base = Pattern.bytes(BASE, 0, 2 * CLUSTER);
        files.put(TestDisk.BACKING, new ForwardingDriver(new MemoryDriver(SparseBytes.of(base))) {
            @Override
            public long length() throws BlockException {
                if (broken.get()) {
                    throw new BlockException(Errno.ENXIO);
                }
                return super.length();
            }
        });
        files.put(TestDisk.NAME, TestDisk.image(CLUSTER, 20 * CLUSTER, base));
        try (BlockDevice device = files.open(TestDisk.NAME, "add-cow", OpenOptions.readWrite())) {
            device.write(0, ByteBuffer.wrap(base));
            broken.set(true);
            failure(Errno.ENXIO, () -> device.read(4 * CLUSTER, ByteBuffer.allocate(512)));
            failure(Errno.ENXIO, () -> device.write(4 * CLUSTER, ByteBuffer.allocate(512)));
            failure(Errno.ENXIO, () -> device.blockStatus(4 * CLUSTER, CLUSTER));
            device.read(0, ByteBuffer.allocate(512));
        }
    }

    @Test
    void withoutBackingUnsetBitsReadAsZeros() throws Exception {
        try (TestDisk disk =
                TestDisk.overlay(4096, 65536, 65536, OpenOptions.readWrite().withNoBacking(true))) {
            disk.assertHolds(0, 0, 65536);
            disk.write(1, 100, 100);
            disk.assertHolds(0, 0, 100);
            disk.assertHolds(1, 100, 100);
            disk.assertHolds(0, 200, 8000);
        }
    }

    @Test
    void zerosTakeWholeClustersAtOnceAndCopyTheRest() throws Exception {
        int size = 8 * CLUSTER;
        try (TestDisk disk = TestDisk.overlay(CLUSTER, size, size)) {
            disk.device.writeZeroes(1000, 3L * CLUSTER, RequestFlags.MAY_UNMAP);
            disk.assertHolds(BASE, 0, 1000);
            disk.assertHolds(0, 1000, 3 * CLUSTER);
            disk.assertHolds(BASE, 1000 + 3 * CLUSTER, size - 1000 - 3 * CLUSTER);
            assertThat(disk.log.entries())
                    .anyMatch(e -> e.file().equals(TestDisk.DATA)
                            && e.kind() == Kind.ZERO
                            && e.offset() == CLUSTER
                            && e.length() == 2 * CLUSTER);
        }
    }

    @Test
    void aDiscardLeavesBitsAlone() throws Exception {
        try (TestDisk disk = TestDisk.overlay(4096, 65536, 65536)) {
            disk.write(1, 4096, 8192);
            disk.device.discard(0, 65536);
            assertThat(disk.device.blockStatus(4096, 8192).isAllocated()).isTrue();
            assertThat(disk.device.blockStatus(0, 4096).isAllocated()).isFalse();
            disk.assertHolds(BASE, 0, 4096);
        }
    }

    @Test
    void requestsOutsideOfTheDiskFail() throws Exception {
        try (TestDisk disk = TestDisk.overlay(4096, 65536, 65536)) {
            failure(Errno.EIO, () -> disk.read(65536 - 511, 512));
            failure(Errno.EIO, () -> disk.write(1, 65536, 1));
        }
    }

    /** Several tables, and bits of which the last byte has only a few (4 KiB clusters: a table for 128 MiB). */
    @Test
    void bitsOfManyTablesAreFoundAgain() throws Exception {
        long size = (1L << 30) + 5 * 4096;
        long[] places = {0, (1L << 27) - 4096, 1L << 27, (1L << 28) + 12288, size - 4096};
        try (TestDisk disk = TestDisk.overlay(4096, size, 65536)) {
            for (int i = 0; i < places.length; i++) {
                disk.write(i + 1, places[i], 4096);
            }
            disk.device.flush();
            for (long place : places) {
                assertThat(disk.bitInFile(4096, place / 4096)).isTrue();
                assertThat(disk.bitInFile(4096, place / 4096 + 1)).isEqualTo(place == (1L << 27) - 4096);
            }
            try (TestDisk again = disk.peek()) {
                for (int i = 0; i < places.length; i++) {
                    again.assertHolds(i + 1, places[i], 4096);
                }
            }
        }
    }

    /** What the reference cannot do (E4). */
    @ParameterizedTest(name = "at 2^{0}")
    @ValueSource(ints = {40, 50, 62})
    void writesFarOutCopyTheirNeighbours(int exponent) throws Exception {
        long far = 1L << exponent;
        long size = far + (1 << 20);
        try (TestDisk disk = TestDisk.overlay(2 << 20, size, 65536)) {
            disk.write(1, far + 5000, 1000);
            disk.assertHolds(1, far + 5000, 1000);
            disk.assertHolds(0, far, 5000);
            disk.assertHolds(0, far + 6000, (1 << 20) - 6000);
            disk.device.flush();
            assertThat(disk.bitInFile(2 << 20, far >>> 21)).isTrue();
        }
    }

    @ParameterizedTest(name = "clusters {0}, size {1}, backing {2}, budget {3}")
    @CsvSource({
        "4096, 4194304, 4194304, 67108864",
        "4096, 4195840, 1050112, 67108864",
        "65536, 4195840, 3000320, 67108864",
        "1048576, 6291456, 8388608, 67108864",
        "4096, 536870912, 1048576, 0"
    })
    void everyByteIsAsTheModelSays(int clusterSize, long size, int backing, long budget) throws Exception {
        byte[] visible = Pattern.bytes(BASE, 0, (int) Math.min(backing, size));
        DiskModel model = new DiskModel(size, DiskModel.Content.of(visible), 1);
        OpenOptions options = OpenOptions.readWrite().withMetadataBudget(budget);
        try (TestDisk disk = TestDisk.overlay(clusterSize, size, backing, options)) {
            ModelRun.verify(disk.device, model, 1);
            new ModelRun(disk.device, model, ModelRun.Plan.of(1, 40)).run();
            new ModelRun(disk.device, model, ModelRun.Plan.of(2, 40).withLocked(true)).run();
            disk.device.flush();
            try (TestDisk again = disk.peek(OpenOptions.readOnly())) {
                ModelRun.verify(again.device, model, 2);
            }
        }
    }

    @Test
    void readOnlyWritesNothing() throws Exception {
        try (TestDisk disk = TestDisk.overlay(4096, 65536, 65536, OpenOptions.readOnly())) {
            disk.read(0, 65536);
            BlockException e = failure(Errno.EPERM, () -> disk.write(1, 0, 512));
            assertThat(e.operation()).isEqualTo("write");
            disk.device.flush();
            assertThat(disk.changes(0)).isEmpty();
        }
    }

    /** Where there are no bits to set, any range can be zeroed as it is. */
    @Test
    void zeroesInAnImageThatHasEverythingNeedNoWholeClusters() throws Exception {
        try (TestDisk disk = TestDisk.alone(65536, 1 << 20)) {
            int start = disk.log.size();
            disk.device.writeZeroes(4096, 512, 0);
            assertThat(disk.changes(start)).containsExactly("zero data.raw 512@4096");
        }
    }
}
