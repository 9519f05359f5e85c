// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.Node;
import io.loomblock.driver.RequestFlags;
import io.loomblock.driver.RequestGate;
import io.loomblock.driver.Timers;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The way of a guest's request through a device: throttle, gate, node; then figures, and what becomes of an error.
 *
 * <p>A request waits for the throttle, and where an error has stopped it, outside of the gate and without pooled memory: neither a
 * drained section nor another request waits for it. What is off costs the read of a field. Thread-safe.
 */
final class DeviceRequests {
    private final Node root;
    private final RequestGate gate;
    private final BufferPool pool;
    private final boolean writethrough;
    private final Accounting accounting = new Accounting();
    private final ErrorPolicy errors = new ErrorPolicy();
    private final ReentrantLock changing = new ReentrantLock();
    private volatile ThrottleGroup.@Nullable Member throttle;
    /** The group of {@link #throttle}, if it is nobody else's. */
    private @Nullable ThrottleGroup ownGroup;

    private volatile boolean closing;

    DeviceRequests(Node root, RequestGate gate, OpenOptions options) {
        this.root = root;
        this.gate = gate;
        this.pool = options.pool();
        this.writethrough = !options.cache().writeback();
    }

    Accounting accounting() {
        return accounting;
    }

    ErrorPolicy errors() {
        return errors;
    }

    /** Requests wait for these limits from now on; those that wait already keep their order if the limits are the device's own. */
    void throttle(ThrottleLimits limits, Timers timers) throws BlockException {
        changing.lock();
        try {
            ThrottleGroup mine = ownGroup;
            if (mine == null) {
                mine = new ThrottleGroup(limits, timers);
                throttle(mine);
                ownGroup = mine;
            } else {
                mine.limits(limits);
            }
        } finally {
            changing.unlock();
        }
    }

    /** Requests wait for this group from now on, or for none; those that wait for the one before line up anew. */
    void throttle(@Nullable ThrottleGroup group) throws BlockException {
        changing.lock();
        try {
            if (closing) {
                throw new BlockException(Errno.EBADF);
            }
            join(group);
        } finally {
            changing.unlock();
        }
    }

    private void join(@Nullable ThrottleGroup group) {
        ThrottleGroup.Member before = throttle;
        throttle = group == null ? null : group.join();
        ownGroup = null;
        if (before != null) {
            before.leave();
        }
    }

    /** Requests that wait for the throttle, or were stopped, fail with EBADF; no others wait from now on. */
    void beginClose() {
        changing.lock();
        try {
            closing = true;
            join(null);
            errors.close();
        } finally {
            changing.unlock();
        }
    }

    /** A request with the caller's memory; those that need none get {@link IoVector#EMPTY}. */
    void perform(Operation operation, long offset, long bytes, IoVector qiov, int qiovOffset, int flags)
            throws BlockException {
        long start = System.nanoTime();
        RequestEvents.Request event = RequestEvents.begin(operation);
        try {
            awaitTurn(operation, offset, bytes);
            BlockException failure = attempt(operation, offset, bytes, qiov, qiovOffset, flags);
            while (failure != null && again(operation, offset, bytes, start, failure)) {
                failure = attempt(operation, offset, bytes, qiov, qiovOffset, flags);
            }
        } catch (BlockException e) {
            end(event, offset, bytes, e.errno().number());
            throw e;
        }
        done(operation, offset, bytes, start, event);
    }

    /** A request for {@code bytes} bytes from the buffer's position on, which stays where it is, by way of pooled memory. */
    void performBounced(Operation operation, long offset, int bytes, ByteBuffer heap) throws BlockException {
        long start = System.nanoTime();
        RequestEvents.Request event = RequestEvents.begin(operation);
        try {
            awaitTurn(operation, offset, bytes);
            BlockException failure = attemptBounced(operation, offset, bytes, heap);
            while (failure != null && again(operation, offset, bytes, start, failure)) {
                failure = attemptBounced(operation, offset, bytes, heap);
            }
        } catch (BlockException e) {
            end(event, offset, bytes, e.errno().number());
            throw e;
        }
        done(operation, offset, bytes, start, event);
    }

    /** What the disk answers; null for success. */
    private @Nullable BlockException attempt(
            Operation operation, long offset, long bytes, IoVector qiov, int qiovOffset, int flags)
            throws BlockException {
        int stripe = gate.enter();
        try {
            return ask(operation, offset, bytes, qiov, qiovOffset, flags);
        } finally {
            gate.exit(stripe);
        }
    }

    /** Takes its memory only behind the gate: memory held before it could be what the owner of a drained section waits for. */
    private @Nullable BlockException attemptBounced(Operation operation, long offset, int bytes, ByteBuffer heap)
            throws BlockException {
        int stripe = gate.enter();
        try (AlignedBuffer bounce = pool.acquire(bytes)) {
            ByteBuffer part = heap.slice(heap.position(), bytes);
            IoVector vector = IoVector.of(bounce);
            if (operation.isWrite()) {
                bounce.nio(0, bytes).put(part);
                return ask(operation, offset, bytes, vector, 0, 0);
            }
            BlockException failure = ask(operation, offset, bytes, vector, 0, 0);
            if (failure == null) {
                part.put(bounce.nio(0, bytes));
            }
            return failure;
        } finally {
            gate.exit(stripe);
        }
    }

    private @Nullable BlockException ask(
            Operation operation, long offset, long bytes, IoVector qiov, int qiovOffset, int flags) {
        try {
            switch (operation) {
                case READ -> root.coReadv(offset, (int) bytes, qiov, qiovOffset, flags);
                case WRITE -> root.coWritev(offset, (int) bytes, qiov, qiovOffset, withCache(flags));
                case WRITE_ZEROES -> root.coWriteZeroes(offset, bytes, withCache(flags));
                case DISCARD -> root.coDiscard(offset, bytes);
                case FLUSH -> root.flushOrLeave();
            }
            return null;
        } catch (BlockException e) {
            return e;
        }
    }

    private int withCache(int flags) {
        return writethrough ? flags | RequestFlags.FUA : flags;
    }

    private void awaitTurn(Operation operation, long offset, long bytes) throws BlockException {
        ThrottleGroup.Member member = throttle;
        if (member == null || !operation.movesData() || isInvalid(operation, offset, bytes)) {
            return;
        }
        while (member != null && !member.admit(operation.isWrite(), bytes)) {
            if (closing) {
                throw new BlockException(Errno.EBADF);
            }
            member = throttle;
        }
    }

    private void done(Operation operation, long offset, long bytes, long start, RequestEvents.@Nullable Request event) {
        accounting.done(operation.kind(), bytes, start);
        end(event, offset, bytes, 0);
    }

    private void end(RequestEvents.@Nullable Request event, long offset, long bytes, int errno) {
        if (event != null) {
            event.end(root.filename(), offset, bytes, errno);
        }
    }

    /** After a failure: whether to make the request once more; throws what the caller is to get. */
    private boolean again(Operation operation, long offset, long bytes, long start, BlockException failure)
            throws BlockException {
        if (isInvalid(operation, offset, bytes)) {
            accounting.invalid(operation.kind());
            throw failure;
        }
        return stands(operation, offset, start, failure);
    }

    private boolean stands(Operation operation, long offset, long start, BlockException failure) throws BlockException {
        try {
            return errors.again(operation, offset, failure);
        } catch (BlockException e) {
            accounting.failed(operation.kind(), start);
            throw e;
        }
    }

    /** Whether the node refuses the request before it begins. */
    private boolean isInvalid(Operation operation, long offset, long bytes) throws BlockException {
        if (operation == Operation.FLUSH) {
            return false;
        }
        return operation.isWrite() && root.readOnly()
                || (offset | bytes) < 0
                || !root.growable() && offset > root.length() - bytes;
    }
}
