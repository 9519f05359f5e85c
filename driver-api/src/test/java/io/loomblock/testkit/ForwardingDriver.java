// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

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
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/** A driver that hands every call to another one: the base of those that watch, hold up or fail requests. */
public class ForwardingDriver implements BlockDriver {
    protected final BlockDriver below;

    /** A driver in front of {@code below}, which it owns. */
    public ForwardingDriver(BlockDriver below) {
        this.below = below;
    }

    @Override
    public String formatName() {
        return below.formatName();
    }

    @Override
    public long length() throws BlockException {
        return below.length();
    }

    @Override
    public Limits limits() {
        return below.limits();
    }

    @Override
    public boolean growable() {
        return below.growable();
    }

    @Override
    public @Nullable Object identity() {
        return below.identity();
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
    public void flushToOs() throws BlockException {
        below.flushToOs();
    }

    @Override
    public void flushToDisk() throws BlockException {
        below.flushToDisk();
    }

    @Override
    public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
        return below.blockStatus(offset, bytes);
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
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        below.truncate(length, exact, preallocation);
    }

    @Override
    public CheckResult check(FixMode fix) throws BlockException {
        return below.check(fix);
    }

    @Override
    public @Nullable BackingReference backingReference() {
        return below.backingReference();
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
    public void inactivate() throws BlockException {
        below.inactivate();
    }

    @Override
    public void prepareInvalidation() throws BlockException {
        below.prepareInvalidation();
    }

    @Override
    public void invalidateCache(boolean activate) throws BlockException {
        below.invalidateCache(activate);
    }

    @Override
    public void reopenPrepare(boolean writable) throws BlockException {
        below.reopenPrepare(writable);
    }

    @Override
    public void reopenCommit() {
        below.reopenCommit();
    }

    @Override
    public void reopenAbort() {
        below.reopenAbort();
    }

    @Override
    public void drainBegin() {
        below.drainBegin();
    }

    @Override
    public void drainEnd() {
        below.drainEnd();
    }

    @Override
    public boolean refusesWrites() {
        return below.refusesWrites();
    }

    @Override
    public boolean hearsEvents() {
        return below.hearsEvents();
    }

    @Override
    public void debugEvent(DebugEvent event) throws BlockException {
        below.debugEvent(event);
    }

    @Override
    public void close() throws BlockException {
        below.close();
    }
}
