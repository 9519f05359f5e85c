// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.memory.IoVector;

/** Sets the length of a file and takes the space for it: nothing, reserved, or written with zeros. */
final class Preallocation {
    private final FileIo io;
    private final IoVector zeros;

    Preallocation(FileIo io, IoVector zeros) {
        this.io = io;
        this.zeros = zeros;
    }

    /** Files have no metadata of their own to take space for (ENOTSUP). */
    static void requireSupported(PreallocationMode mode) throws BlockException {
        if (mode == PreallocationMode.METADATA) {
            throw new BlockException(Errno.ENOTSUP, "Unsupported preallocation mode: metadata");
        }
    }

    /** Goes from {@code current} to {@code length} bytes; where that fails, the length is {@code current} again. */
    void resize(long current, long length, PreallocationMode mode) throws BlockException {
        requireSupported(mode);
        if (length < current && mode != PreallocationMode.OFF) {
            throw new BlockException(Errno.ENOTSUP, "Preallocation can't be used for shrinking files");
        }
        try {
            if (length > current) {
                io.extend(length);
            } else {
                io.truncate(length);
            }
        } catch (BlockException e) {
            throw new BlockException(
                    e.errno(), "Failed to resize file: " + e.errno().text(), e);
        }
        if (length == current || mode == PreallocationMode.OFF) {
            return;
        }
        try {
            fill(current, length, mode);
        } catch (BlockException e) {
            takeBack(current, e);
            throw e;
        }
    }

    private void fill(long from, long to, PreallocationMode mode) throws BlockException {
        if (mode == PreallocationMode.FALLOC) {
            try {
                io.allocate(from, to - from);
                return;
            } catch (BlockException e) {
                if (e.errno() != Errno.ENOTSUP) {
                    throw new BlockException(
                            e.errno(),
                            "Could not preallocate data for the new file: "
                                    + e.errno().text(),
                            e);
                }
            }
        }
        try {
            writeZeros(from, to);
            io.sync();
        } catch (BlockException e) {
            throw new BlockException(
                    e.errno(),
                    "Could not write zeros for preallocation: " + e.errno().text(),
                    e);
        }
    }

    /** With O_DIRECT the blocks at both ends that lie in the range only in part are left to the file system. */
    private void writeZeros(long from, long to) throws BlockException {
        long mask = -(long) io.requestAlignment();
        long end = to & mask;
        for (long at = (from + ~mask) & mask; at < end; ) {
            int n = (int) Math.min(zeros.size(), end - at);
            io.writev(at, n, zeros, 0);
            at += n;
        }
    }

    private void takeBack(long length, BlockException failure) {
        try {
            io.truncate(length);
        } catch (BlockException e) {
            failure.addSuppressed(e);
        }
    }
}
