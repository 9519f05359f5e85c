// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.ErrorListener.IoError;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.BufferPool;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.TestImages;
import io.loomblock.testkit.Waits;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of requests that fail: reported, ignored, or stopped until they are made again. */
@Timeout(60)
class ErrorPolicyTest {
    private static final OpenOptions RAW = OpenOptions.readWrite().withFormat("raw");
    private static final int SIZE = 1 << 20;

    private final FaultDriver faulty = new FaultDriver(disk());
    private final List<IoError> errors = new CopyOnWriteArrayList<>();

    private static MemoryDriver disk() {
        MemoryDriver memory = new MemoryDriver();
        memory.truncate(SIZE, true, PreallocationMode.OFF);
        return memory;
    }

    private BlockDevice device() throws BlockException {
        BlockDevice device = TestImages.open("disk", faulty, RAW);
        device.onError(errors::add);
        return device;
    }

    private void allFail(Kind kind, Errno errno) {
        faulty.arm(FaultDriver.Fault.always(Request.of(kind)).with(errno));
    }

    private static ByteBuffer sector() {
        return ByteBuffer.wrap(new byte[] {7, 7, 7}).limit(3);
    }

    private static void assertErrno(Errno errno, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    private static Accounting.Figures writes(BlockDevice device) {
        return device.accounting().of(Accounting.Kind.WRITE);
    }

    @Test
    void errorsAreReportedUnlessSaidOtherwise() throws Exception {
        try (BlockDevice device = device()) {
            allFail(Kind.WRITE, Errno.ENOSPC);
            assertErrno(Errno.ENOSPC, () -> device.write(512, sector()));
            assertThat(errors).containsExactly(new IoError(Operation.WRITE, 512, ErrorAction.REPORT, Errno.ENOSPC));
            assertThat(errors.get(0).noSpace()).isTrue();
            assertThat(device.ioStatus()).isEqualTo(IoStatus.OK);
            assertThat(writes(device).failed()).isEqualTo(1);
        }
    }

    @Test
    void ignoredErrorsLookLikeSuccess() throws Exception {
        try (BlockDevice device = device()) {
            device.errorPolicy(ErrorAction.IGNORE, ErrorAction.IGNORE);
            allFail(Kind.READ, Errno.EIO);
            ByteBuffer target = ByteBuffer.allocate(512);
            device.read(0, target);
            assertThat(target.hasRemaining()).isFalse();
            allFail(Kind.WRITE, Errno.EIO);
            device.write(0, sector());
            assertThat(errors).extracting(IoError::action).containsExactly(ErrorAction.IGNORE, ErrorAction.IGNORE);
            assertThat(writes(device).operations()).isEqualTo(1);
            assertThat(writes(device).failed()).isZero();
            faulty.disarm();
        }
    }

    @Test
    void aStoppedRequestIsMadeAgainWhenTheDeviceResumes() throws Exception {
        try (BlockDevice device = device()) {
            device.errorPolicy(ErrorAction.REPORT, ErrorAction.STOP);
            allFail(Kind.WRITE, Errno.EIO);
            Call write = Call.thatWaits(() -> device.write(0, sector()));
            assertThat(device.ioStatus()).isEqualTo(IoStatus.FAILED);
            // Still broken: it stops once more.
            device.resume();
            Waits.until("the second failure", () -> errors.size() == 2);
            Waits.untilParked(write.thread());
            faulty.disarm();
            assertThat(write.isRunning()).isTrue();
            device.resume();
            write.join();
            assertThat(device.ioStatus()).isEqualTo(IoStatus.OK);
            ByteBuffer back = ByteBuffer.allocate(3);
            device.read(0, back);
            assertThat(back.array()).containsExactly(7, 7, 7);
            assertThat(errors).extracting(IoError::action).containsOnly(ErrorAction.STOP);
            assertThat(writes(device).operations()).isEqualTo(1);
            assertThat(writes(device).failed()).isZero();
        }
    }

    @Test
    void afterAStopTheFirstErrorSticksUntilTheDeviceResumes() throws Exception {
        try (BlockDevice device = device()) {
            device.errorPolicy(ErrorAction.STOP, ErrorAction.STOP);
            allFail(Kind.WRITE, Errno.ENOSPC);
            Call first = Call.thatWaits(() -> device.write(0, sector()));
            assertThat(device.ioStatus()).isEqualTo(IoStatus.NOSPACE);
            allFail(Kind.READ, Errno.EIO);
            Call second = Call.thatWaits(() -> device.read(0, ByteBuffer.allocate(512)));
            assertThat(device.ioStatus()).isEqualTo(IoStatus.NOSPACE);
            faulty.disarm();
            device.resume();
            first.join();
            second.join();
            assertThat(device.ioStatus()).isEqualTo(IoStatus.OK);
        }
    }

    @Test
    void aFullDiskStopsWritesAndOtherErrorsAreReported() throws Exception {
        try (BlockDevice device = device()) {
            device.errorPolicy(ErrorAction.REPORT, ErrorAction.ENOSPC);
            allFail(Kind.WRITE, Errno.EIO);
            assertErrno(Errno.EIO, () -> device.write(0, sector()));
            allFail(Kind.WRITE, Errno.ENOSPC);
            Call write = Call.thatWaits(() -> device.write(0, sector()));
            assertThat(errors).extracting(IoError::action).containsExactly(ErrorAction.REPORT, ErrorAction.STOP);
            faulty.disarm();
            device.resume();
            write.join();
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> device.errorPolicy(ErrorAction.ENOSPC, ErrorAction.REPORT));
        }
    }

    @Test
    void flushesCountAsWrites() throws Exception {
        try (BlockDevice device = device()) {
            device.errorPolicy(ErrorAction.REPORT, ErrorAction.IGNORE);
            faulty.arm(FaultDriver.Fault.once(Request.of(Kind.ZERO)));
            device.writeZeroes(0, 4096, 0);
            assertThat(errors).extracting(IoError::operation).containsExactly(Operation.WRITE_ZEROES);
        }
    }

    @Test
    void requestsThatAreWrongInThemselvesAreReported() throws Exception {
        try (BlockDevice device = TestImages.open("disk", disk(), RAW)) {
            device.onError(errors::add);
            device.errorPolicy(ErrorAction.STOP, ErrorAction.STOP);
            assertErrno(Errno.EIO, () -> device.read(SIZE, ByteBuffer.allocate(1)));
            assertErrno(Errno.EIO, () -> device.discard(-1, 1));
            assertErrno(Errno.EIO, () -> device.writeZeroes(0, Long.MAX_VALUE, 0));
            assertThat(writes(device).invalid()).isEqualTo(1);
            assertThat(writes(device).failed()).isZero();
        }
        try (BlockDevice device = TestImages.open("disk", disk(), RAW.withWritable(false))) {
            device.errorPolicy(ErrorAction.STOP, ErrorAction.STOP);
            assertErrno(Errno.EPERM, () -> device.write(0, sector()));
            assertThat(writes(device).invalid()).isEqualTo(1);
        }
        assertThat(errors).isEmpty();
    }

    @Test
    void writesToAnImageThatWasHandedOverAreReported() throws Exception {
        try (BlockDevice device = device()) {
            device.errorPolicy(ErrorAction.STOP, ErrorAction.STOP);
            device.inactivate();
            assertErrno(Errno.EPERM, () -> device.write(0, sector()));
            assertThat(errors).isEmpty();
            device.invalidateCache(true);
            device.write(0, sector());
        }
    }

    @Test
    void whatIsNotSupportedIsReported() throws Exception {
        faulty.arm(FaultDriver.Fault.always(Request.of(Kind.ZERO)).with(Errno.ENOTSUP));
        try (BlockDevice device = device()) {
            device.errorPolicy(ErrorAction.STOP, ErrorAction.STOP);
            assertErrno(Errno.ENOTSUP, () -> device.writeZeroes(0, 4096, RequestFlags.NO_FALLBACK));
            assertThat(errors).isEmpty();
        }
    }

    @Test
    void neitherADrainNorACloseWaitsForStoppedRequests() throws Exception {
        BufferPool pool = new BufferPool(4 << 20, 2 << 20);
        BlockDevice device = TestImages.open("disk", faulty, RAW.withPool(pool));
        device.errorPolicy(ErrorAction.STOP, ErrorAction.STOP);
        allFail(Kind.READ, Errno.EIO);
        List<Call> reads = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            reads.add(Call.thatWaits(() -> device.read(0, ByteBuffer.allocate(SIZE))));
        }
        assertThat(pool.outstanding()).as("memory held while stopped").isZero();
        device.drain().close();
        device.truncate(SIZE * 2L, true, PreallocationMode.OFF);
        device.close();
        for (Call read : reads) {
            assertErrno(Errno.EBADF, read::join);
        }
    }

    @Test
    void anInterruptEndsTheStop() throws Exception {
        try (BlockDevice device = device()) {
            device.errorPolicy(ErrorAction.STOP, ErrorAction.STOP);
            allFail(Kind.READ, Errno.EIO);
            Call read = Call.thatWaits(() -> device.read(0, ByteBuffer.allocate(512)));
            read.thread().interrupt();
            assertErrno(Errno.EINTR, read::join);
            assertThat(device.accounting().of(Accounting.Kind.READ).failed()).isEqualTo(1);
            faulty.disarm();
        }
    }

    @Test
    void aListenerMayResumeAtOnceAndOneThatFailsIsLeftAside() throws Exception {
        try (BlockDevice device = device()) {
            device.errorPolicy(ErrorAction.STOP, ErrorAction.STOP);
            Registration failing = device.onError(error -> {
                throw new IllegalStateException("meant to be");
            });
            Registration resuming = device.onError(error -> {
                faulty.disarm();
                device.resume();
            });
            allFail(Kind.READ, Errno.EIO);
            device.read(0, ByteBuffer.allocate(512));
            assertThat(errors).hasSize(1);
            resuming.close();
            failing.close();
        }
    }

    /** Faults come and go while many write and somebody resumes; in the end everything was written. */
    @Test
    void nothingIsLostWhenErrorsComeAndGo() throws Exception {
        long seed = System.nanoTime();
        AtomicInteger done = new AtomicInteger();
        try (BlockDevice device = TestImages.open("disk", faulty, RAW)) {
            device.errorPolicy(ErrorAction.STOP, ErrorAction.STOP);
            List<Call> writers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                int number = i;
                writers.add(Call.of(() -> {
                    for (int n = 0; n < 100; n++) {
                        byte[] data = new byte[512];
                        data[0] = (byte) n;
                        device.write((number * 100L + n) * 512, ByteBuffer.wrap(data));
                    }
                    done.incrementAndGet();
                }));
            }
            Random random = new Random(seed);
            while (done.get() < 8) {
                faulty.arm(FaultDriver.Fault.once(Request.of(Kind.WRITE)).at(random.nextInt(20)));
                LockSupport.parkNanos(random.nextInt(200_000));
                device.resume();
            }
            for (Call writer : writers) {
                writer.join();
            }
            faulty.disarm();
            byte[] all = new byte[800 * 512];
            device.read(0, ByteBuffer.wrap(all));
            for (int i = 0; i < 800; i++) {
                assertThat(all[i * 512]).as("seed %d sector %d", seed, i).isEqualTo((byte) (i % 100));
            }
            assertThat(writes(device).operations()).isEqualTo(800);
        }
    }
}
