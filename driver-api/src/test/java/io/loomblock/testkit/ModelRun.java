// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.driver.RangeLocks;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Random requests from many virtual threads against a device, judged by a {@link DiskModel}.
 *
 * <p>Each thread draws its requests from the seed and its own number, so a failure can be looked for again with the same seed; the
 * order between threads is not repeatable. Failures name the seed.
 */
public final class ModelRun {
    /**
     * What to do.
     *
     * @param threads how many virtual threads
     * @param requests how many requests each makes
     * @param maxBytes longest request
     * @param granularity offsets and lengths are multiples of it, except for some that are odd if {@code odd}
     * @param odd whether a third of the requests have odd offsets and lengths
     * @param locked whether requests that overlap are kept apart by the run itself, so that every byte is certain
     * @param discardKeeps whether a discarded range must keep its content (false: it may read as zeros as well)
     * @param span requests lie below this, which makes them meet more often; 0 for the whole disk
     * @param zeros whether every other write is one of zeros, for those who look for them
     */
    public record Plan(
            long seed,
            int threads,
            int requests,
            int maxBytes,
            int granularity,
            boolean odd,
            boolean locked,
            boolean discardKeeps,
            long span,
            boolean zeros) {
        /** 32 threads with odd requests of up to 128 KiB, unlocked. */
        public static Plan of(long seed, int requests) {
            return new Plan(seed, 32, requests, 128 << 10, 512, true, false, true, 0, false);
        }

        public Plan withThreads(int value) {
            return new Plan(seed, value, requests, maxBytes, granularity, odd, locked, discardKeeps, span, zeros);
        }

        public Plan withMaxBytes(int value) {
            return new Plan(seed, threads, requests, value, granularity, odd, locked, discardKeeps, span, zeros);
        }

        public Plan withLocked(boolean value) {
            return new Plan(seed, threads, requests, maxBytes, granularity, odd, value, discardKeeps, span, zeros);
        }

        public Plan withOdd(boolean value) {
            return new Plan(seed, threads, requests, maxBytes, granularity, value, locked, discardKeeps, span, zeros);
        }

        public Plan withSpan(long value) {
            return new Plan(seed, threads, requests, maxBytes, granularity, odd, locked, discardKeeps, value, zeros);
        }

        public Plan withZeros(boolean value) {
            return new Plan(seed, threads, requests, maxBytes, granularity, odd, locked, discardKeeps, span, value);
        }
    }

    private final BlockDevice device;
    private final DiskModel model;
    private final Plan plan;
    private final RangeLocks ranges = new RangeLocks();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    public ModelRun(BlockDevice device, DiskModel model, Plan plan) {
        this.device = device;
        this.model = model;
        this.plan = plan;
    }

    /** Makes all requests and then judges every byte; may be called again to go on with other requests. */
    public void run() throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < plan.threads; i++) {
            int number = i;
            threads.add(Thread.ofVirtual().name("model-" + i).start(() -> work(number)));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        Throwable first = failure.get();
        if (first != null) {
            throw new AssertionError("random run with seed " + plan.seed + " failed: " + first, first);
        }
        verify(device, model, plan.seed);
    }

    /** Judges every byte of a device at rest, e.g. after it was opened again. */
    public static void verify(BlockDevice device, DiskModel model, long seed) throws Exception {
        try {
            model.verify(reader(device));
        } catch (AssertionError e) {
            throw new AssertionError("random run with seed " + seed + ": " + e.getMessage(), e);
        }
    }

    /** A device as the model reads it. */
    public static DiskModel.Reader reader(BlockDevice device) {
        return (offset, target, count) -> device.read(offset, ByteBuffer.wrap(target, 0, count));
    }

    private void work(int number) {
        Random random = new Random(plan.seed * 1_000_003 + number);
        try (AlignedBuffer memory = AlignedBuffer.allocate(plan.maxBytes + 4096)) {
            for (int i = 0; i < plan.requests && failure.get() == null; i++) {
                request(random, memory);
            }
        } catch (Throwable e) {
            failure.compareAndSet(null, e);
        }
    }

    private void request(Random random, AlignedBuffer memory) throws Exception {
        int kind = random.nextInt(100);
        if (kind < 3) {
            device.flush();
            return;
        }
        Range range = draw(random);
        if (!plan.locked) {
            request(kind, range, random, memory);
            return;
        }
        try (RangeLocks.Range held = ranges.acquire(range.offset, range.offset + range.length)) {
            request(kind, range, random, memory);
        }
    }

    private record Range(long offset, int length) {}

    private Range draw(Random random) {
        long size = plan.span > 0 ? Math.min(plan.span, model.size()) : model.size();
        boolean odd = plan.odd && random.nextInt(3) == 0;
        int unit = odd ? 1 : plan.granularity;
        // Short requests meet in one cluster more often; long ones cross clusters and tables.
        int most = random.nextInt(4) == 0 ? plan.maxBytes : Math.min(plan.maxBytes, 16 << 10);
        int length = unit * (1 + random.nextInt(most / unit));
        length = (int) Math.min(length, size);
        long offset = unit * (long) (random.nextDouble() * ((size - length) / unit + 1));
        return new Range(offset, length);
    }

    private void request(int kind, Range range, Random random, AlignedBuffer memory) throws Exception {
        if (kind < 40) {
            read(range, vector(random, memory, range.length));
        } else if (kind < 80) {
            write(range, vector(random, memory, range.length), plan.zeros && random.nextBoolean());
        } else if (kind < 90) {
            zero(range, random.nextBoolean() ? RequestFlags.MAY_UNMAP : 0);
        } else if (kind < 94) {
            discard(range);
        } else {
            status(range, vector(random, memory, range.length));
        }
    }

    private void read(Range range, IoVector vector) throws BlockException {
        long began = model.tick();
        device.read(range.offset, vector);
        byte[] data = MemoryDriver.bytesOf(vector, 0, range.length);
        model.verifyRead(range.offset, data, range.length, began, model.tick());
    }

    private void write(Range range, IoVector vector, boolean zeros) throws BlockException {
        DiskModel.Write write = model.begin(range.offset, range.length, zeros);
        byte[] data = zeros ? new byte[range.length] : Pattern.bytes(write.id(), range.offset, range.length);
        vector.copyFrom(0, ByteBuffer.wrap(data));
        device.write(range.offset, vector);
        model.ended(write);
    }

    private void zero(Range range, int flags) throws BlockException {
        DiskModel.Write write = model.begin(range.offset, range.length, true);
        device.writeZeroes(range.offset, range.length, flags);
        model.ended(write);
    }

    private void discard(Range range) throws BlockException {
        if (plan.discardKeeps) {
            device.discard(range.offset, range.length);
            return;
        }
        DiskModel.Write maybe = model.begin(range.offset, range.length, true);
        device.discard(range.offset, range.length);
        model.failed(maybe);
    }

    private void status(Range range, IoVector vector) throws BlockException {
        BlockStatus status = device.blockStatus(range.offset, range.length);
        if (status.length() <= 0 || status.length() > range.length) {
            throw new AssertionError("block status of " + range + " is " + status);
        }
        if (plan.locked && status.isZero()) {
            int n = (int) status.length();
            device.read(range.offset, n, vector, 0);
            if (!vector.isZero(0, n)) {
                throw new AssertionError("said to be zero but is not: " + range + " " + status);
            }
        }
    }

    /** A part of the memory, in one piece or in several of odd lengths. */
    private static IoVector vector(Random random, AlignedBuffer memory, int length) {
        int start = random.nextInt(4) == 0 ? random.nextInt(512) : 0;
        if (length < 3 || random.nextInt(3) != 0) {
            return IoVector.of(memory, start, length);
        }
        int first = 1 + random.nextInt(length - 2);
        int second = 1 + random.nextInt(length - first - 1);
        return IoVector.concat(List.of(
                IoVector.of(memory, start, first),
                IoVector.of(memory, start + first + 100, second),
                IoVector.of(memory, start + first + 200 + second, length - first - second)));
    }
}
