// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.testkit.FaultDriver.Effect;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Storage that is slow, disorderly and unreliable, as a seed has it: requests of {@link SimulatedDevice}s wait here and are done one at a time.
 *
 * <p>A step lets one request be done, the one that is due first on a clock of the simulation's own, and then waits until every thread
 * waits for something again: for its request, or for another thread. So requests are done in an order that has nothing to do with that in
 * which they came, and the same seed gives the same order as far as the code under test lets it. Delays, failures, and what a failed write
 * has done all the same are drawn for each thread by itself. Outside of {@link #run} requests go straight through.
 */
public final class Simulation {
    private static final int QUIET_LOOKS = 2;
    private static final long LONGEST_STEP = TimeUnit.MINUTES.toNanos(1);

    /**
     * How bad it is.
     *
     * @param seed what all else follows from
     * @param faults how many of 1000 requests fail
     * @param flushFaults how many of 1000 flushes
     */
    public record Weather(long seed, int faults, int flushFaults) {
        /** Slow and disorderly, but nothing fails. */
        public static Weather fair(long seed) {
            return new Weather(seed, 0, 0);
        }
    }

    /** What becomes of a request: a failure or none, and how much of it is done. */
    record Fate(@Nullable Errno errno, Effect effect) {
        void throwFailure() throws BlockException {
            if (errno != null) {
                throw new BlockException(errno);
            }
        }
    }

    /** What one thread does while storage is as it is. */
    @FunctionalInterface
    public interface Guest {
        void run() throws Exception;
    }

    private static final class Waiting {
        private final long due;
        private final long number;
        private final String what;
        private final Semaphore turn = new Semaphore(0);
        private Fate fate;

        Waiting(long due, long number, String what, Fate fate) {
            this.due = due;
            this.number = number;
            this.what = what;
            this.fate = fate;
        }
    }

    private final Weather weather;
    private final ReentrantLock lock = new ReentrantLock();
    private final PriorityQueue<Waiting> waiting =
            new PriorityQueue<>(Comparator.comparingLong((Waiting w) -> w.due).thenComparingLong(w -> w.number));
    private final List<Thread> threads = new ArrayList<>();
    private final Map<String, Random> draws = new HashMap<>();
    private final List<String> done = new ArrayList<>();
    private boolean running;
    private long now;
    private long arrived;
    private volatile @Nullable Throwable failure;

    public Simulation(Weather weather) {
        this.weather = weather;
    }

    /** What was done, in order. */
    public List<String> done() {
        lock.lock();
        try {
            return List.copyOf(done);
        } finally {
            lock.unlock();
        }
    }

    /** Waits for the turn of a request; what shall become of it. */
    Fate await(String file, Request request) {
        Waiting mine;
        lock.lock();
        try {
            if (!running) {
                return new Fate(null, Effect.ALL);
            }
            mine = arrive(file, request);
        } finally {
            lock.unlock();
        }
        mine.turn.acquireUninterruptibly();
        return mine.fate;
    }

    private Waiting arrive(String file, Request request) {
        Thread thread = Thread.currentThread();
        if (!threads.contains(thread)) {
            threads.add(thread);
        }
        Random random =
                draws.computeIfAbsent(thread.getName(), name -> new Random(weather.seed * 1_000_003 + name.hashCode()));
        long delay = 1 + random.nextInt(random.nextInt(8) == 0 ? 1000 : 100);
        String what = file + " " + request + " of " + thread.getName();
        Waiting mine = new Waiting(now + delay, arrived++, what, fate(request, random));
        waiting.add(mine);
        return mine;
    }

    private Fate fate(Request request, Random random) {
        boolean flush = request.kind() == RequestLog.Kind.FLUSH;
        int drawn = random.nextInt(1000);
        Effect effect = Effect.values()[random.nextInt(Effect.values().length)];
        boolean full = request.kind().changes() && random.nextInt(4) == 0;
        if (drawn >= (flush ? weather.flushFaults : weather.faults)) {
            return new Fate(null, Effect.ALL);
        }
        return full ? new Fate(Errno.ENOSPC, Effect.NONE) : new Fate(Errno.EIO, flush ? Effect.NONE : effect);
    }

    /** Runs guests to their end, each on a virtual thread of its own; what the first of them throws is thrown. */
    public void run(List<Guest> guests) throws Exception {
        run(guests, Long.MAX_VALUE, () -> {});
    }

    /**
     * The same; but after so many steps storage is lost, and all that still waits or comes later fails without effect.
     *
     * @param lost called at that moment, or at the end if it comes first
     */
    public void run(List<Guest> guests, long steps, Runnable lost) throws Exception {
        setRunning(true);
        try {
            runToEnd(guests, steps, lost);
        } finally {
            letGo();
        }
        Throwable first = failure;
        if (first != null) {
            throw new AssertionError("seed " + weather.seed + ": " + first, first);
        }
    }

    private void runToEnd(List<Guest> guests, long steps, Runnable lost) {
        for (int i = 0; i < guests.size(); i++) {
            start(i, guests.get(i));
            awaitQuiet();
        }
        boolean gone = false;
        for (long step = 0; awaitWork(); step++) {
            if (!gone && step >= steps) {
                gone = true;
                lost.run();
            }
            doNext(gone);
        }
        if (!gone) {
            lost.run();
        }
    }

    /** Where the run did not come to its end, nobody may wait for another step: what is told of must be why. */
    private void letGo() {
        lock.lock();
        try {
            running = false;
            while (!waiting.isEmpty()) {
                Waiting left = waiting.remove();
                left.fate = new Fate(Errno.EIO, Effect.NONE);
                left.turn.release();
            }
        } finally {
            lock.unlock();
        }
    }

    private void setRunning(boolean value) {
        lock.lock();
        try {
            running = value;
        } finally {
            lock.unlock();
        }
    }

    private void start(int number, Guest guest) {
        Thread thread = Thread.ofVirtual().name("guest-" + number).unstarted(() -> {
            try {
                guest.run();
            } catch (Throwable e) {
                failure = failure == null ? e : failure;
            }
        });
        lock.lock();
        try {
            threads.add(thread);
        } finally {
            lock.unlock();
        }
        thread.start();
    }

    /** Waits until there is a request to be done and nobody runs; false once all guests have ended and nothing is left. */
    private boolean awaitWork() {
        boolean[] work = new boolean[1];
        Waits.until("a request comes, or all guests end", () -> {
            awaitQuiet();
            lock.lock();
            try {
                work[0] = !waiting.isEmpty();
                running = work[0] || threads.stream().anyMatch(Thread::isAlive);
                return work[0] || !running;
            } finally {
                lock.unlock();
            }
        });
        return work[0];
    }

    private void doNext(boolean gone) {
        lock.lock();
        try {
            Waiting next = waiting.remove();
            now = Math.max(now, next.due);
            if (gone) {
                next.fate = new Fate(Errno.EIO, Effect.NONE);
            }
            done.add(next.what + (next.fate.errno == null ? "" : " " + next.fate));
            next.turn.release();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until no thread that has to do with storage runs. One look may meet a thread before another wakes it. */
    private void awaitQuiet() {
        long deadline = System.nanoTime() + LONGEST_STEP;
        for (int quiet = 0; quiet < QUIET_LOOKS; ) {
            quiet = isAnyRunning() ? 0 : quiet + 1;
            if (quiet == 0) {
                if (System.nanoTime() > deadline) {
                    throw new AssertionError("seed " + weather.seed + ": somebody runs without end");
                }
                Thread.yield();
            }
        }
    }

    private boolean isAnyRunning() {
        lock.lock();
        try {
            threads.removeIf(thread -> thread.getState() == Thread.State.TERMINATED);
            return threads.stream()
                    .anyMatch(t -> t.getState() == Thread.State.RUNNABLE || t.getState() == Thread.State.BLOCKED);
        } finally {
            lock.unlock();
        }
    }
}
