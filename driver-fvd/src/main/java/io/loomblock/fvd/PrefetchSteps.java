// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.BlockAction;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Timers;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What fetching the base image consists of: a part is read, a part is stored, the header says that all is there; and how fast that was.
 *
 * <p>One part is read at a time and one stored, which may be on two threads. The {@link Prefetcher} knows when. spec: fvd.md section 12.
 */
final class PrefetchSteps {
    /** Bytes of all slots. */
    private static final long MOST = 8L << 20;

    /** Longest delay and pause, whatever the header says; no sum overflows then. */
    private static final long MOST_DELAY = Integer.MAX_VALUE;

    private final PrefetchSettings settings;
    private final FvdLayout layout;
    private final BackingFile base;
    private final Timers timers;
    private final SoftStore store;
    private final BlockAction finish;
    private final long unit;
    private final int slots;
    private final BufferPool buffers;
    private final Throughput reading;
    private final Throughput writing;

    /** Of the random numbers. */
    private final ReentrantLock lock = new ReentrantLock();

    private final RandomGenerator random;

    /** A part of the base image that was read; without a buffer if it is large. */
    record Slot(SoftStore.Region region, @Nullable AlignedBuffer buffer) implements AutoCloseable {
        private @Nullable IoVector content() {
            return buffer == null ? null : IoVector.of(buffer, 0, region.bytes());
        }

        @Override
        public void close() {
            if (buffer != null) {
                buffer.close();
            }
        }
    }

    /**
     * What reading has come to.
     *
     * @param slot null where nothing was missing up to the end of the base image
     * @param end where to go on
     * @param tooSlow whether a pause is due
     */
    record Part(@Nullable Slot slot, long end, boolean tooSlow) {}

    /**
     * Steps for one image.
     *
     * @param settings valid, with a start delay
     * @param random tosses the coins
     * @param finish what to do when the image has everything
     */
    PrefetchSteps(
            PrefetchSettings settings,
            FvdLayout layout,
            BackingFile base,
            Timers timers,
            RandomGenerator random,
            SoftStore store,
            BlockAction finish) {
        this.settings = settings;
        this.layout = layout;
        this.base = base;
        this.timers = timers;
        this.random = random;
        this.store = store;
        this.finish = finish;
        long blocks = Math.max(1, Math.min(settings.bytesPerUnit(), SoftStore.PIECE) / layout.blockSize());
        this.unit = blocks * layout.blockSize();
        this.slots = (int) Math.clamp(settings.slots(), 1, Math.max(1, MOST / unit));
        this.buffers = new BufferPool((long) slots * SoftStore.PIECE, 0);
        this.reading = new Throughput(settings.readMeasureTime(), settings.minRead(), settings.alpha());
        this.writing = new Throughput(settings.writeMeasureTime(), settings.minWrite(), settings.alpha());
    }

    long startDelayNanos() {
        return TimeUnit.SECONDS.toNanos(Math.min(settings.startDelay(), MOST_DELAY));
    }

    /** How long to leave the disks to others: by chance. */
    long pauseNanos() {
        lock.lock();
        try {
            return TimeUnit.MILLISECONDS.toNanos(
                    1 + random.nextLong(1 + Math.min(settings.throttleTime(), MOST_DELAY)));
        } finally {
            lock.unlock();
        }
    }

    /** How many parts may wait to be stored. */
    int slots() {
        return slots;
    }

    boolean isEnd(long position) {
        return position >= layout.baseSize();
    }

    /** Speed is measured anew. No step is under way. */
    void forgetSpeed() {
        reading.forget();
        writing.forget();
    }

    /** Reads the next part from {@code position} on that is missing, at most a unit. */
    Part read(long position) throws BlockException {
        SoftStore.Region missing = store.findMissing(position, layout.baseSize());
        if (missing == null) {
            return new Part(null, layout.baseSize(), false);
        }
        long end = Math.min(missing.end(), missing.start() + unit);
        SoftStore.Region next = new SoftStore.Region(missing.start(), end);
        if (next.isLarge()) {
            return new Part(new Slot(next, null), end, false);
        }
        long began = timers.nanoTime();
        Slot slot = new Slot(next, read(next));
        return new Part(slot, end, isTooSlow(reading, next.bytes(), began));
    }

    private AlignedBuffer read(SoftStore.Region region) throws BlockException {
        AlignedBuffer buffer = buffers.acquire(region.bytes());
        boolean done = false;
        try {
            base.read(region.start(), region.bytes(), IoVector.of(buffer, 0, region.bytes()), 0);
            done = true;
            return buffer;
        } finally {
            if (!done) {
                buffer.close();
            }
        }
    }

    /** Stores what was read, and still belongs to the caller; true if a pause is due. */
    boolean store(Slot slot) throws BlockException {
        long began = timers.nanoTime();
        store.store(slot.region, slot.content(), DebugEvent.PREFETCH_STORE);
        return isTooSlow(writing, slot.region.end() - slot.region.start(), began);
    }

    /**
     * Says that the base image is not needed any more, if nothing is missing.
     *
     * @return false if something is: what guests had in their hands when it was looked for, and could not write
     */
    boolean finish() throws BlockException {
        if (!store.hasAll()) {
            return false;
        }
        finish.run();
        return true;
    }

    /** Whether to pause: by the toss of a coin, lest several images that are in one another's way all do so. */
    private boolean isTooSlow(Throughput side, long bytes, long began) {
        if (settings.throttleTime() <= 0 || !side.isTooLowAfter(bytes, timers.nanoTime() - began)) {
            return false;
        }
        if (tossCoin()) {
            return true;
        }
        side.forget();
        return false;
    }

    private boolean tossCoin() {
        lock.lock();
        try {
            return random.nextBoolean();
        } finally {
            lock.unlock();
        }
    }
}
