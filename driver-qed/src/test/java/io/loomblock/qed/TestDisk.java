// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.Node;
import io.loomblock.driver.OpenContext;
import io.loomblock.driver.OptionValues;
import io.loomblock.memory.BufferPool;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.IdentityDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;

/**
 * An open QED image on a file in memory whose requests can be held up, failed and looked at, with a clock of the test's own.
 *
 * <p>What is written is a {@link Pattern} of a number and the place, so that every byte tells where it came from.
 */
final class TestDisk implements AutoCloseable {
    final MemoryDriver memory;
    final RequestLog log = new RequestLog();
    final RecordingDriver recorder;
    final FaultDriver faults;
    final BlockingDriver blocking;
    final IdentityDriver identity;
    final FakeTimers timers = new FakeTimers();
    final BufferPool pool = new BufferPool(16L << 20, 4L << 20);
    final BlockDevice device;
    private final OpenOptions options;

    private TestDisk(MemoryDriver memory, OpenOptions wanted, @Nullable MemoryDriver backing) throws BlockException {
        this.memory = memory;
        this.recorder = new RecordingDriver("qed", memory, log);
        this.faults = new FaultDriver(recorder);
        this.blocking = new BlockingDriver(faults);
        this.identity = new IdentityDriver(blocking);
        this.options = wanted.withPool(pool).withTimers(timers);
        Context context = new Context(TestImages.node("test.qed", identity, options), options, backing);
        this.device = BlockDevice.of(context.open(), options);
    }

    /** Opens an image writable. */
    static TestDisk open(SparseBytes image) throws BlockException {
        return open(image, OpenOptions.readWrite());
    }

    static TestDisk open(SparseBytes image, OpenOptions options) throws BlockException {
        return new TestDisk(new MemoryDriver(image), options, null);
    }

    /** Opens an image that names a backing file, on this one. */
    static TestDisk open(SparseBytes image, byte[] backing) throws BlockException {
        return new TestDisk(
                new MemoryDriver(image), OpenOptions.readWrite(), new MemoryDriver(SparseBytes.of(backing)));
    }

    /** A new image. */
    static TestDisk create(int clusterSize, int tableSize, long size) throws BlockException {
        return open(image(clusterSize, tableSize, size));
    }

    static SparseBytes image(int clusterSize, int tableSize, long size) throws BlockException {
        CreateOptions create =
                CreateOptions.ofSize(size).with("cluster_size", clusterSize).with("table_size", tableSize);
        return TestImages.create("qed", create).snapshot();
    }

    /** A new image with a backing file. */
    static TestDisk overlay(int clusterSize, int tableSize, long size, byte[] backing) throws BlockException {
        CreateOptions create = CreateOptions.ofSize(size)
                .with("cluster_size", clusterSize)
                .with("table_size", tableSize)
                .withBacking("base.raw", "raw");
        return open(TestImages.create("qed", create).snapshot(), backing);
    }

    /** The same file, opened anew and read-only, as another process would see it now. */
    TestDisk peek() throws BlockException {
        return new TestDisk(new MemoryDriver(memory.snapshot()), OpenOptions.readOnly(), null);
    }

    QedDriver driver() {
        return (QedDriver) device.node().driver();
    }

    void write(long id, long offset, int length) throws BlockException {
        device.write(offset, ByteBuffer.wrap(Pattern.bytes(id, offset, length)));
    }

    byte[] read(long offset, int length) throws BlockException {
        byte[] data = new byte[length];
        device.read(offset, ByteBuffer.wrap(data));
        return data;
    }

    /** Fails the test unless the range holds what write {@code id} puts there; id 0 stands for zeros. */
    void assertHolds(long id, long offset, int length) throws BlockException {
        assertThat(read(offset, length))
                .as("%d bytes at %d", length, offset)
                .isEqualTo(id == 0 ? new byte[length] : Pattern.bytes(id, offset, length));
    }

    /** A little-endian long of the file. */
    long fileLong(long offset) {
        byte[] data = new byte[8];
        memory.snapshot().read(offset, data, 0, 8);
        return ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    boolean needCheckInFile() {
        return (fileLong(16) & QedHeader.NEED_CHECK) != 0;
    }

    /** Kinds and places of the file's requests from {@code start} on, reads left out. */
    List<String> changes(int start) {
        return log.since(start).stream()
                .filter(e -> e.kind() != RequestLog.Kind.READ)
                .map(e -> e.kind() + (e.kind().changes() ? " " + e.length() + "@" + e.offset() : ""))
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

    private static final class Context implements OpenContext {
        private final OpenOptions options;
        private final @Nullable MemoryDriver backing;
        private final Map<String, Node> children = new LinkedHashMap<>();

        Context(Node file, OpenOptions options, @Nullable MemoryDriver backing) {
            this.options = options;
            this.backing = backing;
            children.put(Node.FILE, file);
        }

        Node open() throws BlockException {
            BlockDriver driver = new QedProvider().open(this);
            return new Node("test.qed", driver, children, options);
        }

        @Override
        public String filename() {
            return "test.qed";
        }

        @Override
        public OpenOptions options() {
            return options;
        }

        @Override
        public boolean probed() {
            return false;
        }

        @Override
        public Node file() {
            return children.get(Node.FILE);
        }

        @Override
        public @Nullable Node openBacking(BackingReference reference) throws BlockException {
            if (backing == null || reference.name().isEmpty()) {
                return null;
            }
            Node node = TestImages.node(reference.name(), backing, options.withWritable(false));
            children.put(Node.BACKING, node);
            return node;
        }

        @Override
        public OptionValues values() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Node openChild(String role, String name, @Nullable String format) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Node openFiltered(String role, @Nullable String filename) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Node openImage(String role, @Nullable String filename) {
            throw new UnsupportedOperationException();
        }
    }
}
