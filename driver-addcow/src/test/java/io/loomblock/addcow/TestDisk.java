// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.memory.BufferPool;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;

/**
 * An open add-cow image on files in memory, the requests of each of which can be held up, failed and looked at.
 *
 * <p>What is written is a {@link Pattern} of a number and the place, so that every byte tells where it came from. The backing file holds
 * the pattern {@link #BASE}, the data file, before anything is written, {@link #STALE}.
 */
final class TestDisk implements AutoCloseable {
    static final long BASE = 1_000_000;
    static final long STALE = 2_000_000;
    static final String NAME = "test.add-cow";
    static final String DATA = "data.raw";
    static final String BACKING = "base.raw";

    /** One of the files. */
    static final class Watched {
        final MemoryDriver memory;
        final RecordingDriver recorder;
        final FaultDriver faults;
        final BlockingDriver blocking;

        private Watched(String name, MemoryDriver memory, RequestLog log) {
            this.memory = memory;
            this.recorder = new RecordingDriver(name, memory, log);
            this.faults = new FaultDriver(recorder);
            this.blocking = new BlockingDriver(faults);
        }
    }

    final RequestLog log = new RequestLog();
    final TestFiles files = new TestFiles();
    final BufferPool pool = new BufferPool(16L << 20, 4L << 20);
    final Watched file;
    final Watched data;
    final @Nullable Watched backing;
    final BlockDevice device;

    private TestDisk(MemoryDriver file, MemoryDriver data, @Nullable MemoryDriver backing, OpenOptions options)
            throws BlockException {
        this.file = watch(NAME, file);
        this.data = watch(DATA, data);
        this.backing = backing == null ? null : watch(BACKING, backing);
        this.device = files.open(NAME, "add-cow", options.withPool(pool));
    }

    private Watched watch(String name, MemoryDriver memory) {
        Watched watched = new Watched(name, memory, log);
        files.put(name, watched.blocking);
        return watched;
    }

    /** Opens an image that is there. */
    static TestDisk open(SparseBytes file, SparseBytes data, byte @Nullable [] backing, OpenOptions options)
            throws BlockException {
        MemoryDriver below = backing == null ? null : new MemoryDriver(SparseBytes.of(backing));
        return new TestDisk(new MemoryDriver(file), new MemoryDriver(data), below, options);
    }

    /** A new image over a backing file of {@code backingLength} bytes; the data file is full of stale bytes. */
    static TestDisk overlay(int clusterSize, long size, int backingLength) throws BlockException {
        return overlay(clusterSize, size, backingLength, OpenOptions.readWrite());
    }

    static TestDisk overlay(int clusterSize, long size, int backingLength, OpenOptions options) throws BlockException {
        byte[] base = Pattern.bytes(BASE, 0, backingLength);
        SparseBytes stale = SparseBytes.of(Pattern.bytes(STALE, 0, (int) Math.min(size, 4 << 20)));
        stale.truncate(size);
        return open(image(clusterSize, size, base), stale, base, options);
    }

    /** A new image without a backing file: everything is allocated. */
    static TestDisk alone(int clusterSize, long size) throws BlockException {
        SparseBytes data = new SparseBytes();
        data.truncate(size);
        return open(image(clusterSize, size, null), data, null, OpenOptions.readWrite());
    }

    /** The add-cow file of a new image. */
    static SparseBytes image(int clusterSize, long size, byte @Nullable [] backing) throws BlockException {
        TestFiles files = new TestFiles();
        SparseBytes data = new SparseBytes();
        data.truncate(size);
        files.put(DATA, data);
        CreateOptions create =
                CreateOptions.ofSize(size).with("image_file", DATA).with("cluster_size", clusterSize);
        if (backing != null) {
            files.put(BACKING, backing);
            create = create.withBacking(BACKING, "raw");
        }
        return files.create("add-cow", NAME, create).snapshot();
    }

    /** The same files, opened anew, as after a kill of the process. */
    TestDisk peek() throws BlockException {
        return peek(OpenOptions.readOnly());
    }

    TestDisk peek(OpenOptions options) throws BlockException {
        MemoryDriver below = backing == null ? null : new MemoryDriver(backing.memory.snapshot());
        return new TestDisk(
                new MemoryDriver(file.memory.snapshot()), new MemoryDriver(data.memory.snapshot()), below, options);
    }

    AddCowDriver driver() {
        return (AddCowDriver) device.node().driver();
    }

    void write(long id, long offset, int length) throws BlockException {
        device.write(offset, ByteBuffer.wrap(Pattern.bytes(id, offset, length)));
    }

    byte[] read(long offset, int length) throws BlockException {
        byte[] bytes = new byte[length];
        device.read(offset, ByteBuffer.wrap(bytes));
        return bytes;
    }

    /** Fails the test unless the range holds what write {@code id} puts there; id 0 stands for zeros. */
    void assertHolds(long id, long offset, int length) throws BlockException {
        assertThat(read(offset, length))
                .as("%d bytes at %d", length, offset)
                .isEqualTo(id == 0 ? new byte[length] : Pattern.bytes(id, offset, length));
    }

    /** The bit of a cluster as it is in the file. */
    boolean bitInFile(int clusterSize, long cluster) {
        byte[] one = new byte[1];
        file.memory.snapshot().read(Math.max(4096, clusterSize) + cluster / 8, one, 0, 1);
        return (one[0] >>> cluster % 8 & 1) != 0;
    }

    /** What was done to the files from {@code start} on, reads left out. */
    List<String> changes(int start) {
        return log.since(start).stream()
                .filter(e -> e.kind() != RequestLog.Kind.READ)
                .map(Object::toString)
                .toList();
    }

    /** A step of a test on a virtual thread. */
    @FunctionalInterface
    interface Step {
        void run() throws Exception;
    }

    /** Something that goes on while the test does something else. */
    static final class Running {
        private final CompletableFuture<Void> done = new CompletableFuture<>();
        final Thread thread;

        private Running(Step step) {
            thread = Thread.ofVirtual().start(() -> {
                try {
                    step.run();
                    done.complete(null);
                } catch (Throwable e) {
                    done.completeExceptionally(e);
                }
            });
        }

        /** Returns once the thread waits for something, or is through. */
        Running awaitParked() {
            while (!isParked() && !done.isDone()) {
                Thread.onSpinWait();
            }
            return this;
        }

        private boolean isParked() {
            Thread.State state = thread.getState();
            return state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING;
        }

        boolean isDone() {
            return done.isDone();
        }

        void end() throws Exception {
            try {
                done.get(30, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                if (e.getCause() instanceof Exception cause) {
                    throw cause;
                }
                throw new AssertionError(e.getCause());
            }
        }
    }

    static Running start(Step step) {
        return new Running(step);
    }

    /** Fails unless the call fails with this errno; the failure. */
    static BlockException failure(Errno errno, ThrowingCallable call) {
        try {
            call.call();
        } catch (BlockException e) {
            assertThat(e.errno()).as(e.getMessage()).isEqualTo(errno);
            return e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
        throw new AssertionError("should have failed with " + errno);
    }

    /** Closes the device, and sees that no buffer was lost. */
    @Override
    public void close() throws BlockException {
        device.close();
        assertThat(pool.outstanding()).as("buffers not given back").isZero();
    }

    /** Closes without caring for failures, as after faults that stay. */
    void abandon() {
        try {
            device.close();
        } catch (BlockException e) {
            assertThat(e.errno()).isNotNull();
        }
        assertThat(pool.outstanding()).as("buffers not given back").isZero();
    }
}
