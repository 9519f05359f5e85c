// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Requests of the shapes that ports repeat: one of any size, rows of small ones, and many at once. */
final class Requests {
    private static final int SECTOR = 512;

    private Requests() {}

    /** Something that is done to an image. */
    @FunctionalInterface
    interface Step {
        void run() throws BlockException;
    }

    /**
     * Requests of equal length at equal distances, each with a value of its own.
     *
     * @param start where the first one begins
     * @param step from the beginning of one to that of the next
     */
    record Row(long start, int length, int step, int count) {
        private static int value(long offset) {
            return (int) (offset / SECTOR) & 0xff;
        }

        void write(BlockDevice device) throws BlockException {
            for (long at = start; at < end(); at += step) {
                writeAtOnce(device, at, length, value(at));
            }
        }

        void expect(BlockDevice device) throws BlockException {
            for (long at = start; at < end(); at += step) {
                expectAtOnce(device, at, length, value(at));
            }
        }

        void expectZeros(BlockDevice device) throws BlockException {
            for (long at = start; at < end(); at += step) {
                expectAtOnce(device, at, length, 0);
            }
        }

        private long end() {
            return start + (long) step * count;
        }
    }

    /** Writes bytes of this value in one request. */
    static void writeAtOnce(BlockDevice device, long offset, int length, int value) throws BlockException {
        try (AlignedBuffer buffer = AlignedBuffer.allocate(length)) {
            buffer.fill(0, length, (byte) value);
            device.write(offset, IoVector.of(buffer));
        }
    }

    /** Reads in one request, and fails unless all bytes have this value. */
    static void expectAtOnce(BlockDevice device, long offset, int length, int value) throws BlockException {
        try (AlignedBuffer buffer = AlignedBuffer.allocate(length)) {
            device.read(offset, IoVector.of(buffer));
            expectAll(buffer, length, value, offset);
        }
    }

    /** Fails unless the first bytes of a buffer have this value; {@code offset} is where they come from. */
    static void expectAll(AlignedBuffer buffer, int length, int value, long offset) {
        for (int i = 0; i < length; i++) {
            if (buffer.getByte(i) != (byte) value) {
                assertThat(buffer.getByte(i)).as("byte at %d", offset + i).isEqualTo((byte) value);
            }
        }
    }

    /** Runs all steps at the same time, each on a thread of its own, and throws the first failure. */
    static void together(List<Step> steps) throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Void>> running = new ArrayList<>();
            for (Step step : steps) {
                running.add(threads.submit(() -> {
                    step.run();
                    return null;
                }));
            }
            for (Future<Void> one : running) {
                finish(one);
            }
        }
    }

    private static void finish(Future<Void> running) throws Exception {
        try {
            running.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e;
        }
    }

    /** Fails unless the call fails with this error. */
    static void expectFailure(Errno errno, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }
}
