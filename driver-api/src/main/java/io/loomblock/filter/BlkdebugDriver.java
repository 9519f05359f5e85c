// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.driver.Breakpoints;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Limits;
import io.loomblock.driver.Node;
import io.loomblock.filter.FaultRule.Suspend;
import io.loomblock.memory.IoVector;

/**
 * The fault injector: fails and holds up requests by its rules, and makes the node below look pickier than it is.
 *
 * <p>A request that fails does not reach the node below. spec: block-layer.md section 8.
 */
final class BlkdebugDriver extends FilterDriver implements Breakpoints {
    private final FaultRules rules;
    private final LimitOverrides overrides;
    private final SuspendedRequests suspended;

    BlkdebugDriver(Node below, FaultRules rules, LimitOverrides overrides) {
        super(below);
        this.rules = rules;
        this.suspended = rules.suspended();
        this.overrides = overrides;
    }

    @Override
    public String formatName() {
        return "blkdebug";
    }

    /** As of any protocol that is not a file. */
    @Override
    public long allocatedFileSize() {
        return -1;
    }

    @Override
    public Limits limits() {
        return overrides.apply(super.limits());
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        failByRule(RequestKind.READ, offset, bytes);
        super.coReadv(offset, bytes, qiov, qiovOffset, flags);
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        failByRule(RequestKind.WRITE, offset, bytes);
        super.coWritev(offset, bytes, qiov, qiovOffset, flags);
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        failByRule(RequestKind.WRITE_ZEROES, offset, bytes);
        super.coWriteZeroes(offset, bytes, flags);
    }

    @Override
    public void coDiscard(long offset, long bytes) throws BlockException {
        failByRule(RequestKind.DISCARD, offset, bytes);
        super.coDiscard(offset, bytes);
    }

    /** The node flushes the one below after this. */
    @Override
    public void flushToDisk() throws BlockException {
        failByRule(RequestKind.FLUSH, 0, 0);
    }

    @Override
    public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
        failByRule(RequestKind.BLOCK_STATUS, offset, bytes);
        return super.blockStatus(offset, bytes);
    }

    private void failByRule(RequestKind kind, long offset, long bytes) throws BlockException {
        Errno errno = rules.fault(kind, offset, bytes);
        if (errno != null) {
            throw new BlockException(errno);
        }
    }

    @Override
    public boolean hearsEvents() {
        return true;
    }

    @Override
    public void debugEvent(DebugEvent event) {
        for (SuspendedRequests.Waiter waiter : rules.reached(event)) {
            waiter.announce();
            suspended.hold(waiter);
        }
    }

    @Override
    public void suspendAt(DebugEvent event, String tag, Runnable whenSuspended) {
        rules.add(new Suspend(event, tag, whenSuspended));
    }

    @Override
    public boolean isSuspended(String tag) {
        return suspended.isSuspended(tag);
    }

    @Override
    public void awaitSuspended(String tag) throws BlockException {
        suspended.awaitSuspended(tag);
    }

    @Override
    public boolean resume(String tag) {
        return suspended.resume(tag);
    }

    @Override
    public boolean remove(String tag) {
        boolean removed = rules.removeSuspends(tag);
        return suspended.resumeAll(tag) || removed;
    }
}
