// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.RequestFlags;
import io.loomblock.job.ConversionSource.Chunk;
import io.loomblock.job.ConversionSource.Kind;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.List;

/**
 * Copies one image, or several one after the other, into another: what is not allocated or zero is left out where the target reads
 * as zeros anyway, several requests are in flight. spec: block-layer.md section 9, "convert".
 *
 * <p>Each worker is a virtual thread with a buffer of 2 MiB: it claims the next pieces of the source, reads them, waits for its
 * turn unless order does not matter, and writes what of them is not zero. The first failure stops all of them.
 */
public final class ImageConversion {
    private static final int SECTOR = 512;

    /**
     * How to copy.
     *
     * @param workers how many requests are in flight, at least 1
     * @param outOfOrder whether the target may be written in any order
     * @param minSparse zeros of at least this many bytes, a multiple of 512, are not written as data; 0 to write everything
     * @param newTarget whether the target was just created, so that {@link io.loomblock.driver.Node#hasZeroInit} counts
     * @param targetIsZero whether the caller vouches that the target reads as zeros
     * @param targetBacking length of the target's backing file, which reads as what the source does not allocate itself; or -1
     * @param salvage whether sectors that cannot be read become zeros
     * @param bytesPerSecond how fast to write at most; 0 for no limit
     * @param pool where buffers come from
     */
    public record Options(
            int workers,
            boolean outOfOrder,
            long minSparse,
            boolean newTarget,
            boolean targetIsZero,
            long targetBacking,
            boolean salvage,
            long bytesPerSecond,
            BufferPool pool) {

        boolean targetHasBacking() {
            return targetBacking >= 0;
        }
    }

    /** Hears of a conversion while it runs, from one thread at a time. */
    public interface Listener extends JobProgress {
        /** Whether {@link #advanced} is worth the walk over the source that finds the total. */
        boolean wantsProgress();

        /** With salvage only: the sector at {@code offset} of the source could not be read. */
        void unreadable(long offset, BlockException failure);
    }

    private final ConversionSource source;
    private final BlockDevice target;
    private final Options options;
    private final Listener listener;
    private final boolean zerosAreThere;
    private final Turns turns;
    private final RateLimit rate;

    private ImageConversion(ConversionSource source, BlockDevice target, Options options, Listener listener)
            throws BlockException {
        this.source = source;
        this.target = target;
        this.options = options;
        this.listener = listener;
        this.turns = new Turns(!options.outOfOrder());
        this.rate = new RateLimit(options.bytesPerSecond());
        this.zerosAreThere = readsAsZeros();
    }

    /**
     * Copies {@code sources} to {@code target} and flushes it.
     *
     * @param target at least as long as the sources together
     * @throws BlockException the first failure, its reason naming the offset; EINTR if the caller was interrupted
     */
    public static void convert(List<BlockDevice> sources, BlockDevice target, Options options, Listener listener)
            throws BlockException {
        ConversionSource source = new ConversionSource(sources, options);
        if (listener.wantsProgress()) {
            source.countWork();
        }
        new ImageConversion(source, target, options, listener).run();
        target.flush();
    }

    /** Whether what is not written reads as zeros; a target that can be zeroed cheaply is. */
    private boolean readsAsZeros() throws BlockException {
        if (options.targetIsZero()) {
            return true;
        }
        if (options.targetHasBacking() || options.minSparse() == 0) {
            return false;
        }
        if (options.newTarget()) {
            return target.node().hasZeroInit();
        }
        return (target.node().limits().zeroFlags() & RequestFlags.MAY_UNMAP) != 0 && zeroCheaply();
    }

    private boolean zeroCheaply() throws BlockException {
        try {
            target.writeZeroes(0, target.length(), RequestFlags.MAY_UNMAP | RequestFlags.NO_FALLBACK);
            return true;
        } catch (BlockException e) {
            if (e.errno() == Errno.ENOTSUP) {
                return false;
            }
            throw e;
        }
    }

    private void run() throws BlockException {
        Workers.run("convert", options.workers(), options.pool(), turns, this::work);
    }

    private void work(AlignedBuffer buffer) throws BlockException {
        for (List<Chunk> chunks = claim(); !chunks.isEmpty(); chunks = claim()) {
            for (Chunk chunk : chunks) {
                if (chunk.kind() == Kind.DATA) {
                    read(chunk, buffer);
                }
            }
            if (!turns.await(chunks.get(0).start())) {
                return;
            }
            for (Chunk chunk : chunks) {
                if (turns.stopped()) {
                    return;
                }
                write(chunk, buffer);
            }
            turns.done(chunks.get(chunks.size() - 1).end());
        }
    }

    private List<Chunk> claim() throws BlockException {
        return turns.stopped() ? List.of() : source.claim(listener);
    }

    private void read(Chunk chunk, AlignedBuffer buffer) throws BlockException {
        int length = (int) chunk.length();
        if (chunk.fillWithZeros()) {
            buffer.fill(chunk.place(), length, (byte) 0);
            return;
        }
        try {
            source.read(chunk.start(), length, buffer, chunk.place());
        } catch (BlockException e) {
            if (!options.salvage()) {
                throw new BlockException(
                        e.errno(),
                        "error while reading at byte " + chunk.start() + ": "
                                + e.errno().text(),
                        e);
            }
            salvage(chunk, buffer);
        }
    }

    private void salvage(Chunk chunk, AlignedBuffer buffer) {
        for (int at = 0; at < chunk.length(); at += SECTOR) {
            int place = chunk.place() + at;
            try {
                source.read(chunk.start() + at, SECTOR, buffer, place);
            } catch (BlockException e) {
                buffer.fill(place, SECTOR, (byte) 0);
                turns.exclusively(sectorOf(chunk.start() + at, e));
            }
        }
    }

    private Runnable sectorOf(long offset, BlockException failure) {
        return () -> listener.unreadable(offset, failure);
    }

    private void write(Chunk chunk, AlignedBuffer buffer) throws BlockException {
        try {
            switch (chunk.kind()) {
                case BACKING -> {}
                case ZERO -> writeZeroes(chunk.start(), chunk.length());
                case DATA -> writeData(chunk, buffer);
            }
        } catch (BlockException e) {
            throw new BlockException(
                    e.errno(),
                    "error while writing at byte " + chunk.start() + ": "
                            + e.errno().text(),
                    e);
        }
    }

    private void writeData(Chunk chunk, AlignedBuffer buffer) throws BlockException {
        IoVector vector = IoVector.of(buffer, chunk.place(), (int) chunk.length());
        ZeroRuns runs = new ZeroRuns(buffer, chunk.place(), chunk.start(), (int) chunk.length(), options.minSparse());
        while (runs.next()) {
            long start = chunk.start() + runs.start();
            if (runs.isZero()) {
                writeZeroes(start, runs.length());
            } else {
                rate.take(runs.length());
                target.write(start, runs.length(), vector, runs.start(), 0);
            }
        }
    }

    private void writeZeroes(long start, long length) throws BlockException {
        if (!zerosAreThere) {
            target.writeZeroes(start, length, options.minSparse() == 0 ? 0 : RequestFlags.MAY_UNMAP);
        }
    }
}
