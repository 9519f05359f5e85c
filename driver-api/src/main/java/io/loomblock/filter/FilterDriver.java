// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CheckResult;
import io.loomblock.DriverInfo;
import io.loomblock.FixMode;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Limits;
import io.loomblock.driver.Node;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/**
 * A driver that is what the node below it is: every call goes there, and a filter overrides those that it is about.
 *
 * <p>Flush, drain, reopen, invalidation and close are not passed on here: {@link Node} does these for children itself.
 */
abstract class FilterDriver implements BlockDriver {
    private final Node below;

    /** A filter on {@code below}, which is a child of the filter's node. */
    FilterDriver(Node below) {
        this.below = below;
    }

    @Override
    public final Node filtered() {
        return below;
    }

    @Override
    public long length() throws BlockException {
        return below.length();
    }

    /** Those of the node below, which fits requests to its driver itself. */
    @Override
    public Limits limits() {
        return below.limits().withAlignment(1, 1);
    }

    @Override
    public boolean growable() {
        return below.growable();
    }

    @Override
    public @Nullable Object identity() {
        return below.driver().identity();
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        below.coReadv(offset, bytes, qiov, qiovOffset, flags);
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        below.coWritev(offset, bytes, qiov, qiovOffset, flags);
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        below.coWriteZeroes(offset, bytes, flags);
    }

    @Override
    public void coDiscard(long offset, long bytes) throws BlockException {
        below.coDiscard(offset, bytes);
    }

    @Override
    public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
        return BlockStatus.at(BlockStatus.RAW, bytes, offset);
    }

    @Override
    public boolean hasZeroInit() {
        return below.hasZeroInit();
    }

    @Override
    public long allocatedFileSize() throws BlockException {
        return below.allocatedFileSize();
    }

    @Override
    public DriverInfo info() throws BlockException {
        return below.info();
    }

    @Override
    public long clusterSize() throws BlockException {
        return below.clusterSize();
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        below.truncate(length, exact, preallocation);
    }

    @Override
    public CheckResult check(FixMode fix) throws BlockException {
        return below.check(fix);
    }

    @Override
    public @Nullable BackingReference backingReference() {
        return below.driver().backingReference();
    }

    @Override
    public void changeBackingFile(@Nullable String name, @Nullable String format) throws BlockException {
        below.changeBackingFile(name, format);
    }

    @Override
    public void makeEmpty() throws BlockException {
        below.makeEmpty();
    }

    @Override
    public void debugEvent(DebugEvent event) throws BlockException {
        below.debugEvent(event);
    }

    @Override
    public void close() throws BlockException {}
}
