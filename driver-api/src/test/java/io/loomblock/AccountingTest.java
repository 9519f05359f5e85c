// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.Accounting.Figures;
import io.loomblock.Accounting.Kind;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The figures of a device against what was asked of it. */
@Timeout(60)
class AccountingTest {
    private static final OpenOptions RAW = OpenOptions.readWrite().withFormat("raw");
    private static final int SIZE = 1 << 20;

    private static MemoryDriver disk() {
        MemoryDriver memory = new MemoryDriver();
        memory.truncate(SIZE, true, PreallocationMode.OFF);
        return memory;
    }

    @Test
    void timeIsTheSumOfLatenciesOfWhatEndedAndFailed() throws Exception {
        FaultDriver faulty = new FaultDriver(disk());
        try (BlockDevice device = TestImages.open("disk", faulty, RAW)) {
            Accounting accounting = device.accounting();
            assertThatThrownBy(() -> device.read(SIZE, ByteBuffer.allocate(1))).isInstanceOf(BlockException.class);
            assertThat(accounting.of(Kind.READ)).isEqualTo(new Figures(0, 0, 0, 1, 0));
            faulty.arm(FaultDriver.Fault.once(Request.of(RequestLog.Kind.READ)));
            assertThatThrownBy(() -> device.read(0, ByteBuffer.allocate(1))).isInstanceOf(BlockException.class);
            Figures failed = accounting.of(Kind.READ);
            assertThat(failed.failed()).isEqualTo(1);
            assertThat(failed.operations()).isZero();
            assertThat(failed.totalTimeNanos()).isPositive();
            device.read(0, ByteBuffer.allocate(1));
            assertThat(accounting.of(Kind.READ).totalTimeNanos()).isGreaterThan(failed.totalTimeNanos());
            assertThat(accounting.of(Kind.WRITE)).isEqualTo(new Figures(0, 0, 0, 0, 0));
        }
    }

    @Test
    void idleTimeBeginsWhenTheLastRequestEnds() throws Exception {
        long before = System.nanoTime();
        try (BlockDevice device = TestImages.open("disk", disk(), RAW)) {
            assertThat(device.accounting().idleNanos()).isBetween(0L, System.nanoTime() - before);
            long request = System.nanoTime();
            device.flush();
            assertThat(device.accounting().idleNanos()).isBetween(0L, System.nanoTime() - request);
        }
    }

    @Test
    void theHighestByteWrittenIsKnownOfTheDiskAndOfTheFileBelow() throws Exception {
        try (BlockDevice device = TestImages.open("disk", disk(), RAW)) {
            assertThat(device.highestWritten()).isZero();
            device.write(5000, ByteBuffer.allocate(1000));
            device.write(0, ByteBuffer.allocate(10));
            device.discard(0, SIZE);
            assertThat(device.highestWritten()).isEqualTo(6000);
            assertThat(device.node().child("file").highestWritten()).isEqualTo(6000);
            device.writeZeroes(8192, 100, 0);
            assertThat(device.highestWritten()).isEqualTo(8292);
        }
    }

    @Test
    void manyThreadsAreCountedExactly() throws Exception {
        long seed = System.nanoTime();
        AtomicLong[] operations = {new AtomicLong(), new AtomicLong(), new AtomicLong()};
        AtomicLong[] bytes = {new AtomicLong(), new AtomicLong(), new AtomicLong()};
        try (BlockDevice device = TestImages.open("disk", disk(), RAW);
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> threads = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                Random random = new Random(seed + i);
                threads.add(executor.submit(() -> {
                    for (int n = 0; n < 500; n++) {
                        int length = 1 + random.nextInt(2000);
                        int what = random.nextInt(3);
                        switch (what) {
                            case 0 -> device.read(0, ByteBuffer.allocate(length));
                            case 1 -> device.write(0, ByteBuffer.allocate(length));
                            default -> device.discard(0, length);
                        }
                        operations[what].incrementAndGet();
                        bytes[what].addAndGet(length);
                    }
                    return null;
                }));
            }
            for (Future<?> thread : threads) {
                thread.get(30, TimeUnit.SECONDS);
            }
            Kind[] kinds = {Kind.READ, Kind.WRITE, Kind.UNMAP};
            for (int what = 0; what < 3; what++) {
                Figures figures = device.accounting().of(kinds[what]);
                assertThat(figures.operations()).as("seed %d", seed).isEqualTo(operations[what].get());
                assertThat(figures.bytes()).as("seed %d", seed).isEqualTo(bytes[what].get());
            }
        }
    }
}
