// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.simulated;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.RequestFlags;
import io.loomblock.iotests.support.Step;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Simulation;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/** One guest: makes requests of a device that may fail, and tells the model what came of each. */
final class RaceGuest implements Simulation.Guest {
    private static final int LONGEST = 40_960;
    private static final int SHORT = 5000;

    private final BlockDevice device;
    private final DiskModel model;
    private final Flushes flushes;
    private final FakeTimers timers;
    private final Random random;
    private final int requests;

    /** When the last flush had begun that has succeeded. */
    static final class Flushes {
        private final AtomicLong last = new AtomicLong();

        void flushed(long began) {
            last.accumulateAndGet(began, Math::max);
        }

        long last() {
            return last.get();
        }
    }

    RaceGuest(BlockDevice device, DiskModel model, Flushes flushes, FakeTimers timers, long seed, int requests) {
        this.device = device;
        this.model = model;
        this.flushes = flushes;
        this.timers = timers;
        this.random = new Random(seed);
        this.requests = requests;
    }

    @Override
    public void run() throws Exception {
        try (AlignedBuffer memory = AlignedBuffer.allocate(LONGEST)) {
            for (int i = 0; i < requests; i++) {
                request(memory);
            }
        }
    }

    private void request(AlignedBuffer memory) {
        int length = 1 + random.nextInt(random.nextInt(4) == 0 ? LONGEST : SHORT);
        int offset = random.nextInt((int) model.size() - length);
        if (random.nextInt(3) != 0) {
            length = length + 511 & -512;
            offset = Math.min(offset & -512, (int) model.size() - length);
        }
        IoVector vector = IoVector.of(memory, 0, length);
        int kind = random.nextInt(100);
        if (kind < 25) {
            read(offset, vector);
        } else if (kind < 72) {
            write(offset, vector);
        } else if (kind < 86) {
            zero(offset, length, random.nextBoolean() ? RequestFlags.MAY_UNMAP : 0);
        } else if (kind < 91) {
            discard(offset, length);
        } else if (kind < 97) {
            flush();
        } else {
            timers.advance(Duration.ofMillis(10L << random.nextInt(10)));
        }
    }

    private void read(long offset, IoVector vector) {
        long began = model.tick();
        if (succeeds(() -> device.read(offset, vector))) {
            byte[] data = new byte[vector.size()];
            vector.copyTo(0, ByteBuffer.wrap(data));
            model.verifyRead(offset, data, data.length, began, model.tick());
        }
    }

    private void write(long offset, IoVector vector) {
        DiskModel.Write write = model.begin(offset, vector.size(), false);
        vector.copyFrom(0, ByteBuffer.wrap(Pattern.bytes(write.id(), offset, vector.size())));
        end(write, succeeds(() -> device.write(offset, vector)));
    }

    private void zero(long offset, long length, int flags) {
        DiskModel.Write write = model.begin(offset, length, true);
        end(write, succeeds(() -> device.writeZeroes(offset, length, flags)));
    }

    /** It may become zeros, or stay. */
    private void discard(long offset, long length) {
        DiskModel.Write maybe = model.begin(offset, length, true);
        succeeds(() -> device.discard(offset, length));
        model.failed(maybe);
    }

    private void end(DiskModel.Write write, boolean succeeded) {
        if (succeeded) {
            model.ended(write);
        } else {
            model.failed(write);
        }
    }

    private void flush() {
        long began = model.tick();
        if (succeeds(device::flush)) {
            flushes.flushed(began);
        }
    }

    private static boolean succeeds(Step request) {
        try {
            request.run();
            return true;
        } catch (BlockException e) {
            if (e.errno() != Errno.EIO && e.errno() != Errno.ENOSPC) {
                throw new AssertionError("a request failed otherwise than storage does", e);
            }
            return false;
        }
    }
}
