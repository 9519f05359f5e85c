// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.cli.ToolException;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Makes the requests of {@code img bench}: as many virtual threads as may be in flight, each of which makes one request after the
 * other, without allocating anything for it.
 *
 * <p>Either all threads wait at the end of a part while one of them flushes; or they go on, and the flush goes along on a thread of its
 * own. The last flush is the one that closes the disk; it is not measured, as in QEMU.
 */
final class BenchLoad implements AutoCloseable {
    /** The threads' memory, unless one request is longer: where it is not enough for all, some share it, which their data bears. */
    private static final int MEMORY = BufferPool.MAX_BUFFER / 2;

    private static final int PAGE = 4096;

    /** Nothing tells more requests in flight from these. */
    private static final int MOST_LANES = (1 << 16) - 1;

    /**
     * A thread that is through with its requests sooner than this takes twice as many next time, without asking in between: the number of
     * the next request is one that all processors fight for. What takes longer is taken one by one, and so made in order.
     */
    private static final long SHORT_NANOS = 5_000;

    private static final int MOST_CLAIMED = 64;

    private final BlockDevice device;
    private final BenchPlan plan;
    private final boolean write;
    private final boolean drain;
    private final AlignedBuffer memory;
    private final List<IoVector> vectors = new ArrayList<>();

    private final AtomicLong next = new AtomicLong();
    private volatile long partEnd;
    private final AtomicReference<@Nullable ToolException> failure = new AtomicReference<>();

    /**
     * @param size of a request in bytes
     * @param pattern the byte that is written; null for reads
     * @param drain whether the requests in flight are waited for before each flush
     * @throws BlockException if there is no memory
     */
    BenchLoad(BlockDevice device, BenchPlan plan, int size, @Nullable Byte pattern, boolean drain)
            throws BlockException {
        this.device = device;
        this.plan = plan;
        this.write = pattern != null;
        this.drain = drain;
        this.partEnd = drain ? plan.endOfPart(0) : plan.count();
        long piece = Math.ceilDiv(Math.max(size, 1L), PAGE) * PAGE;
        int pieces = (int) Math.clamp(MEMORY / piece, 1, lanes());
        this.memory = piece <= MEMORY
                ? BufferPool.shared().acquire((int) piece * pieces)
                : AlignedBuffer.allocate(Math.toIntExact(Math.min(piece, Integer.MAX_VALUE & -PAGE)));
        memory.fill(0, memory.capacity(), pattern == null ? 0 : pattern);
        for (int i = 0; i < pieces; i++) {
            vectors.add(IoVector.of(memory, i * (int) piece, size));
        }
    }

    private int lanes() {
        return Math.clamp(Math.min(plan.depth(), plan.count()), 1, MOST_LANES);
    }

    /**
     * Makes all requests.
     *
     * @return nanoseconds from the beginning of the first to the end of the last
     * @throws ToolException the first failure, after which no more requests are made
     */
    long run() throws ToolException {
        long nanos;
        try (ExecutorService alongside = Executors.newVirtualThreadPerTaskExecutor()) {
            long start = System.nanoTime();
            makeRequests(alongside);
            nanos = System.nanoTime() - start;
        }
        ToolException first = failure.get();
        if (first != null) {
            throw first;
        }
        return nanos;
    }

    private void makeRequests(ExecutorService alongside) {
        BenchCrew crew = new BenchCrew(lanes(), this::beginNextPart);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < lanes(); i++) {
                IoVector vector = vectors.get(i % vectors.size());
                threads.execute(() -> makeRequests(vector, crew, alongside));
            }
        }
    }

    private void makeRequests(IoVector vector, BenchCrew crew, ExecutorService alongside) {
        do {
            try {
                takePart(vector, crew, alongside);
            } catch (BlockException e) {
                fail("Failed request: ", e);
            } catch (RuntimeException | Error e) {
                // A bug must not leave the others waiting at the end of the part.
                fail(e);
            }
        } while (crew.awaitNextPart());
    }

    /** Makes requests of the current part, to its end. */
    private void takePart(IoVector vector, BenchCrew crew, ExecutorService alongside) throws BlockException {
        long end = partEnd;
        int claim = 1;
        long begun = System.nanoTime();
        for (long first = next.getAndAdd(claim); first < end; first = next.getAndAdd(claim)) {
            for (long index = first; index < Math.min(first + claim, end); index++) {
                if (failure.get() != null) {
                    return;
                }
                if (next.get() < end) {
                    crew.callAnother();
                }
                makeRequest(index, vector, alongside);
            }
            long ended = System.nanoTime();
            claim = ended - begun < SHORT_NANOS ? Math.min(2 * claim, MOST_CLAIMED) : Math.max(claim / 2, 1);
            begun = ended;
        }
    }

    private void makeRequest(long index, IoVector vector, ExecutorService alongside) throws BlockException {
        if (!drain && plan.isFlushBefore(index)) {
            alongside.execute(this::flushAlongside);
        }
        if (write) {
            device.write(plan.offsetOf(index), vector);
        } else {
            device.read(plan.offsetOf(index), vector);
        }
    }

    /** Flushes, when all threads have arrived at the end of a part; false if that was the last one, or somebody wants an end. */
    private boolean beginNextPart() {
        if (Thread.currentThread().isInterrupted()) {
            fail("Failed request: ", new BlockException(Errno.EINTR));
        }
        long begin = partEnd;
        if (begin >= plan.count() || failure.get() != null) {
            return false;
        }
        try {
            device.flush();
        } catch (BlockException e) {
            fail("Failed request: ", e);
            return false;
        } catch (RuntimeException | Error e) {
            fail(e);
            return false;
        }
        next.set(begin);
        partEnd = plan.endOfPart(begin);
        return true;
    }

    private void flushAlongside() {
        try {
            device.flush();
        } catch (BlockException e) {
            fail("Failed flush request: ", e);
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    private void fail(Throwable bug) {
        fail("Failed request: internal error: " + bug + ": ", new BlockException(Errno.EIO, String.valueOf(bug), bug));
    }

    private void fail(String what, BlockException e) {
        failure.compareAndSet(null, ToolException.failure(what + e.errno().text(), ToolException.FAILURE, e));
    }

    @Override
    public void close() {
        memory.close();
    }
}
