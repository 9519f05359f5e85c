// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.Accounting.Figures;
import io.loomblock.Accounting.Kind;
import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.ThrottleGroup;
import io.loomblock.ThrottleLimits;
import io.loomblock.ThrottleLimits.Rate;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.Waits;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Devices of a group get what its limits give, evenly, on a clock that stands still between steps. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ThrottleTest {
    private static final int DRIVES = 3;
    private static final int REQUEST = 512;
    private static final int SECONDS = 5;

    /** One limit of the six, with the rate that a device shall come to. */
    private enum Limit {
        BYTES(4096, ThrottleLimits::withBytes, true, true),
        READ_BYTES(4096, ThrottleLimits::withReadBytes, true, false),
        WRITE_BYTES(4096, ThrottleLimits::withWriteBytes, false, true),
        OPERATIONS(10, ThrottleLimits::withOperations, true, true),
        READ_OPERATIONS(10, ThrottleLimits::withReadOperations, true, false),
        WRITE_OPERATIONS(10, ThrottleLimits::withWriteOperations, false, true);

        final long rate;
        final BiFunction<ThrottleLimits, Rate, ThrottleLimits> with;
        final boolean reads;
        final boolean writes;

        Limit(long rate, BiFunction<ThrottleLimits, Rate, ThrottleLimits> with, boolean reads, boolean writes) {
            this.rate = rate;
            this.with = with;
            this.reads = reads;
            this.writes = writes;
        }

        ThrottleLimits of(Rate allowed) {
            return with.apply(ThrottleLimits.NONE, allowed);
        }

        /** What a device has done that falls under the limit. */
        long done(BlockDevice device) {
            return (reads ? units(device, Kind.READ) : 0) + (writes ? units(device, Kind.WRITE) : 0);
        }

        private long units(BlockDevice device, Kind kind) {
            Figures figures = device.accounting().of(kind);
            return rate == 4096 ? figures.bytes() : figures.operations();
        }
    }

    private final FakeTimers timers = new FakeTimers();
    private final List<BlockDevice> drives = new ArrayList<>();

    @BeforeEach
    void open() throws BlockException {
        for (int i = 0; i < DRIVES; i++) {
            drives.add(BlockDevice.open(
                    "null-co://", OpenOptions.readWrite().withFormat("null-co").withTimers(timers)));
        }
    }

    @AfterEach
    void close() throws BlockException {
        for (BlockDevice drive : drives) {
            drive.close();
        }
    }

    private void throttle(List<BlockDevice> members, ThrottleLimits limits) throws BlockException {
        ThrottleGroup group = new ThrottleGroup(limits, timers);
        for (BlockDevice drive : members) {
            drive.throttle(group);
        }
    }

    private static void settle(List<Call> calls) {
        for (Call call : calls) {
            Waits.until(
                    "a request is over or waits",
                    () -> !call.isRunning() || call.thread().getState() == Thread.State.WAITING);
        }
    }

    /** Twice as many requests as the limit lets through in this time; each device comes to its share, and in the end all are done. */
    private void expectShare(List<BlockDevice> busy, Limit limit, long ratePerDrive, int seconds) throws Exception {
        timers.advance(Duration.ofSeconds(seconds));
        List<Call> calls = new ArrayList<>();
        long operations = ratePerDrive / (limit.rate == 4096 ? REQUEST : 1) * seconds * 2;
        long each = operations / (limit.reads && limit.writes ? 2 : 1);
        for (long i = 0; i < each; i++) {
            for (BlockDevice drive : busy) {
                if (limit.reads) {
                    calls.add(Call.of(() -> drive.read(0, ByteBuffer.allocate(REQUEST))));
                }
                if (limit.writes) {
                    calls.add(Call.of(() -> drive.write(0, ByteBuffer.allocate(REQUEST))));
                }
            }
        }
        settle(calls);
        long[] before = busy.stream().mapToLong(limit::done).toArray();
        timers.advance(Duration.ofSeconds(seconds));
        settle(calls);
        for (int i = 0; i < before.length; i++) {
            assertThat(limit.done(busy.get(i)) - before[i])
                    .as("%s of %d devices in %d seconds", limit, busy.size(), seconds)
                    .isBetween(seconds * ratePerDrive * 9 / 10, seconds * ratePerDrive * 11 / 10);
        }
        timers.advance(Duration.ofSeconds(seconds));
        for (Call call : calls) {
            call.join();
        }
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("iotest 093: requests on all devices of a group")
    void iotest093AllDevicesOfAGroup(Limit limit) throws Exception {
        for (int n = 1; n <= DRIVES; n++) {
            List<BlockDevice> busy = drives.subList(0, n);
            throttle(busy, limit.of(Rate.of(limit.rate * n)));
            expectShare(busy, limit, limit.rate, SECONDS);
        }
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("iotest 093: requests on one device of a group")
    void iotest093OneDeviceOfAGroup(Limit limit) throws Exception {
        for (BlockDevice drive : drives) {
            throttle(drives, limit.of(Rate.of(limit.rate * DRIVES)));
            expectShare(List.of(drive), limit, limit.rate * DRIVES, SECONDS);
        }
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("iotest 093: a burst, and what comes after it")
    void iotest093Bursts(Limit limit) throws Exception {
        List<BlockDevice> one = drives.subList(0, 1);
        long burst = limit.rate * 7;
        int length = 4;
        throttle(one, limit.of(Rate.of(limit.rate).withBurst(burst, length)));
        timers.advance(Duration.ofSeconds(length * 7L));
        expectBurst(one.get(0), limit, burst, length);
    }

    /** Requests for longer than the burst lasts: first they come at its rate, then at the average. */
    private void expectBurst(BlockDevice drive, Limit limit, long burst, int length) throws Exception {
        long average = limit.rate;
        List<Call> calls = new ArrayList<>();
        long operations = (burst * length + average * 20) / (limit.rate == 4096 ? REQUEST : 1);
        for (long i = 0; i < operations; i++) {
            boolean read = limit.reads && (!limit.writes || i % 2 == 0);
            calls.add(Call.of(() -> {
                if (read) {
                    drive.read(0, ByteBuffer.allocate(REQUEST));
                } else {
                    drive.write(0, ByteBuffer.allocate(REQUEST));
                }
            }));
        }
        settle(calls);
        long before = limit.done(drive);
        timers.advance(Duration.ofSeconds(length));
        settle(calls);
        long inBurst = limit.done(drive) - before;
        assertThat(inBurst).as("%s in a burst", limit).isBetween(burst * length * 9 / 10, burst * length * 11 / 10);
        // The last of the burst bucket drains away before the average rate is all there is.
        timers.advance(Duration.ofSeconds(1));
        settle(calls);
        long settled = limit.done(drive);
        timers.advance(Duration.ofSeconds(SECONDS));
        settle(calls);
        assertThat(limit.done(drive) - settled)
                .as("%s after a burst", limit)
                .isBetween(average * SECONDS * 9 / 10, average * SECONDS * 11 / 10);
        drive.unthrottle();
        for (Call call : calls) {
            call.join();
        }
    }

    @Test
    @DisplayName("iotest 093: a device leaves the group while the requests of others wait")
    void iotest093ADeviceLeavesTheGroup() throws Exception {
        BlockDevice first = drives.get(0);
        BlockDevice second = drives.get(1);
        throttle(List.of(first, second), ThrottleLimits.NONE.withReadBytes(Rate.of(4096)));
        first.read(0, ByteBuffer.allocate(4096));
        List<Call> ofFirst = List.of(
                Call.thatWaits(() -> first.read(0, ByteBuffer.allocate(2048))),
                Call.thatWaits(() -> first.read(0, ByteBuffer.allocate(2048))));
        Call ofSecond = Call.thatWaits(() -> second.read(0, ByteBuffer.allocate(4096)));
        assertThat(first.accounting().of(Kind.READ).bytes()).isEqualTo(4096);
        first.unthrottle();
        for (Call call : ofFirst) {
            call.join();
        }
        assertThat(second.accounting().of(Kind.READ).bytes()).isZero();
        timers.advance(Duration.ofSeconds(5));
        ofSecond.join();
        assertThat(first.accounting().of(Kind.READ).bytes()).isEqualTo(8192);
        assertThat(second.accounting().of(Kind.READ).bytes()).isEqualTo(4096);
    }
}
