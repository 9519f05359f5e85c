// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.testkit.BlockingDriver.Hold;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A disk grows, and what it gains reads as zeros, whatever lies below or behind. spec: qed.md section 9, E26. */
@Tag("jars")
class GrowthTest {
    private static final int CLUSTER = 4096;
    private static final long SPAN = 4 << 20;
    private static final long MAX = 4L << 30;

    private static void grow(TestDisk disk, long size) throws BlockException {
        disk.device.truncate(size, true, PreallocationMode.OFF);
    }

    private static String refusal(Errno errno, TestDisk disk, long size) {
        return TestDisk.failure(errno, () -> grow(disk, size)).reason();
    }

    @Test
    void sizesThatCannotBeAreRefused() throws Exception {
        try (TestDisk disk = TestDisk.create(CLUSTER, 2, 1 << 20)) {
            int start = disk.log.size();
            assertThat(refusal(Errno.EINVAL, disk, (1 << 20) + 1)).isEqualTo("Invalid image size specified");
            assertThat(refusal(Errno.EINVAL, disk, MAX + 512)).isEqualTo("Invalid image size specified");
            assertThat(refusal(Errno.ENOTSUP, disk, (1 << 20) - 512))
                    .isEqualTo("Shrinking images is currently not supported");
            TestDisk.failure(Errno.EINVAL, () -> grow(disk, -512));
            assertThat(TestDisk.failure(
                                    Errno.ENOTSUP, () -> disk.device.truncate(2 << 20, true, PreallocationMode.FULL))
                            .reason())
                    .isEqualTo("Unsupported preallocation mode 'full'");
            grow(disk, 1 << 20);
            assertThat(disk.changes(start)).isEmpty();
            assertThat(disk.device.length()).isEqualTo(1 << 20);
        }
    }

    @Test
    void theHeaderIsAllThatIsWritten() throws Exception {
        try (TestDisk disk = TestDisk.create(CLUSTER, 2, CLUSTER)) {
            disk.write(1, 0, CLUSTER);
            disk.device.drain().close();
            long length = disk.memory.length();
            int start = disk.log.size();
            grow(disk, MAX);
            assertThat(disk.changes(start)).containsExactly("WRITE 512@0", "FLUSH");
            assertThat(disk.memory.length()).isEqualTo(length);
            assertThat(disk.device.length()).isEqualTo(MAX);
            assertThat(disk.fileLong(48)).isEqualTo(MAX);
            disk.assertHolds(1, 0, CLUSTER);
            disk.assertHolds(0, CLUSTER, CLUSTER);
            disk.write(2, MAX - CLUSTER, CLUSTER);
            disk.assertHolds(2, MAX - CLUSTER, CLUSTER);
            disk.device.flush();
            try (TestDisk peek = disk.peek()) {
                peek.assertHolds(1, 0, CLUSTER);
                peek.assertHolds(2, MAX - CLUSTER, CLUSTER);
            }
        }
    }

    @Test
    void anEmptyDiskGrows() throws Exception {
        try (TestDisk disk = TestDisk.create(CLUSTER, 2, 0)) {
            grow(disk, 512);
            disk.write(1, 0, 512);
            grow(disk, 20 * SPAN);
            disk.write(2, 19 * SPAN, 512);
            disk.assertHolds(1, 0, 512);
            disk.assertHolds(2, 19 * SPAN, 512);
        }
    }

    @Test
    void aLongerBackingFileDoesNotShowThroughTheNewPart() throws Exception {
        long size = 10 * CLUSTER + 512;
        byte[] base = Pattern.bytes(99, 0, 3 << 20);
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 1, size, base)) {
            disk.write(1, 4 * CLUSTER, 100);
            grow(disk, 8 << 20);
            disk.assertHolds(99, 8 * CLUSTER, (int) (size - 8 * CLUSTER));
            disk.assertHolds(1, 4 * CLUSTER, 100);
            disk.assertHolds(0, size, (int) ((8 << 20) - size));
            disk.write(2, 2 << 20, 100);
            disk.assertHolds(0, (2 << 20) + 100, CLUSTER - 100);
            disk.device.flush();
            assertThat(disk.device.check(FixMode.NONE).isClean()).isTrue();
            try (TestDisk again = TestDisk.open(disk.memory.snapshot(), base)) {
                again.assertHolds(99, 8 * CLUSTER, (int) (size - 8 * CLUSTER));
                again.assertHolds(0, size, (2 << 20) - (int) size);
            }
        }
    }

    @Test
    void aLastClusterThatIsThereIsZeroedBehindTheOldEnd() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, CLUSTER + 512);
        image.data(0, 1);
        // As QEMU copies whole clusters up, whatever the size of the disk is.
        image.data(CLUSTER, 2);
        image.data(2 * CLUSTER, 3);
        image.data(SPAN, 4);
        image.entry(SPAN + CLUSTER, 1);
        try (TestDisk disk = TestDisk.open(image.build())) {
            grow(disk, 3 * SPAN);
            assertThat(disk.read(0, CLUSTER)).containsOnly(1);
            assertThat(disk.read(CLUSTER, 512)).containsOnly(2);
            disk.assertHolds(0, CLUSTER + 512, (int) SPAN);
            disk.assertHolds(0, SPAN, 2 * CLUSTER);
        }
    }

    @Test
    void entriesBehindTheOldEndThatPointNowhereRefuseIt() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, SPAN);
        image.data(0, 1);
        image.entry(SPAN + CLUSTER, 1L << 40).l1(3, 1L << 40);
        try (TestDisk disk = TestDisk.open(image.build())) {
            assertThat(refusal(Errno.EIO, disk, 2 * SPAN)).contains("corrupt");
            TestDisk.failure(Errno.EIO, () -> grow(disk, 4 * SPAN));
            assertThat(disk.device.length()).isEqualTo(SPAN);
            assertThat(disk.fileLong(48)).isEqualTo(SPAN);
            disk.write(1, 4 * CLUSTER, CLUSTER);
            disk.assertHolds(1, 4 * CLUSTER, CLUSTER);
        }
    }

    @Test
    void whereItFailsTheDiskStaysAsItWas() throws Exception {
        byte[] base = Pattern.bytes(99, 0, 1 << 20);
        int number = 0;
        boolean done = false;
        while (!done) {
            TestDisk disk = TestDisk.overlay(CLUSTER, 1, 10 * CLUSTER + 512, base);
            disk.faults.arm(Fault.once(Request.changesAndFlushes()).at(number++));
            long size;
            try {
                grow(disk, 4 << 20);
                size = 4 << 20;
            } catch (BlockException e) {
                size = 10 * CLUSTER + 512;
            }
            done = disk.faults.failures() == 0;
            disk.faults.disarm();
            assertThat(disk.device.length()).isEqualTo(size);
            disk.assertHolds(99, 10 * CLUSTER, 512);
            disk.abandon();
            try (TestDisk again = TestDisk.open(disk.memory.snapshot(), base)) {
                again.assertHolds(99, 10 * CLUSTER, 512);
                if (again.device.length() > 10 * CLUSTER + 512) {
                    again.assertHolds(0, 10 * CLUSTER + 512, 2 << 20);
                }
                assertThat(again.device.check(FixMode.NONE).corruptions()).isZero();
            }
        }
        assertThat(number).isGreaterThan(8);
    }

    @Test
    void theOldDiskStandsInTheFileUntilTheNewPartIsZeroed() throws Exception {
        byte[] base = Pattern.bytes(99, 0, 1 << 20);
        try (TestDisk disk = TestDisk.overlay(CLUSTER, 1, 10 * CLUSTER, base)) {
            int start = disk.log.size();
            grow(disk, 1 << 20);
            List<String> changes = disk.changes(start);
            int header = changes.indexOf("WRITE 512@0");
            assertThat(header).isEqualTo(changes.size() - 2);
            assertThat(changes.get(header - 1)).isEqualTo("FLUSH");
        }
    }

    @Test
    void aRequestWaitsForItsEnd() throws Exception {
        try (TestDisk disk = TestDisk.create(CLUSTER, 2, 1 << 20)) {
            disk.write(1, 0, 512);
            try (Hold hold = disk.blocking.hold(Request.of(Kind.WRITE, 0, 512))) {
                TestDisk.Running growth = TestDisk.start(() -> grow(disk, 2 << 20));
                hold.awaitHeld();
                TestDisk.Running read = TestDisk.start(() -> disk.read(0, 512)).awaitParked();
                assertThat(read.isDone()).isFalse();
                hold.release();
                growth.end();
                read.end();
            }
        }
    }

    @Test
    void neitherReadOnlyNorInactiveImagesGrow() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, SPAN);
        try (TestDisk disk = TestDisk.open(image.build(), OpenOptions.readOnly())) {
            TestDisk.failure(Errno.EPERM, () -> grow(disk, 2 * SPAN));
        }
        try (TestDisk disk =
                TestDisk.open(image.build(), OpenOptions.readWrite().withInactive(true))) {
            TestDisk.failure(Errno.EPERM, () -> grow(disk, 2 * SPAN));
            TestDisk.failure(Errno.EPERM, () -> disk.write(1, 0, 512));
            TestDisk.failure(Errno.EPERM, () -> disk.device.writeZeroes(0, CLUSTER, 0));
            TestDisk.failure(Errno.EPERM, () -> disk.device.changeBackingFile("x", null));
            assertThat(disk.changes(0)).isEmpty();
        }
    }
}
