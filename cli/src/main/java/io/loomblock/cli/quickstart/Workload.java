// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.driver.RangeLocks;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/**
 * Random requests of many virtual threads at once: writes of any length and alignment, zero writes, reads that are compared with the
 * model, flushes.
 *
 * <p>What each thread asks for follows from the seed; how the threads interleave does not.
 */
final class Workload {
    private static final String WHEN = "while requests ran";
    private static final int MAX_REQUEST = 256 << 10;
    private static final int MIN_SHIFT = 9;
    private static final int MAX_SHIFT = 18;

    /**
     * What was done.
     *
     * @param requests of all kinds
     * @param bytesWritten zeros included
     * @param nanos from the first to the last request
     */
    record Figures(long requests, long bytesWritten, long nanos) {}

    private final BlockDevice device;
    private final Model model;
    private final Settings settings;
    private final LongAdder requests = new LongAdder();
    private final LongAdder bytesWritten = new LongAdder();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final long start = System.nanoTime();

    private Workload(BlockDevice device, Model model, Settings settings) {
        this.device = device;
        this.model = model;
        this.settings = settings;
    }

    /** Runs all requests, or as many as there is time for. */
    static Figures run(BlockDevice device, Model model, Settings settings) throws BlockException, Mismatch {
        return new Workload(device, model, settings).run();
    }

    private Figures run() throws BlockException, Mismatch {
        List<Future<?>> threads = new ArrayList<>();
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < settings.threads(); i++) {
                SplittableRandom random = new SplittableRandom(settings.seed() * 31 + i);
                threads.add(executor.submit(() -> {
                    work(random);
                    return null;
                }));
            }
        }
        for (Future<?> thread : threads) {
            throwFailure(thread);
        }
        return new Figures(requests.sum(), bytesWritten.sum(), System.nanoTime() - start);
    }

    private static void throwFailure(Future<?> thread) throws BlockException, Mismatch {
        try {
            thread.get();
        } catch (InterruptedException e) {
            throw new IllegalStateException("the executor has ended, so has every thread", e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case BlockException failure -> throw failure;
                case Mismatch mismatch -> throw mismatch;
                case null, default -> throw new IllegalStateException(e.getCause());
            }
        }
    }

    private void work(SplittableRandom random) throws BlockException, Mismatch {
        boolean done = false;
        try (AlignedBuffer buffer = AlignedBuffer.allocate(MAX_REQUEST)) {
            for (int i = 0; i < settings.requestsPerThread() && !isOver(); i++) {
                request(random, buffer);
                requests.increment();
            }
            done = true;
        } finally {
            if (!done) {
                stop.set(true);
            }
        }
    }

    private boolean isOver() {
        return stop.get() || System.nanoTime() - start > settings.workloadTime().toNanos();
    }

    private void request(SplittableRandom random, AlignedBuffer buffer) throws BlockException, Mismatch {
        if (random.nextInt(200) == 0) {
            device.flush();
            return;
        }
        int kind = random.nextInt(100);
        Model.Window window = model.windows().get(random.nextInt(model.windows().size()));
        int bytes = length(random, window.bytes().length);
        int position = position(random, window.bytes().length - bytes);
        long offset = window.offset() + position;
        try (RangeLocks.Range held = model.hold(offset, bytes)) {
            if (kind < 30) {
                device.read(offset, IoVector.of(buffer, 0, bytes));
                Mismatch.check(WHEN, offset, model.expected(offset, bytes), buffer.nio(0, bytes));
            } else if (kind < 40) {
                int flags = random.nextBoolean() ? RequestFlags.MAY_UNMAP : 0;
                device.writeZeroes(offset, bytes, flags);
                Arrays.fill(window.bytes(), position, position + bytes, (byte) 0);
                bytesWritten.add(bytes);
            } else {
                write(random, buffer, window, position, bytes);
            }
        }
    }

    private void write(SplittableRandom random, AlignedBuffer buffer, Model.Window window, int position, int bytes)
            throws BlockException {
        byte[] data = new byte[bytes];
        random.nextBytes(data);
        buffer.put(0, data, 0, bytes);
        device.write(window.offset() + position, IoVector.of(buffer, 0, bytes));
        System.arraycopy(data, 0, window.bytes(), position, bytes);
        bytesWritten.add(bytes);
    }

    /** Any length up to the longest, each power of two as likely as the others; every third is odd. */
    private static int length(SplittableRandom random, int available) {
        int length = 1 << MIN_SHIFT + random.nextInt(MAX_SHIFT - MIN_SHIFT + 1);
        int odd = random.nextInt(3) == 0 ? random.nextInt(length) : 0;
        return Math.min(length - odd, available);
    }

    /** Any position up to the last; half of them at a page, most of the others at a sector. */
    private static int position(SplittableRandom random, int last) {
        int position = random.nextInt(last + 1);
        return switch (random.nextInt(6)) {
            case 0 -> position;
            case 1, 2 -> position & -512;
            default -> position & -4096;
        };
    }
}
