// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.BlockException;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.RequestLog.Kind;

/** A driver that looks at each request before, and after, it passes it on. */
abstract class InterceptingDriver extends ForwardingDriver {
    InterceptingDriver(BlockDriver below) {
        super(below);
    }

    /** A request is about to be passed on; throwing keeps it from that. */
    abstract void before(Request request) throws BlockException;

    /** A request was passed on and succeeded; throwing makes it fail nevertheless. */
    void after(Request request) throws BlockException {}

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        Request request = new Request(Kind.READ, offset, bytes);
        before(request);
        super.coReadv(offset, bytes, qiov, qiovOffset, flags);
        after(request);
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        Request request = new Request(Kind.WRITE, offset, bytes);
        before(request);
        super.coWritev(offset, bytes, qiov, qiovOffset, flags);
        after(request);
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        Request request = new Request(Kind.ZERO, offset, bytes);
        before(request);
        super.coWriteZeroes(offset, bytes, flags);
        after(request);
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        Request request = new Request(Kind.TRUNCATE, length, 0);
        before(request);
        super.truncate(length, exact, preallocation);
        after(request);
    }

    @Override
    public void flushToDisk() throws BlockException {
        Request request = new Request(Kind.FLUSH, 0, 0);
        before(request);
        super.flushToDisk();
        after(request);
    }
}
