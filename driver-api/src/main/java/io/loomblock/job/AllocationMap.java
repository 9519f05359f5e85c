// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.LayeredStatus;
import io.loomblock.driver.Node;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Walks the allocation of an image through its backing chain and joins neighbours that are alike. spec: block-layer.md section 9, "map". */
public final class AllocationMap {
    /** Ranges are asked for in steps of at most this many bytes. */
    private static final long MAX_STEP = 1L << 30;

    private AllocationMap() {}

    /**
     * A range of the guest's disk that lies in one piece.
     *
     * @param start where it begins on the guest's disk
     * @param length in bytes
     * @param depth 0 for the top image, 1 for its backing file, …
     * @param present whether an image of the chain decides what it reads as
     * @param zero whether it reads as zeros
     * @param data whether it has data that lies somewhere
     * @param offset where it begins in {@code file}, or -1 if there is no such place
     * @param file the name of the file that holds it, or null if there is none
     */
    public record Extent(
            long start,
            long length,
            int depth,
            boolean present,
            boolean zero,
            boolean data,
            long offset,
            @Nullable String file) {

        private boolean continues(Extent before) {
            return depth == before.depth
                    && present == before.present
                    && zero == before.zero
                    && data == before.data
                    && (offset < 0 ? before.offset < 0 : before.offset >= 0 && offset == before.offset + before.length)
                    && Objects.equals(file, before.file);
        }

        private Extent longerBy(long more) {
            return new Extent(start, length + more, depth, present, zero, data, offset, file);
        }
    }

    /**
     * Takes the extents in order.
     *
     * @param <E> what it may fail with
     */
    @FunctionalInterface
    public interface Visitor<E extends Exception> {
        void extent(Extent extent) throws E;
    }

    /**
     * Walks {@code [start, end)}, cut at the end of the image.
     *
     * @throws BlockException where the status of a range cannot be had
     * @throws E what the visitor fails with
     */
    public static <E extends Exception> void walk(BlockDevice device, long start, long end, Visitor<E> visitor)
            throws BlockException, E {
        long stop = Math.min(end, device.length());
        Extent current = null;
        for (long at = start; at < stop; ) {
            Extent next = at(device, at, Math.min(stop - at, MAX_STEP));
            at += next.length();
            if (current == null) {
                current = next;
            } else if (next.continues(current)) {
                current = current.longerBy(next.length());
            } else {
                visitor.extent(current);
                current = next;
            }
        }
        if (current != null) {
            visitor.extent(current);
        }
    }

    private static Extent at(BlockDevice device, long start, long bytes) throws BlockException {
        LayeredStatus found = device.layeredStatus(start, bytes);
        BlockStatus status = found.status();
        boolean hasOffset = status.hasHostOffset();
        Node data = found.layer().child(Node.DATA);
        Node file = data == null ? found.layer().child(Node.FILE) : data;
        return new Extent(
                start,
                status.length(),
                found.depth(),
                status.isAllocated() || status.isData(),
                status.isZero(),
                status.isData(),
                hasOffset ? status.hostOffset() : -1,
                hasOffset ? (file == null ? found.layer() : file).filename() : null);
    }
}
