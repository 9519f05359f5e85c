// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.ThrottleLimits.Rate;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.TestImages;
import io.loomblock.testkit.Waits;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Throttled devices, on a clock that the test moves. */
@Timeout(60)
class ThrottleTest {
    private static final int SIZE = 1 << 20;
    /** Bytes a second; a tenth of it goes at once. */
    private static final ThrottleLimits TEN_KB = ThrottleLimits.NONE.withBytes(Rate.of(10_000));

    private final FakeTimers timers = new FakeTimers();

    private BlockDevice device() throws BlockException {
        MemoryDriver memory = new MemoryDriver();
        memory.truncate(SIZE, true, PreallocationMode.OFF);
        return TestImages.open(
                "disk", memory, OpenOptions.readWrite().withFormat("raw").withTimers(timers));
    }

    private static void write(BlockDevice device, int bytes) throws BlockException {
        device.write(0, ByteBuffer.allocate(bytes));
    }

    private static void assertErrno(Errno errno, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    /** Fills the bucket so that the next request waits for this many seconds. */
    private static void overfill(BlockDevice device, int seconds) throws BlockException {
        write(device, 1000 + 10_000 * seconds);
    }

    @Test
    void aRequestWaitsUntilTheBucketHasEmptied() throws Exception {
        try (BlockDevice device = device()) {
            device.throttle(TEN_KB);
            overfill(device, 2);
            Call write = Call.thatWaits(() -> write(device, 1));
            timers.advance(Duration.ofMillis(1999));
            assertThat(write.isRunning()).isTrue();
            timers.advance(Duration.ofMillis(1));
            write.join();
            assertThat(timers.pending()).isZero();
        }
    }

    @Test
    void flushesDiscardsAndInvalidRequestsAreFree() throws Exception {
        try (BlockDevice device = device()) {
            device.throttle(TEN_KB);
            assertErrno(Errno.EIO, () -> device.read(SIZE, ByteBuffer.allocate(SIZE)));
            overfill(device, 2);
            device.flush();
            device.discard(0, SIZE);
            assertErrno(Errno.EIO, () -> device.read(SIZE, ByteBuffer.allocate(1)));
            device.blockStatus(0, SIZE);
            Call zeroes = Call.thatWaits(() -> device.writeZeroes(0, 1, 0));
            timers.advance(Duration.ofSeconds(2));
            zeroes.join();
        }
    }

    @Test
    void requestsOfOneDirectionGoInTheOrderInWhichTheyCame() throws Exception {
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        try (BlockDevice device = device()) {
            device.throttle(TEN_KB);
            overfill(device, 1);
            List<Call> calls = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                int number = i;
                calls.add(Call.thatWaits(() -> {
                    // A second's worth each.
                    write(device, 11_000);
                    order.add(number);
                }));
            }
            for (int i = 0; i < 5; i++) {
                assertThat(order).hasSize(i);
                timers.advance(Duration.ofMillis(i == 0 ? 1000 : 1100));
                calls.get(i).join();
            }
            assertThat(order).containsExactly(0, 1, 2, 3, 4);
        }
    }

    @Test
    void anInterruptEndsTheWaitAndNothingIsWritten() throws Exception {
        try (BlockDevice device = device()) {
            device.throttle(TEN_KB);
            overfill(device, 1);
            DirtyBitmap written = device.createDirtyBitmap(null, 512);
            Call write = Call.thatWaits(() -> write(device, 1));
            Call next = Call.thatWaits(() -> write(device, 1));
            write.thread().interrupt();
            assertErrno(Errno.EINTR, write::join);
            assertThat(written.count()).isZero();
            timers.advance(Duration.ofSeconds(1));
            next.join();
        }
    }

    @Test
    void closingWakesThoseWhoWait() throws Exception {
        BlockDevice device = device();
        device.throttle(TEN_KB);
        overfill(device, 100);
        Call write = Call.thatWaits(() -> write(device, 1));
        Call read = Call.thatWaits(() -> device.read(0, ByteBuffer.allocate(1)));
        device.close();
        assertErrno(Errno.EBADF, write::join);
        assertErrno(Errno.EBADF, read::join);
        assertErrno(Errno.EBADF, () -> device.throttle(TEN_KB));
    }

    @Test
    void neitherADrainNorAnInvalidationWaitsForThem() throws Exception {
        try (BlockDevice device = device()) {
            device.throttle(TEN_KB);
            overfill(device, 1);
            Call write = Call.thatWaits(() -> write(device, 1));
            device.invalidateCache(true);
            try (BlockDevice.Drained drained = device.drain()) {
                timers.advance(Duration.ofSeconds(1));
                Waits.untilParked(write.thread());
                assertThat(device.accounting().of(Accounting.Kind.WRITE).operations())
                        .isEqualTo(1);
            }
            write.join();
        }
    }

    @Test
    void otherLimitsHoldAtOnce() throws Exception {
        try (BlockDevice device = device()) {
            device.throttle(TEN_KB);
            overfill(device, 50);
            Call first = Call.thatWaits(() -> write(device, 200_000));
            Call second = Call.thatWaits(() -> write(device, 1));
            device.throttle(ThrottleLimits.NONE.withBytes(Rate.of(100_000)));
            first.join();
            assertThat(second.isRunning()).isTrue();
            timers.advance(Duration.ofSeconds(2));
            second.join();
            write(device, 500_000);
            Call third = Call.thatWaits(() -> write(device, 1));
            device.unthrottle();
            third.join();
            write(device, SIZE);
            write(device, SIZE);
        }
    }

    @Test
    void devicesOfAGroupShareItsLimitsAndTakeTurns() throws Exception {
        ThrottleGroup group = new ThrottleGroup(TEN_KB, timers);
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        try (BlockDevice a = device();
                BlockDevice b = device()) {
            a.throttle(group);
            b.throttle(group);
            overfill(a, 1);
            List<Call> calls = new ArrayList<>();
            // One device has many requests in line before the other has its first.
            for (int i = 0; i < 4; i++) {
                calls.add(Call.thatWaits(() -> {
                    write(a, 10_000);
                    order.add("a");
                }));
            }
            for (int i = 0; i < 2; i++) {
                calls.add(Call.thatWaits(() -> {
                    write(b, 10_000);
                    order.add("b");
                }));
            }
            for (int done = 0; done < 6; done++) {
                int expected = done + 1;
                timers.advance(Duration.ofSeconds(1));
                Waits.until("request " + expected, () -> order.size() == expected);
            }
            for (Call call : calls) {
                call.join();
            }
            assertThat(order).containsExactly("a", "b", "a", "b", "a", "a");
            assertThat(group.limits()).isEqualTo(TEN_KB);
        }
    }

    @Test
    void aDeviceThatLeavesTheGroupHoldsUpNobody() throws Exception {
        ThrottleGroup group = new ThrottleGroup(TEN_KB, timers);
        BlockDevice a = device();
        try (BlockDevice b = device()) {
            a.throttle(group);
            b.throttle(group);
            overfill(a, 1);
            Call ofA = Call.thatWaits(() -> write(a, 1));
            Call ofB = Call.thatWaits(() -> write(b, 1));
            a.close();
            assertErrno(Errno.EBADF, ofA::join);
            timers.advance(Duration.ofSeconds(1));
            ofB.join();
        }
    }

    /** Many threads, random sizes, a clock that moves in steps: what got through is what the limits give. */
    @Test
    void manyThreadsTogetherGetWhatTheLimitsGive() throws Exception {
        long seed = System.nanoTime();
        long rate = 1_000_000;
        AtomicLong sent = new AtomicLong();
        try (BlockDevice device = device()) {
            device.throttle(ThrottleLimits.NONE.withWriteBytes(Rate.of(rate)));
            List<Call> calls = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                Random random = new Random(seed + i);
                calls.add(Call.of(() -> {
                    while (true) {
                        int bytes = 1 + random.nextInt(60_000);
                        write(device, bytes);
                        sent.addAndGet(bytes);
                    }
                }));
            }
            for (int step = 0; step < 200; step++) {
                calls.forEach(call -> Waits.untilParked(call.thread()));
                timers.advance(Duration.ofMillis(50));
            }
            calls.forEach(call -> Waits.untilParked(call.thread()));
            assertThat(sent.get()).as("seed %d", seed).isBetween(rate * 9, rate * 10 + rate / 10 + 60_000);
            device.close();
            for (Call call : calls) {
                assertErrno(Errno.EBADF, call::join);
            }
        }
    }
}
