// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import static io.loomblock.addcow.TestDisk.BASE;
import static io.loomblock.addcow.TestDisk.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import io.loomblock.testkit.Waits;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Who waits for whom: requests in a cluster that is being copied, and nobody else. */
@Tag("jars")
class BlockedRequestTest {
    private static final int CLUSTER = 65536;
    private static final int SIZE = 16 * CLUSTER;

    /** R4 */
    @Test
    void aBlockedWriteHoldsUpNoOtherAllocatedCluster() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 0, 4 * CLUSTER);
            try (BlockingDriver.Hold hold = disk.data.blocking.hold(Request.of(Kind.WRITE, 0, CLUSTER))) {
                TestDisk.Running held = TestDisk.start(() -> disk.write(2, 0, 512));
                hold.awaitHeld();
                disk.write(3, CLUSTER, 512);
                disk.write(4, 1024, 512);
                disk.assertHolds(3, CLUSTER, 512);
                disk.assertHolds(4, 1024, 512);
                disk.assertHolds(BASE, 8 * CLUSTER, CLUSTER);
                disk.write(5, 9 * CLUSTER + 100, 100);
                assertThat(held.isDone()).isFalse();
                hold.release();
                held.end();
            }
        }
    }

    @Test
    void aBlockedCopyHoldsUpNothingInOtherClusters() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, CLUSTER, CLUSTER);
            try (BlockingDriver.Hold hold = disk.backing.blocking.hold(Request.of(Kind.READ, 0, CLUSTER))) {
                TestDisk.Running held = TestDisk.start(() -> disk.write(2, 512, 512));
                hold.awaitHeld();
                disk.write(3, CLUSTER + 512, 512);
                disk.write(4, 2 * CLUSTER + 512, 512);
                disk.device.writeZeroes(4L * CLUSTER, 2 * CLUSTER, 0);
                disk.device.flush();
                disk.assertHolds(BASE, 10 * CLUSTER, CLUSTER);
                disk.assertHolds(4, 2 * CLUSTER + 512, 512);
                assertThat(disk.device.blockStatus(0, SIZE).isAllocated()).isFalse();
                assertThat(held.isDone()).isFalse();
                hold.release();
                held.end();
            }
            disk.assertHolds(2, 512, 512);
            disk.assertHolds(BASE, 0, 512);
        }
    }

    /** Reads of the very cluster that is being copied show what it was. */
    @Test
    void readsDoNotWaitForACopy() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            try (BlockingDriver.Hold hold = disk.data.blocking.hold(Request.of(Kind.WRITE, 0, CLUSTER))) {
                TestDisk.Running held = TestDisk.start(() -> disk.write(2, 512, 512));
                hold.awaitHeld();
                disk.assertHolds(BASE, 0, CLUSTER);
                hold.release();
                held.end();
            }
        }
    }

    /** R5 */
    @Test
    void theGuestsDataWinsOverACopyThatBeganBefore() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            try (BlockingDriver.Hold hold = disk.backing.blocking.hold(Request.of(Kind.READ))) {
                TestDisk.Running first = TestDisk.start(() -> disk.write(1, 0, 512));
                hold.awaitHeld();
                TestDisk.Running second = TestDisk.start(() -> disk.write(2, 5 * 512, 512));
                TestDisk.Running whole = TestDisk.start(() -> disk.write(3, 3 * CLUSTER, CLUSTER));
                whole.end();
                second.awaitParked();
                assertThat(second.isDone()).isFalse();
                hold.release();
                first.end();
                second.end();
            }
            disk.assertHolds(1, 0, 512);
            disk.assertHolds(BASE, 512, 4 * 512);
            disk.assertHolds(2, 5 * 512, 512);
            disk.assertHolds(BASE, 6 * 512, CLUSTER - 6 * 512);
        }
    }

    /** A write of a whole cluster copies nothing itself, but must not be overwritten by the copy of another. */
    @Test
    void aWholeClusterWaitsForACopyInIt() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            try (BlockingDriver.Hold hold = disk.backing.blocking.hold(Request.of(Kind.READ))) {
                TestDisk.Running first = TestDisk.start(() -> disk.write(1, 512, 512));
                hold.awaitHeld();
                TestDisk.Running whole = TestDisk.start(() -> disk.write(2, 0, 2 * CLUSTER));
                whole.awaitParked();
                assertThat(whole.isDone()).isFalse();
                hold.release();
                first.end();
                whole.end();
            }
            disk.assertHolds(2, 0, 2 * CLUSTER);
        }
    }

    @Test
    void anInterruptEndsAWaitForACopyAndChangesNothing() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            try (BlockingDriver.Hold hold = disk.backing.blocking.hold(Request.of(Kind.READ))) {
                TestDisk.Running first = TestDisk.start(() -> disk.write(1, 512, 512));
                hold.awaitHeld();
                TestDisk.Running second = TestDisk.start(() -> disk.write(2, 1024, 512));
                second.awaitParked();
                second.thread.interrupt();
                failure(Errno.EINTR, second::end);
                hold.release();
                first.end();
            }
            disk.assertHolds(BASE, 1024, 512);
        }
    }

    /** R11: once its bits are in memory, a rewrite reads nothing and waits for nothing, not even a flush that is under way. */
    @Test
    void aRewriteTakesNoLockThatAFlushHolds() throws Exception {
        try (TestDisk disk = TestDisk.overlay(CLUSTER, SIZE, SIZE)) {
            disk.write(1, 0, 2 * CLUSTER);
            try (BlockingDriver.Hold hold = disk.file.blocking.hold(Request.of(Kind.WRITE))) {
                TestDisk.Running flush = TestDisk.start(disk.device::flush);
                hold.awaitHeld();
                int start = disk.log.size();
                disk.write(2, CLUSTER, 512);
                assertThat(disk.log.since(start))
                        .extracting(Object::toString)
                        .containsExactly("write data.raw 512@65536");
                disk.assertHolds(2, CLUSTER, 512);
                // Nor does an allocation.
                disk.write(3, 8 * CLUSTER, CLUSTER);
                hold.release();
                flush.end();
            }
        }
    }

    /** E18: however many copies are wanted, the memory for them is bounded, and the others wait for it. */
    @Test
    void copiesTakeNoMoreMemoryThanThereIsForThem() throws Exception {
        int cluster = 1 << 20;
        int writers = 64;
        int atOnce = 16;
        AtomicInteger reading = new AtomicInteger();
        CountDownLatch go = new CountDownLatch(1);
        TestFiles files = new TestFiles();
        SparseBytes empty = new SparseBytes();
        empty.truncate((long) writers * cluster);
        files.put("data.raw", empty.copy());
        files.put("base.raw", new ForwardingDriver(new MemoryDriver(empty)) {
            @Override
            public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
                    throws BlockException {
                assertThat(reading.incrementAndGet()).isLessThanOrEqualTo(atOnce);
                Waits.until("copies may go on", () -> go.getCount() == 0);
                super.coReadv(offset, bytes, qiov, qiovOffset, flags);
                reading.decrementAndGet();
            }
        });
        files.create("add-cow", "image", overlay("data.raw", "base.raw", cluster, (long) writers * cluster));
        List<TestDisk.Running> running = new ArrayList<>();
        try (BlockDevice device = files.open("image", "add-cow", OpenOptions.readWrite())) {
            for (int i = 0; i < writers; i++) {
                long at = (long) i * cluster + cluster / 2;
                running.add(TestDisk.start(() -> device.write(at, ByteBuffer.wrap(Pattern.bytes(2, at, 512)))));
            }
            Waits.until("there is no memory left", () -> reading.get() == atOnce);
            go.countDown();
            for (TestDisk.Running one : running) {
                one.end();
            }
        }
    }

    /** The data file copies on write too, while the image above it holds all the memory that it may take for copies. */
    @Test
    void copiesDoNotWaitForThoseBelow() throws Exception {
        int writers = 16;
        int inner = 1 << 20;
        int outer = inner / 2;
        long size = (long) writers * inner;
        CountDownLatch all = new CountDownLatch(writers);
        TestFiles files = new TestFiles();
        files.put("inner.base", Pattern.bytes(1, 0, (int) size));
        files.put("inner.raw", new byte[(int) size]);
        files.create("add-cow", "inner", overlay("inner.raw", "inner.base", inner, size));
        files.put(
                "base.raw", new ForwardingDriver(new MemoryDriver(SparseBytes.of(Pattern.bytes(BASE, 0, (int) size)))) {
                    @Override
                    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
                            throws BlockException {
                        all.countDown();
                        Waits.until("every writer copies", () -> all.getCount() == 0);
                        super.coReadv(offset, bytes, qiov, qiovOffset, flags);
                    }
                });
        files.create(
                "add-cow", "outer", overlay("inner", "base.raw", outer, size).with("image_fmt", "add-cow"));
        BufferPool pool = new BufferPool(4L << 20, 2L << 20);
        List<TestDisk.Running> running = new ArrayList<>();
        try (BlockDevice device =
                files.open("outer", "add-cow", OpenOptions.readWrite().withPool(pool))) {
            for (int i = 0; i < writers; i++) {
                long at = (long) i * inner + outer / 2;
                running.add(TestDisk.start(() -> device.write(at, ByteBuffer.wrap(Pattern.bytes(2, at, 512)))));
            }
            for (TestDisk.Running one : running) {
                one.end();
            }
            byte[] head = new byte[outer / 2];
            device.read(0, ByteBuffer.wrap(head));
            assertThat(head).isEqualTo(Pattern.bytes(BASE, 0, head.length));
        }
        assertThat(pool.outstanding()).isZero();
    }

    private static CreateOptions overlay(String data, String backing, int clusterSize, long size) {
        return CreateOptions.ofSize(size)
                .with("image_file", data)
                .with("cluster_size", clusterSize)
                .withBacking(backing, "raw");
    }
}
