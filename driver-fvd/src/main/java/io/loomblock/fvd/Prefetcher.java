// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.Closer;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Timers;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches the whole base image behind the scenes, as long as that is fast enough, and then says that it is not needed any more.
 *
 * <p>Two steps run beside each other, each one at a time and each on a thread of its own: one reads the next part that is missing, as
 * long as there are slots to put it in, the other stores what was read. After each step {@link #proceed} decides what comes next; so
 * nothing waits for anything, and a pause, an error or a drain is a state and no more. What guests have locked is left out, and looked for
 * again before the end. spec: fvd.md section 12, E21, E26.
 */
final class Prefetcher {
    private static final Logger LOG = LoggerFactory.getLogger(Prefetcher.class);

    /** Bytes of all slots. */
    private static final long MOST = 8L << 20;

    /** Longest delay and pause, whatever the header says; no sum overflows then. */
    private static final long MOST_DELAY = Integer.MAX_VALUE;

    /** How long to wait where all that is missing is in the hands of guests. */
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** How far it is. */
    enum State {
        /** Until the start delay is over. */
        WAITING,
        RUNNING,
        /** It was too slow, and leaves the disks to others for a while. */
        PAUSED,
        /** Some step has failed; no more in this session. */
        DISABLED,
        FINISHED
    }

    /** A part of the base image that was read; without a buffer if it is large. */
    private record Slot(SoftStore.Region region, @Nullable AlignedBuffer buffer) implements AutoCloseable {
        @Nullable
        IoVector content() {
            return buffer == null ? null : IoVector.of(buffer, 0, region.bytes());
        }

        @Override
        public void close() {
            if (buffer != null) {
                buffer.close();
            }
        }
    }

    private final PrefetchSettings settings;
    private final FvdLayout layout;
    private final BackingFile base;
    private final Timers timers;
    private final RandomGenerator random;
    private final SoftStore store;
    private final Closer.Step finish;
    private final long unit;
    private final int slots;
    private final BufferPool buffers;
    private final Throughput reading;
    private final Throughput writing;
    private final long start;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();
    private State state = State.WAITING;
    private final Deque<Slot> filled = new ArrayDeque<>();
    /** Up to where has been read; of the reader, or under the lock where there is none. */
    private long position;

    private boolean reads;
    private boolean writes;
    /** Steps that have begun. */
    private int active;

    private boolean pauseWanted;
    private boolean drained;
    /** Counts drains: steps that were planned before one do not begin. */
    private long era;

    private Timers.@Nullable Timer timer;

    /**
     * Prefetching that has not begun; {@link #begin} lets it.
     *
     * @param settings valid, with a start delay
     * @param random tosses the coins
     * @param finish what to do when the image has everything
     */
    Prefetcher(
            PrefetchSettings settings,
            FvdLayout layout,
            BackingFile base,
            Timers timers,
            RandomGenerator random,
            SoftStore store,
            Closer.Step finish) {
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
        this.start = timers.nanoTime() + TimeUnit.SECONDS.toNanos(Math.min(settings.startDelay(), MOST_DELAY));
    }

    State state() {
        lock.lock();
        try {
            return state;
        } finally {
            lock.unlock();
        }
    }

    /** Starts when its time has come. */
    void begin() {
        lock.lock();
        try {
            wake(start - timers.nanoTime());
        } finally {
            lock.unlock();
        }
    }

    /** Decides what comes next; under the lock. */
    private void proceed() {
        if (drained) {
            return;
        }
        switch (state) {
            case WAITING, PAUSED -> {} // the timer wakes it
            case RUNNING -> proceedRunning();
            case DISABLED, FINISHED -> dropSlots();
        }
    }

    private void proceedRunning() {
        if (!writes && !filled.isEmpty()) {
            writes = true;
            plan(this::writeStep);
        }
        if (pauseWanted) {
            if (!reads && !writes) {
                startPause();
            }
            return;
        }
        boolean atEnd = position >= layout.baseSize();
        if (!reads && !atEnd && filled.size() < slots) {
            reads = true;
            plan(this::readStep);
        }
        if (!reads && !writes && atEnd) {
            writes = true;
            plan(this::finishStep);
        }
    }

    /** A step, as the threads of the timers run it. */
    private interface Step {
        void run() throws BlockException;
    }

    private void plan(Step step) {
        long planned = era;
        timers.schedule("loomblock-fvd-prefetch", 0, () -> run(step, planned));
    }

    private void run(Step step, long planned) {
        if (!enter(planned)) {
            return;
        }
        try {
            step.run();
        } catch (BlockException e) {
            disable(e);
        } finally {
            leave();
        }
    }

    private boolean enter(long planned) {
        lock.lock();
        try {
            if (era != planned) {
                return false;
            }
            active++;
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void leave() {
        lock.lock();
        try {
            active--;
            idle.signalAll();
            proceed();
        } finally {
            lock.unlock();
        }
    }

    private void disable(BlockException cause) {
        LOG.warn("the base image is not fetched any more in this session: {}", cause.getMessage());
        lock.lock();
        try {
            state = State.DISABLED;
        } finally {
            lock.unlock();
        }
    }

    private void readStep() throws BlockException {
        Slot slot = null;
        boolean tooSlow = false;
        try {
            SoftStore.Region next = nextRegion();
            if (next != null) {
                long began = timers.nanoTime();
                slot = read(next);
                tooSlow = slot.buffer != null && isTooSlow(reading, next.bytes(), began);
            }
        } finally {
            endRead(slot, tooSlow);
        }
    }

    private void endRead(@Nullable Slot slot, boolean tooSlow) {
        lock.lock();
        try {
            reads = false;
            pauseWanted |= tooSlow;
            if (slot != null) {
                filled.add(slot);
            }
        } finally {
            lock.unlock();
        }
    }

    /** The next part that is missing, at most a unit; null at the end of the base image. */
    private SoftStore.@Nullable Region nextRegion() throws BlockException {
        SoftStore.Region missing = store.findMissing(position, layout.baseSize());
        if (missing == null) {
            position = layout.baseSize();
            return null;
        }
        long end = Math.min(missing.end(), missing.start() + unit);
        position = end;
        return new SoftStore.Region(missing.start(), end);
    }

    private Slot read(SoftStore.Region region) throws BlockException {
        if (region.isLarge()) {
            return new Slot(region, null);
        }
        AlignedBuffer buffer = buffers.acquire(region.bytes());
        boolean done = false;
        try {
            base.read(region.start(), region.bytes(), IoVector.of(buffer, 0, region.bytes()), 0);
            done = true;
            return new Slot(region, buffer);
        } finally {
            if (!done) {
                buffer.close();
            }
        }
    }

    private void writeStep() throws BlockException {
        Slot slot = head();
        boolean tooSlow = false;
        try {
            long began = timers.nanoTime();
            store.store(slot.region, slot.content(), DebugEvent.PREFETCH_STORE);
            tooSlow = isTooSlow(writing, slot.region.end() - slot.region.start(), began);
        } finally {
            endWrite(slot, tooSlow);
        }
    }

    private Slot head() {
        lock.lock();
        try {
            return filled.element();
        } finally {
            lock.unlock();
        }
    }

    private void endWrite(Slot slot, boolean tooSlow) {
        lock.lock();
        try {
            writes = false;
            pauseWanted |= tooSlow;
            filled.remove();
            slot.close();
        } finally {
            lock.unlock();
        }
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

    private void startPause() {
        pauseWanted = false;
        state = State.PAUSED;
        wake(TimeUnit.MILLISECONDS.toNanos(1 + random.nextLong(1 + Math.min(settings.throttleTime(), MOST_DELAY))));
    }

    private void wake(long delayNanos) {
        long planned = era;
        timer = timers.schedule("loomblock-fvd-prefetch", Math.max(0, delayNanos), () -> onTimer(planned));
    }

    private void onTimer(long planned) {
        lock.lock();
        try {
            if (era == planned && (state == State.WAITING || state == State.PAUSED)) {
                state = State.RUNNING;
                reading.forget();
                writing.forget();
                proceed();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Nothing is left to be read; what guests had in their hands may be missing still, if they failed. */
    private void finishStep() throws BlockException {
        boolean done = false;
        try {
            if (store.hasAll()) {
                finish.run();
                done = true;
            }
        } finally {
            endFinish(done);
        }
    }

    private void endFinish(boolean done) {
        lock.lock();
        try {
            writes = false;
            position = 0;
            if (done) {
                state = State.FINISHED;
            } else {
                state = State.PAUSED;
                wake(RETRY_NANOS);
            }
        } finally {
            lock.unlock();
        }
    }

    /** No step runs when this returns, nor before {@link #resume}; what was stored stays, what was only read is read again. */
    void pause() {
        lock.lock();
        try {
            drained = true;
            era++;
            if (timer != null) {
                timer.cancel();
            }
            while (active > 0) {
                idle.awaitUninterruptibly();
            }
            reads = false;
            writes = false;
            pauseWanted = false;
            Slot first = filled.peek();
            if (first != null) {
                position = first.region.start();
            }
            dropSlots();
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private void dropSlots() {
        if (active == 0) {
            filled.forEach(Slot::close);
            filled.clear();
        }
    }

    /** Ends it. */
    void resume() {
        lock.lock();
        try {
            drained = false;
            if (state == State.WAITING) {
                wake(start - timers.nanoTime());
            } else if (state == State.PAUSED) {
                wake(0);
            }
            proceed();
        } finally {
            lock.unlock();
        }
    }
}
