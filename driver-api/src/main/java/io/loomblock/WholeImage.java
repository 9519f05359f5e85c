// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.BlockAction;
import io.loomblock.driver.Node;
import io.loomblock.driver.RequestGate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Changes of an image as a whole: one at a time, while no request runs, and not while somebody else has claimed the device.
 *
 * <p>Whoever hears of a new size hears of it when all of that is over. Thread-safe. spec: block-layer.md section 5, "Drain", "in_use".
 */
final class WholeImage {
    private final Node root;
    private final RequestGate gate;
    private final Listeners<ResizeListener> resized = new Listeners<>();
    /** Held while the image is changed, and by close: the gate alone lets drained sections overlap. */
    private final ReentrantLock lock = new ReentrantLock();

    private @Nullable Claim claim;

    WholeImage(Node root, RequestGate gate) {
        this.root = root;
        this.gate = gate;
    }

    Listeners<ResizeListener> resized() {
        return resized;
    }

    BlockDevice.Drained drain() throws BlockException {
        if (gate.isClosed()) {
            throw new BlockException(Errno.EBADF);
        }
        gate.shut();
        root.drainBegin();
        return () -> {
            root.drainEnd();
            gate.open();
        };
    }

    /** Changes the image in a drained section; EBUSY if another than {@code by} has claimed it. */
    void change(@Nullable Claim by, BlockAction work) throws BlockException {
        alone(() -> {
            requireClaim(by);
            work.run();
        });
    }

    /** Checks the image in a drained section; to repair it counts as a change. */
    CheckResult check(@Nullable Claim by, FixMode fix) throws BlockException {
        List<CheckResult> result = new ArrayList<>(1);
        alone(() -> {
            if (fix != FixMode.NONE) {
                requireClaim(by);
            }
            result.add(root.check(fix));
        });
        return result.get(0);
    }

    /** Does what others may do although the device is claimed, in a drained section. */
    void alone(BlockAction work) throws BlockException {
        withNewsOfItsLength(() -> {
            try (BlockDevice.Drained section = drain()) {
                work.run();
            }
        });
    }

    /** Reads the image anew; not in a drained section: to begin one, drivers write back what is to be forgotten. */
    void invalidate(boolean activate) throws BlockException {
        withNewsOfItsLength(() -> {
            gate.shut();
            try {
                root.invalidateCache(activate);
            } finally {
                gate.open();
            }
        });
    }

    /** Runs {@code work} alone, and tells of the length it leaves if that is another one. */
    private void withNewsOfItsLength(BlockAction work) throws BlockException {
        long before;
        long after;
        lock.lock();
        try {
            requireOpen();
            before = root.length();
            work.run();
            after = root.length();
        } finally {
            lock.unlock();
        }
        if (before != after) {
            resized.forEach(listener -> listener.resized(after));
        }
    }

    /** Looks at the image while nobody changes it. */
    ImageInfo info() throws BlockException {
        lock.lock();
        try {
            requireOpen();
            return ImageInfo.of(root);
        } finally {
            lock.unlock();
        }
    }

    Claim claim(String user) throws BlockException {
        lock.lock();
        try {
            requireOpen();
            requireClaim(null);
            Claim made = new Claim(user, root, this);
            claim = made;
            return made;
        } finally {
            lock.unlock();
        }
    }

    /** Gives a claim back; one that was given back before is none any more. */
    void release(Claim given) {
        lock.lock();
        try {
            if (claim == given) {
                claim = null;
            }
        } finally {
            lock.unlock();
        }
    }

    private void requireClaim(@Nullable Claim by) throws BlockException {
        Claim holder = claim;
        if (holder != by) {
            throw holder == null
                    ? new BlockException(Errno.EBUSY, "the claim was given back")
                    : new BlockException(Errno.EBUSY, "block device is in use by " + holder.user());
        }
    }

    private void requireOpen() throws BlockException {
        if (gate.isClosed()) {
            throw new BlockException(Errno.EBADF);
        }
    }

    /** Closes the graph, after what changes it now. The gate is closed already. */
    void close() throws BlockException {
        lock.lock();
        try {
            root.drainBegin();
            root.close();
        } finally {
            lock.unlock();
        }
    }
}
