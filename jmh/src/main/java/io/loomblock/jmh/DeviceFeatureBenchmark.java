// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.ThrottleLimits;
import io.loomblock.ThrottleLimits.Rate;
import io.loomblock.driver.NodeOptions;
import io.loomblock.memory.AlignedBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** 4 KiB writes to a disk that moves no bytes, with one feature of the device on at a time: what each costs, beside {@code OFF}. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
@SuppressWarnings("NullAway.Init") // JMH calls the methods annotated with Setup first
public class DeviceFeatureBenchmark {
    private static final int REQUEST = 4 << 10;
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

    @Param({"1", "32"})
    public int inFlight;

    private BlockDevice device;
    private @Nullable Recording recording;
    private List<RandomLane> writes;

    @Setup
    public void open() throws BlockException {
        OpenOptions options = OpenOptions.readWrite()
                .withFormat("null-co")
                .withNodeOptions(NodeOptions.NONE.with("size", Long.toString(SIZE)));
        device = BlockDevice.open("null-co://", options);
        switch (feature) {
            case OFF -> {}
            case DIRTY_BITMAP -> device.createDirtyBitmap(null, 0);
            case THROTTLE ->
                device.throttle(ThrottleLimits.NONE.withBytes(NO_HINDRANCE).withOperations(NO_HINDRANCE));
            case FLIGHT_RECORDER -> recording = startRecording();
        }
        AlignedBuffer memory = AlignedBuffer.allocate(inFlight * REQUEST);
        writes = RandomLane.lanes(inFlight, REQUESTS, REQUEST, memory, SIZE, device::write);
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
