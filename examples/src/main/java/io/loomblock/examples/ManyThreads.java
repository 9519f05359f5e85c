// SPDX-License-Identifier: Apache-2.0
package io.loomblock.examples;

import io.loomblock.Accounting;
import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A disk image that a thousand virtual threads write and read at once, each by calls that block, and what it counted of them.
 *
 * <p>{@code ManyThreads IMAGE} makes the image, of the format QED.
 */
public final class ManyThreads {
    private static final int THREADS = 1000;
    private static final int BLOCK = 64 << 10;

    private ManyThreads() {}

    public static void main(String[] args) throws Exception {
        if (args.length != 1 || Files.exists(Path.of(args[0]))) {
            throw new IllegalArgumentException("usage: ManyThreads IMAGE, which must not exist");
        }
        CreateOptions size = CreateOptions.ofSize((long) THREADS * BLOCK);
        BlockDevice.create("qed", args[0], size, OpenOptions.readWrite());
        // Closing flushes too; a flush of one's own tells by an exception whether all is durable.
        try (BlockDevice disk = BlockDevice.open(args[0], OpenOptions.readWrite())) {
            runThreads(disk);
            disk.flush();
            print(disk.accounting());
        }
    }

    private static void runThreads(BlockDevice disk) throws Exception {
        List<Future<?>> running = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < THREADS; i++) {
                int number = i;
                running.add(threads.submit(() -> {
                    useDisk(disk, number);
                    return null;
                }));
            }
        }
        for (Future<?> thread : running) {
            thread.get();
        }
    }

    /** One thread's part: writes a block, reads it again. Where the pool of memory, which all images share, is empty, it waits. */
    private static void useDisk(BlockDevice disk, int number) throws BlockException {
        long offset = (long) number * BLOCK;
        try (AlignedBuffer buffer = BufferPool.shared().acquire(BLOCK)) {
            IoVector memory = IoVector.of(buffer);
            fill(buffer, offset);
            disk.write(offset, memory);
            memory.fill(0, BLOCK, (byte) 0);
            disk.read(offset, memory);
            compare(buffer, offset);
        }
    }

    /** Each word of the disk is its own offset. */
    private static void fill(AlignedBuffer buffer, long offset) {
        for (int i = 0; i < BLOCK; i += Long.BYTES) {
            buffer.putLong(i, offset + i);
        }
    }

    private static void compare(AlignedBuffer buffer, long offset) {
        for (int i = 0; i < BLOCK; i += Long.BYTES) {
            if (buffer.getLong(i) != offset + i) {
                throw new IllegalStateException("wrong data at " + (offset + i));
            }
        }
    }

    private static void print(Accounting accounting) {
        for (Accounting.Kind kind : Accounting.Kind.values()) {
            Accounting.Figures figures = accounting.of(kind);
            long micros = figures.totalTimeNanos() / Math.max(1, figures.operations()) / 1000;
            System.out.printf(
                    "%-5s %4d operations %8d bytes %6d us each %d failed%n",
                    kind, figures.operations(), figures.bytes(), micros, figures.failed());
        }
    }
}
