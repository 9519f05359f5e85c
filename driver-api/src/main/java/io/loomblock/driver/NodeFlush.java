// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * The durability of one node: what a flush does and in which order, and that a failure of its own storage is for good.
 *
 * <p>Once the system has failed to make writes durable, nobody knows which of them are; so later flushes fail alike and writes are
 * refused, while reads go on. Thread-safe. spec: block-layer.md section 5.
 */
final class NodeFlush {
    private final BlockDriver driver;
    private final @Nullable Node file;
    private final Collection<Node> children;
    private final boolean stopsBeforeDisk;
    private final FlushGroup group = new FlushGroup();

    /** Set by the first flush of the driver's own storage that failed. */
    private volatile @Nullable BlockException failure;

    /** {@code children} in the order to flush them; {@code file}, one of them, hears of the steps. */
    NodeFlush(BlockDriver driver, @Nullable Node file, Collection<Node> children, boolean stopsBeforeDisk) {
        this.driver = driver;
        this.file = file;
        this.children = children;
        this.stopsBeforeDisk = stopsBeforeDisk;
    }

    /** Something was, or may have been, written; the next flush has work to do. */
    void written() {
        group.written();
    }

    /** The failure that made this node refuse writes, or null. */
    @Nullable
    BlockException failure() {
        return failure;
    }

    /** Whether this node, or one below it, refuses writes. */
    boolean refusesWrites() {
        return failure != null || driver.refusesWrites() || children.stream().anyMatch(Node::refusesWrites);
    }

    /** Throws if an earlier flush failed, with its errno. */
    void checkNoFailure() throws BlockException {
        BlockException first = failure;
        if (first != null) {
            throw new BlockException(first.errno(), "An earlier flush failed: " + first.reason(), first);
        }
    }

    /** Makes every write that has returned durable, sharing the work with others who ask for it now. */
    void flush() throws BlockException {
        checkNoFailure();
        group.flush(this::flushAll);
    }

    private void flushAll() throws BlockException {
        announce(DebugEvent.FLUSH_TO_OS);
        driver.flushToOs();
        if (stopsBeforeDisk) {
            return;
        }
        announce(DebugEvent.FLUSH_TO_DISK);
        try {
            driver.flushToDisk();
        } catch (BlockException e) {
            failure = e;
            throw e;
        }
        for (Node child : children) {
            child.flush();
        }
    }

    private void announce(DebugEvent event) throws BlockException {
        if (file != null) {
            file.debugEvent(event);
        }
    }
}
