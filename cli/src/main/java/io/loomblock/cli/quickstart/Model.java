// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockException;
import io.loomblock.driver.RangeLocks;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a disk must read as: the contents that it had, and over that, in windows that are written to, a byte for a byte.
 *
 * <p>Whoever reads or changes a range of a window holds it meanwhile, so that of overlapping requests it is known which came last.
 * Requests that share a cluster but no byte run at once.
 */
final class Model {
    /**
     * A part of the disk that is written to.
     *
     * @param offset where it begins on the disk
     * @param bytes what it must read as
     */
    record Window(long offset, byte[] bytes) {
        long end() {
            return offset + bytes.length;
        }
    }

    private static final int ALIGNMENT = 4096;

    private final long length;
    private final Contents before;
    private final List<Window> windows;
    private final RangeLocks locks = new RangeLocks();

    private Model(long length, Contents before, List<Window> windows) {
        this.length = length;
        this.before = before;
        this.windows = List.copyOf(windows);
    }

    /**
     * The model of a disk that reads as {@code before}.
     *
     * @param length of the disk in bytes
     * @param count how many windows there shall be, spread evenly, the first at the start and the last at the end of the disk
     * @param size of a window in bytes; a disk that is not longer than all of them has one window
     */
    static Model of(long length, Contents before, int count, int size) throws BlockException {
        List<Window> windows = new ArrayList<>();
        if (length <= (long) count * size) {
            windows.add(window(before, 0, (int) length));
        } else {
            double step = (double) (length - size) / (count - 1);
            for (int i = 0; i < count - 1; i++) {
                windows.add(window(before, (long) (i * step) / ALIGNMENT * ALIGNMENT, size));
            }
            windows.add(window(before, length - size, size));
        }
        return new Model(length, before, windows);
    }

    private static Window window(Contents before, long offset, int size) throws BlockException {
        byte[] bytes = new byte[size];
        before.read(offset, ByteBuffer.wrap(bytes));
        return new Window(offset, bytes);
    }

    long length() {
        return length;
    }

    List<Window> windows() {
        return windows;
    }

    /** Keeps others away from a range, after those that asked before; close the result to let them in. */
    RangeLocks.Range hold(long offset, int bytes) throws BlockException {
        return locks.acquire(offset, offset + bytes);
    }

    /** How many bytes from {@code offset} on belong together: all in one window, or all outside of every one. */
    long uniform(long offset) {
        for (Window window : windows) {
            if (offset < window.end()) {
                return (offset < window.offset() ? window.offset() : window.end()) - offset;
            }
        }
        return length - offset;
    }

    /** How many bytes from {@code offset} on are known to be zero without looking at them. */
    long zeros(long offset, long limit) throws BlockException {
        return windowAt(offset) == null ? before.zeros(offset, Math.min(limit, uniform(offset))) : 0;
    }

    /**
     * What a range must read as.
     *
     * @param bytes at most {@link #uniform}
     */
    ByteBuffer expected(long offset, int bytes) throws BlockException {
        Window window = windowAt(offset);
        if (window != null) {
            return ByteBuffer.wrap(window.bytes(), (int) (offset - window.offset()), bytes);
        }
        ByteBuffer read = ByteBuffer.allocate(bytes);
        before.read(offset, read);
        return read.flip();
    }

    /** Whether this byte may have been written to. */
    boolean isWritten(long offset) {
        return windowAt(offset) != null;
    }

    private @Nullable Window windowAt(long offset) {
        for (Window window : windows) {
            if (offset >= window.offset() && offset < window.end()) {
                return window;
            }
        }
        return null;
    }
}
