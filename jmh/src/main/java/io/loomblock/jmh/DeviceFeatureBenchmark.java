// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.ThrottleLimits;
import io.loomblock.ThrottleLimits.Rate;
import java.util.List;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/** 4 KiB writes to a disk that moves no bytes, with one feature of the device on at a time: what each costs, beside {@code OFF}. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class DeviceFeatureBenchmark extends LoadBenchmark {
    private static final int BYTES = 4 << 10;
    private static final int REQUESTS = 1 << 18;
    private static final long SIZE = 1L << 30;
    /** So high that nobody ever waits. */
    private static final Rate NO_HINDRANCE = Rate.of(Rate.MAX);

    /** What is on. */
    public enum Feature {
        OFF,
        DIRTY_BITMAP,
        THROTTLE,
        FLIGHT_RECORDER
    }

    @Param
    public Feature feature;

    private BlockDevice device;
    private @Nullable Recording recording;
    private List<RandomLane> writes;

    @Setup
    public void open() throws BlockException {
        device = NullDisk.open(SIZE);
        switch (feature) {
            case OFF -> {}
            case DIRTY_BITMAP -> device.createDirtyBitmap(null, 0);
            case THROTTLE ->
                device.throttle(ThrottleLimits.NONE.withBytes(NO_HINDRANCE).withOperations(NO_HINDRANCE));
            case FLIGHT_RECORDER -> recording = startRecording();
        }
        writes = random(REQUESTS, BYTES, SIZE, device::write);
    }

    private static Recording startRecording() {
        Recording started = new Recording();
        started.enable("io.loomblock.Write");
        started.setMaxSize(REQUESTS * 100L);
        started.start();
        return started;
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void write() throws InterruptedException {
        Load.run(writes);
    }

    @TearDown
    public void close() throws BlockException {
        device.close();
        if (recording != null) {
            recording.close();
        }
    }
}
