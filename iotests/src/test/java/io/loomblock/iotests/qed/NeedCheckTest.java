// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.iotests.support.QedReader;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When the mark for a check is set and when it goes (acceptance rows 18, 31, 32; spec sections 10.6 and 12). */
@Timeout(60)
class NeedCheckTest {
    private static final int CLUSTER = 4096;
    private static final Duration SHORT_OF_DELAY = QedImages.NEED_CHECK_DELAY.minusMillis(1);
    private static final Duration REST = Duration.ofMillis(1);

    private final FakeTimers timers = new FakeTimers();
    private MemoryDriver file;

    @BeforeEach
    void create() throws Exception {
        file = QedImages.create(16 << 20, CLUSTER, 2);
    }

    private boolean marked() {
        return reader().needCheck();
    }

    private QedReader reader() {
        return new QedReader(file.snapshot().toByteArray());
    }

    /** Marks the image as if it had not been closed in order. */
    private void mark() {
        SparseBytes bytes = file.snapshot();
        bytes.write(16, new byte[] {2}, 0, 1);
        file.replace(bytes);
    }

    @Test
    void theMarkIsSetBeforeTheFirstTableWriteAndGoesFiveSecondsAfterTheLastAllocation() throws Exception {
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite(timers))) {
            assertThat(device.info().dirty()).isFalse();
            Guest.write(device, 0, CLUSTER, 'a');
            device.flush();
            assertThat(marked()).isTrue();
            assertThat(device.info().dirty()).isTrue();
            timers.advance(SHORT_OF_DELAY);
            Guest.write(device, 2 * CLUSTER, CLUSTER, 'b');
            timers.advance(SHORT_OF_DELAY);
            assertThat(marked()).isTrue();
            timers.advance(REST);
            assertThat(marked()).isFalse();
            assertThat(device.info().dirty()).isFalse();
            assertThat(reader().state(0)).isEqualTo(QedReader.State.DATA);
            assertThat(reader().state(2 * CLUSTER)).isEqualTo(QedReader.State.DATA);
            assertThat(timers.pending()).isZero();
        }
    }

    @Test
    void itIsSetAnewByTheNextAllocation() throws Exception {
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite(timers))) {
            for (int i = 0; i < 3; i++) {
                Guest.write(device, (long) i * CLUSTER, CLUSTER, 'a');
                device.flush();
                assertThat(marked()).isTrue();
                timers.advance(QedImages.NEED_CHECK_DELAY);
                assertThat(marked()).isFalse();
            }
        }
    }

    @Test
    void neitherReadsNorWritesInPlaceSetIt() throws Exception {
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite(timers))) {
            Guest.write(device, 0, CLUSTER, 'a');
        }
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite(timers))) {
            Guest.expect(device, 0, CLUSTER, 'a');
            Guest.write(device, 100, 1000, 'b');
            device.flush();
            assertThat(marked()).isFalse();
            assertThat(timers.pending()).isZero();
        }
    }

    @Test
    void aDrainDoesTheTimersWorkAtOnce() throws Exception {
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite(timers))) {
            Guest.write(device, 0, CLUSTER, 'a');
            device.flush();
            assertThat(marked()).isTrue();
            try (BlockDevice.Drained drained = device.drain()) {
                assertThat(marked()).isFalse();
                assertThat(reader().state(0)).isEqualTo(QedReader.State.DATA);
                assertThat(timers.pending()).isZero();
            }
            Guest.write(device, 2 * CLUSTER, CLUSTER, 'b');
            device.flush();
            assertThat(marked()).isTrue();
        }
    }

    @Test
    void theTimerLeavesAnAllocationThatIsRunningAlone() throws Exception {
        BlockingDriver blocking = new BlockingDriver(file);
        try (BlockDevice device = QedImages.open(blocking, QedImages.readWrite(timers))) {
            Guest.write(device, 0, CLUSTER, 'a');
            device.flush();
            BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.WRITE));
            Thread writer = Thread.ofVirtual().start(() -> writeUnchecked(device, 4 * CLUSTER));
            hold.awaitHeld();
            timers.advance(QedImages.NEED_CHECK_DELAY);
            assertThat(marked()).isTrue();
            hold.release();
            writer.join();
            timers.advance(QedImages.NEED_CHECK_DELAY);
            assertThat(marked()).isFalse();
            Guest.expect(device, 4 * CLUSTER, CLUSTER, 'w');
        }
    }

    /** QEMU 7.2 aborts there (E7). */
    @Test
    void anAllocationThatComesWhileTheTimerWorksWaitsAndThenGoesOn() throws Exception {
        BlockingDriver blocking = new BlockingDriver(file);
        try (BlockDevice device = QedImages.open(blocking, QedImages.readWrite(timers))) {
            Guest.write(device, 0, CLUSTER, 'a');
            BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.FLUSH));
            Thread clock = Thread.ofVirtual().start(() -> timers.advance(QedImages.NEED_CHECK_DELAY));
            hold.awaitHeld();
            Thread first = Thread.ofVirtual().start(() -> writeUnchecked(device, 4 * CLUSTER));
            Thread second = Thread.ofVirtual().start(() -> writeUnchecked(device, 4 * CLUSTER + 2048));
            Guest.write(device, 10, 10, 'i');
            Guest.expect(device, 0, 10, 'a');
            hold.release();
            clock.join();
            first.join();
            second.join();
            Guest.expect(device, 4 * CLUSTER + 2048, CLUSTER, 'w');
            timers.advance(QedImages.NEED_CHECK_DELAY);
        }
        QedImages.expectSound(file);
    }

    private static void writeUnchecked(BlockDevice device, long offset) {
        try {
            Guest.write(device, offset, CLUSTER, 'w');
        } catch (BlockException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void closingClearsIt() throws Exception {
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite(timers))) {
            Guest.write(device, 0, CLUSTER, 'a');
            device.flush();
            assertThat(marked()).isTrue();
        }
        QedImages.expectSound(file);
        assertThat(timers.pending()).isZero();
    }

    @Test
    void aMarkedImageIsRepairedByAWritableOpen() throws Exception {
        mark();
        try (BlockDevice device = QedImages.open(file, QedImages.readWrite(timers))) {
            assertThat(marked()).isFalse();
            assertThat(device.info().dirty()).isFalse();
        }
    }

    @Test
    void readOnlyInactiveAndCheckingOpensLeaveTheMark() throws Exception {
        mark();
        byte[] before = file.snapshot().toByteArray();
        RequestLog log = new RequestLog();
        RecordingDriver recorder = new RecordingDriver("image", file, log);
        for (var options : new io.loomblock.OpenOptions[] {
            QedImages.readOnly(),
            QedImages.readOnly().withCheck(true),
            QedImages.readWrite(timers).withInactive(true),
            QedImages.readWrite(timers).withCheck(true)
        }) {
            try (BlockDevice device = QedImages.open(recorder, options)) {
                assertThat(device.info().dirty()).isTrue();
                Guest.expect(device, 0, CLUSTER, 0);
                timers.advance(Duration.ofSeconds(20));
            }
            assertThat(log.entries()).as("%s", options).noneMatch(e -> e.kind().changes());
        }
        assertThat(file.snapshot().toByteArray()).isEqualTo(before);
    }

    @Test
    void aCheckThatFindsNothingWrongClearsItOnlyWhenItMayRepair() throws Exception {
        mark();
        try (BlockDevice device =
                QedImages.open(file, QedImages.readWrite(timers).withCheck(true))) {
            assertThat(device.check(FixMode.NONE).isClean()).isTrue();
            assertThat(marked()).isTrue();
            assertThat(device.check(FixMode.ALL).isClean()).isTrue();
            assertThat(marked()).isFalse();
        }
    }

    /** Without its table sectors on disk the image must stay marked (E10). */
    @Test
    void aMetadataWriteThatFailedKeepsIt() throws Exception {
        FaultDriver faulty = new FaultDriver(file);
        BlockDevice device = QedImages.open(faulty, QedImages.readWrite(timers));
        Guest.write(device, 0, CLUSTER, 'a');
        device.flush();
        Guest.write(device, 3 * CLUSTER, CLUSTER, 'b');
        faulty.arm(Fault.always(Request.of(Kind.WRITE)));
        timers.advance(QedImages.NEED_CHECK_DELAY);
        faulty.disarm();
        QedImages.closeThoughItFails(device);
        assertThat(marked()).isTrue();
    }

    @Test
    void aFlushThatFailedKeepsItForGood() throws Exception {
        FaultDriver faulty = new FaultDriver(file);
        BlockDevice device = QedImages.open(faulty, QedImages.readWrite(timers));
        Guest.write(device, 0, CLUSTER, 'a');
        device.flush();
        Guest.write(device, 3 * CLUSTER, CLUSTER, 'b');
        faulty.arm(Fault.once(Request.of(Kind.FLUSH)));
        BlockException first = catchThrowableOfType(BlockException.class, device::flush);
        assertThat(first.errno()).isEqualTo(Errno.EIO);
        assertThat(catchThrowableOfType(BlockException.class, device::flush).errno())
                .isEqualTo(Errno.EIO);
        assertThat(catchThrowableOfType(BlockException.class, () -> Guest.write(device, 0, 512, 'c'))
                        .errno())
                .isEqualTo(Errno.EIO);
        Guest.expect(device, 0, CLUSTER, 'a');
        Guest.expect(device, 3 * CLUSTER, CLUSTER, 'b');
        timers.advance(Duration.ofSeconds(20));
        QedImages.closeThoughItFails(device);
        assertThat(marked()).isTrue();
    }
}
