// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.lang.foreign.Arena;
import java.lang.ref.Reference;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One file's requests that the kernel works on while no thread of ours is inside of it (io_submit(2)): the thread that makes a request
 * hands it to the kernel itself and then waits without its carrier, and one thread, which waits for all of them, wakes those whose
 * requests have come to their end, many at a time. Allocates nothing for a request. Thread-safe.
 *
 * <p>Of use with O_DIRECT only: with the page cache the kernel does it all before it returns.
 */
final class AioQueue {
    private static final Logger LOG = LoggerFactory.getLogger(AioQueue.class);

    /** As many as a device's own queue holds, as a rule; who comes when they are taken waits for one. */
    private static final int REQUESTS = 256;

    /** {@code struct io_event}: data, obj, res, res2, of 8 bytes each. */
    private static final int EVENT_BYTES = 32;

    private static final int EVENT_RESULT = 16;

    /** In place of a request's number, for the reader of events to end. */
    private static final long LAST = -1;

    /** To allocate storage takes some ten microseconds, but a busy processor may turn to something else meanwhile. */
    private static final long QUICK_BEGIN_NANOS = 5_000_000;

    private static final long RETRY_NANOS = 100_000_000;

    /** Makes queues. */
    @FunctionalInterface
    interface Opener {
        /** A new one, or null if there is none to be had. */
        @Nullable
        AioQueue open();
    }

    private final LibC libc;
    /** The kernel's name for it. */
    private final long name;

    /** Of requests that may wait before they begin. */
    private final Pace pace = new Pace(QUICK_BEGIN_NANOS);

    private final NumberPool numbers = new NumberPool(REQUESTS);
    private final AioRequest[] requests;
    private final Struct events = Struct.allocate(Arena.ofAuto(), REQUESTS * EVENT_BYTES);

    private AioQueue(LibC libc, long name) {
        this.libc = libc;
        this.name = name;
        this.requests = IntStream.range(0, REQUESTS).mapToObj(AioRequest::new).toArray(AioRequest[]::new);
    }

    /** A new queue; null if the system refuses: a sandbox, too many of them (fs.aio-max-nr), or of threads. */
    static @Nullable AioQueue open(LibC libc) {
        return open(libc, Thread.ofPlatform().daemon().name("loomblock-aio").factory());
    }

    /** The same with the reader of its events on a thread of {@code threads}. */
    static @Nullable AioQueue open(LibC libc, ThreadFactory threads) {
        long name;
        try (Arena arena = Arena.ofConfined()) {
            Struct answer = Struct.allocate(arena, Long.BYTES);
            if (libc.ioSetup(REQUESTS, answer) < 0) {
                return null;
            }
            name = answer.getLong(0);
        }
        try {
            AioQueue queue = new AioQueue(libc, name);
            threads.newThread(queue::readEvents).start();
            return queue;
        } catch (Error e) {
            // No memory, or no more threads: those that the file has serve then.
            libc.ioDestroy(name);
            LOG.warn("no queue for requests of O_DIRECT", e);
            return null;
        }
    }

    /**
     * Has the kernel read or write, and waits for the end of that, whatever interrupts.
     *
     * @param command IOCB_CMD_PREAD or IOCB_CMD_PWRITE
     * @param patiently whether the kernel may wait before it begins, which holds the caller's carrier, as long as such waits are short
     * @return bytes done, or an errno negated: EAGAIN if the kernel would have had to wait, or is expected to wait long
     */
    long run(short command, int fd, long address, int length, long offset, boolean patiently) {
        int number = numbers.take();
        if (number == NumberPool.NONE) {
            return -Errno.EBADF.number();
        }
        AioRequest request = requests[number];
        try {
            request.begin(command, patiently ? 0 : LinuxConstants.RWF_NOWAIT, fd, address, length, offset);
            long begun = patiently ? submitPaced(request) : libc.ioSubmit(name, request.pointer());
            return begun < 0 ? begun : request.result();
        } finally {
            numbers.give(number);
        }
    }

    private int submitPaced(AioRequest request) {
        long start = System.nanoTime();
        if (pace.expectsWait(start)) {
            return -LinuxConstants.EAGAIN;
        }
        try {
            return libc.ioSubmit(name, request.pointer());
        } finally {
            pace.took(start, System.nanoTime(), 0);
        }
    }

    /** What the thread for this does. */
    private void readEvents() {
        new EventLoop(new KernelEvents(), () -> LockSupport.parkNanos(RETRY_NANOS)).run();
        libc.ioDestroy(name);
    }

    private final class KernelEvents implements EventLoop.Events {
        @Override
        public int await() {
            int count = libc.ioGetevents(name, REQUESTS, events);
            if (count < 0) {
                throw new IllegalStateException("io_getevents: " + Errno.of(-count));
            }
            return count;
        }

        @Override
        public boolean end(int place) {
            int at = place * EVENT_BYTES;
            long number = events.getLong(at);
            if (number == LAST) {
                return true;
            }
            requests[(int) number].end(events.getLong(at + EVENT_RESULT));
            return false;
        }
    }

    /**
     * Waits for requests that are under way; those that come later fail with EBADF.
     *
     * @param fd the file, which is still open
     * @throws BlockException if the thread that reads events could not be told
     */
    void close(int fd) throws BlockException {
        numbers.close();
        AioRequest last = new AioRequest(LAST);
        // A read of nothing ends at once, and like all others by an event.
        last.begin(LinuxConstants.IOCB_CMD_PREAD, 0, fd, 0, 0, 0);
        try {
            int begun = libc.ioSubmit(name, last.pointer());
            if (begun < 0) {
                throw new BlockException(Errno.of(-begun));
            }
        } finally {
            Reference.reachabilityFence(last);
        }
    }
}
