// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.BlockDriver;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.RequestLog.Kind;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A driver that makes chosen requests fail. One fault at a time; thread-safe. */
public final class FaultDriver extends InterceptingDriver {
    private static final int SECTOR = 512;

    /** What a failing write has done all the same. */
    public enum Effect {
        /** Nothing. */
        NONE,
        /** About its first half, up to the end of a sector. */
        HALF,
        /** Everything. */
        ALL
    }

    /**
     * A fault.
     *
     * @param which the requests that count
     * @param number which of them fails, counting from 0
     * @param errno how
     * @param once whether the ones after it succeed again
     * @param effect what the failing request has done all the same
     */
    public record Fault(Predicate<Request> which, int number, Errno errno, boolean once, Effect effect) {
        /** The first one fails with EIO, once, without effect. */
        public static Fault once(Predicate<Request> which) {
            return new Fault(which, 0, Errno.EIO, true, Effect.NONE);
        }

        /** All fail with EIO, without effect. */
        public static Fault always(Predicate<Request> which) {
            return new Fault(which, 0, Errno.EIO, false, Effect.NONE);
        }

        public Fault at(int newNumber) {
            return new Fault(which, newNumber, errno, once, effect);
        }

        public Fault with(Errno newErrno) {
            return new Fault(which, number, newErrno, once, effect);
        }

        public Fault with(Effect newEffect) {
            return new Fault(which, number, errno, once, newEffect);
        }
    }

    private record Armed(Fault fault, AtomicInteger seen) {}

    private volatile @Nullable Armed armed;
    private final AtomicInteger failed = new AtomicInteger();

    public FaultDriver(BlockDriver below) {
        super(below);
    }

    /** From now on this fault happens; counting begins anew. */
    public void arm(Fault fault) {
        armed = new Armed(fault, new AtomicInteger());
    }

    /** Nothing fails any more. */
    public void disarm() {
        armed = null;
    }

    /** How many requests have failed so far. */
    public int failures() {
        return failed.get();
    }

    private @Nullable Fault hits(Request request) {
        Armed now = armed;
        if (now == null || !now.fault.which.test(request)) {
            return null;
        }
        int n = now.seen.getAndIncrement();
        boolean hit = now.fault.once ? n == now.fault.number : n >= now.fault.number;
        if (hit) {
            failed.incrementAndGet();
        }
        return hit ? now.fault : null;
    }

    @Override
    void before(Request request) throws BlockException {
        if (request.kind() == Kind.WRITE) {
            return;
        }
        Fault fault = hits(request);
        if (fault != null) {
            throw new BlockException(fault.errno);
        }
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        Fault fault = hits(new Request(Kind.WRITE, offset, bytes));
        if (fault == null) {
            super.coWritev(offset, bytes, qiov, qiovOffset, flags);
            return;
        }
        int done =
                switch (fault.effect) {
                    case NONE -> 0;
                    case HALF -> (int) Math.max(0, (offset + bytes / 2) / SECTOR * SECTOR - offset);
                    case ALL -> bytes;
                };
        if (done > 0) {
            below.coWritev(offset, done, qiov, qiovOffset, flags);
        }
        throw new BlockException(fault.errno);
    }
}
