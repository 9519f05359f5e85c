// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.BlockException;
import io.loomblock.PreallocationMode;
import io.loomblock.memory.IoVector;

/**
 * A protocol over a file in memory that writes down every request, so that the states a crash can leave may be enumerated by {@link
 * CrashStates}.
 *
 * <p>A request is written down when it has been done. A flush covers what was written down before it began.
 */
public final class RecordingDriver extends ForwardingDriver {
    private final String name;
    private final RequestLog log;
    private final SparseBytes initial;

    /**
     * A recorder in front of a file.
     *
     * @param name of the file in the log
     * @param log where to write; may be shared with other recorders
     */
    public RecordingDriver(String name, MemoryDriver file, RequestLog log) {
        super(file);
        this.name = name;
        this.log = log;
        this.initial = file.snapshot();
    }

    public String name() {
        return name;
    }

    /** What the file held when recording began. */
    public SparseBytes initial() {
        return initial;
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        super.coReadv(offset, bytes, qiov, qiovOffset, flags);
        log.add(RequestLog.read(name, offset, bytes));
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        byte[] data = MemoryDriver.bytesOf(qiov, qiovOffset, bytes);
        log.addAfter(
                () -> super.coWritev(offset, bytes, qiov, qiovOffset, flags), RequestLog.write(name, offset, data));
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        log.addAfter(() -> super.coWriteZeroes(offset, bytes, flags), RequestLog.zero(name, offset, bytes));
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        log.addAfter(() -> super.truncate(length, exact, preallocation), RequestLog.truncate(name, length));
    }

    @Override
    public void flushToDisk() throws BlockException {
        long covered = log.size();
        super.flushToDisk();
        log.add(RequestLog.flush(name, covered));
    }
}
