// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.BlockAction;
import io.loomblock.driver.Timers;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides when the base image is fetched behind the scenes: after a delay, with pauses, until all is there, an error comes or a drain.
 *
 * <p>Two of the {@link PrefetchSteps} run beside each other, each one at a time and each on a thread of its own: one reads the next part that
 * is missing, as long as there are slots to put it in, the other stores what was read. After each step {@link #proceed} decides what comes
 * next; so nothing waits for anything, and a pause, an error or a drain is a state and no more. What guests have locked is left out, and
 * looked for again before the end. spec: fvd.md section 12, E21, E26.
 */
final class Prefetcher {
    private static final Logger LOG = LoggerFactory.getLogger(Prefetcher.class);

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

    private final PrefetchSteps steps;
    private final Timers timers;
    private final long start;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();
    private State state = State.WAITING;
    private final Deque<PrefetchSteps.Slot> filled = new ArrayDeque<>();
    /** Up to where has been read; of the reader, which changes it under the lock, or under the lock where there is none. */
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

    /** Prefetching that has not begun; {@link #begin} lets it. */
    Prefetcher(PrefetchSteps steps, Timers timers) {
        this.steps = steps;
        this.timers = timers;
        this.start = timers.nanoTime() + steps.startDelayNanos();
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
        boolean atEnd = steps.isEnd(position);
        if (!reads && !atEnd && filled.size() < steps.slots()) {
            reads = true;
            plan(this::readStep);
        }
        if (!reads && !writes && atEnd) {
            writes = true;
            plan(this::finishStep);
        }
    }

    /** Has the threads of the timers do it. */
    private void plan(BlockAction step) {
        long planned = era;
        timers.schedule("loomblock-fvd-prefetch", 0, () -> run(step, planned));
    }

    private void run(BlockAction step, long planned) {
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
        PrefetchSteps.Part part = null;
        try {
            part = steps.read(position);
        } finally {
            endRead(part);
        }
    }

    /** {@code part} is null if the step has failed. */
    private void endRead(PrefetchSteps.@Nullable Part part) {
        lock.lock();
        try {
            reads = false;
            if (part == null) {
                return;
            }
            position = part.end();
            pauseWanted |= part.tooSlow();
            PrefetchSteps.Slot slot = part.slot();
            if (slot != null) {
                filled.add(slot);
            }
        } finally {
            lock.unlock();
        }
    }

    private void writeStep() throws BlockException {
        PrefetchSteps.Slot slot = head();
        boolean tooSlow = false;
        try {
            tooSlow = steps.store(slot);
        } finally {
            endWrite(slot, tooSlow);
        }
    }

    private PrefetchSteps.Slot head() {
        lock.lock();
        try {
            return filled.element();
        } finally {
            lock.unlock();
        }
    }

    private void endWrite(PrefetchSteps.Slot slot, boolean tooSlow) {
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

    private void startPause() {
        pauseWanted = false;
        state = State.PAUSED;
        wake(steps.pauseNanos());
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
                steps.forgetSpeed();
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
            done = steps.finish();
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
            PrefetchSteps.Slot first = filled.peek();
            if (first != null) {
                position = first.region().start();
            }
            dropSlots();
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private void dropSlots() {
        if (active == 0) {
            filled.forEach(PrefetchSteps.Slot::close);
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
