// SPDX-License-Identifier: Apache-2.0
package io.loomblock.memory;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;

/**
 * An immutable list of pieces of memory that a request reads into or writes from, in order (QEMU's qiov).
 *
 * <p>A driver passes on a part of a request as (vector, offset in the vector, length), so that slicing allocates nothing and the
 * child sees the caller's own memory. Positions and lengths are bytes, 0 to 2^31-1. Immutable, so free to share; the memory behind
 * it is the caller's.
 */
public final class IoVector {
    /** No memory at all. */
    public static final IoVector EMPTY = new IoVector(new AlignedBuffer[0], new int[0], new int[0]);

    private final AlignedBuffer[] buffers;
    private final int[] offsets;
    /** Where each piece starts in the vector, and after the last one the size. */
    private final int[] starts;

    private IoVector(AlignedBuffer[] buffers, int[] offsets, int[] lengths) {
        this.buffers = buffers;
        this.offsets = offsets;
        this.starts = new int[buffers.length + 1];
        for (int i = 0; i < buffers.length; i++) {
            Objects.checkFromIndexSize(offsets[i], lengths[i], buffers[i].capacity());
            starts[i + 1] = Math.addExact(starts[i], lengths[i]);
        }
    }

    /** One piece: the whole buffer. */
    public static IoVector of(AlignedBuffer buffer) {
        return of(buffer, 0, buffer.capacity());
    }

    /** One piece: {@code length} bytes of the buffer from {@code offset} on. */
    public static IoVector of(AlignedBuffer buffer, int offset, int length) {
        return new IoVector(new AlignedBuffer[] {buffer}, new int[] {offset}, new int[] {length});
    }

    /** All pieces of {@code vectors}, in order. */
    public static IoVector concat(List<IoVector> vectors) {
        int count = vectors.stream().mapToInt(IoVector::pieces).sum();
        AlignedBuffer[] buffers = new AlignedBuffer[count];
        int[] offsets = new int[count];
        int[] lengths = new int[count];
        int i = 0;
        for (IoVector vector : vectors) {
            for (int piece = 0; piece < vector.pieces(); piece++, i++) {
                buffers[i] = vector.buffers[piece];
                offsets[i] = vector.offsets[piece];
                lengths[i] = vector.length(piece);
            }
        }
        return new IoVector(buffers, offsets, lengths);
    }

    /** Total length in bytes. */
    public int size() {
        return starts[buffers.length];
    }

    /** How many pieces there are. */
    public int pieces() {
        return buffers.length;
    }

    /** The memory of a piece. */
    public AlignedBuffer buffer(int piece) {
        return buffers[piece];
    }

    /** Where a piece starts in its buffer. */
    public int offset(int piece) {
        return offsets[piece];
    }

    /** The length of a piece. */
    public int length(int piece) {
        return starts[piece + 1] - starts[piece];
    }

    /** Where a piece starts in this vector. */
    public int start(int piece) {
        return starts[piece];
    }

    /** The piece that holds the byte at {@code position}, which is below {@link #size()}. */
    public int pieceAt(int position) {
        Objects.checkIndex(position, size());
        int piece = 0;
        while (starts[piece + 1] <= position) {
            piece++;
        }
        return piece;
    }

    /** Throws {@link IndexOutOfBoundsException} unless {@code [position, position + length)} is inside this vector. */
    public void checkRange(int position, int length) {
        Objects.checkFromIndexSize(position, length, size());
    }

    /** Sets {@code length} bytes from {@code position} on to {@code value}. */
    public void fill(int position, int length, byte value) {
        checkRange(position, length);
        for (int done = 0; done < length; ) {
            int piece = pieceAt(position + done);
            int inside = position + done - starts[piece];
            int n = Math.min(length - done, length(piece) - inside);
            buffers[piece].fill(offsets[piece] + inside, n, value);
            done += n;
        }
    }

    /** Whether {@code length} bytes from {@code position} on are all zero. */
    public boolean isZero(int position, int length) {
        checkRange(position, length);
        for (int done = 0; done < length; ) {
            int piece = pieceAt(position + done);
            int inside = position + done - starts[piece];
            int n = Math.min(length - done, length(piece) - inside);
            if (!buffers[piece].isZero(offsets[piece] + inside, n)) {
                return false;
            }
            done += n;
        }
        return true;
    }

    /** Copies {@code length} bytes from {@code position} on to {@code target}. */
    public void copyTo(int position, AlignedBuffer target, int targetOffset, int length) {
        checkRange(position, length);
        for (int done = 0; done < length; ) {
            int piece = pieceAt(position + done);
            int inside = position + done - starts[piece];
            int n = Math.min(length - done, length(piece) - inside);
            buffers[piece].copyTo(offsets[piece] + inside, target, targetOffset + done, n);
            done += n;
        }
    }

    /** Copies {@code length} bytes of {@code source} to {@code position}. */
    public void copyFrom(int position, AlignedBuffer source, int sourceOffset, int length) {
        checkRange(position, length);
        for (int done = 0; done < length; ) {
            int piece = pieceAt(position + done);
            int inside = position + done - starts[piece];
            int n = Math.min(length - done, length(piece) - inside);
            source.copyTo(sourceOffset + done, buffers[piece], offsets[piece] + inside, n);
            done += n;
        }
    }

    /** Copies all of {@code target}'s remaining bytes out of this vector, from {@code position} on. */
    public void copyTo(int position, ByteBuffer target) {
        checkRange(position, target.remaining());
        while (target.hasRemaining()) {
            int piece = pieceAt(position);
            int inside = position - starts[piece];
            int n = Math.min(target.remaining(), length(piece) - inside);
            target.put(buffers[piece].nio(offsets[piece] + inside, n));
            position += n;
        }
    }

    /** Copies all of {@code source}'s remaining bytes into this vector, from {@code position} on. */
    public void copyFrom(int position, ByteBuffer source) {
        checkRange(position, source.remaining());
        while (source.hasRemaining()) {
            int piece = pieceAt(position);
            int inside = position - starts[piece];
            int n = Math.min(source.remaining(), length(piece) - inside);
            ByteBuffer part = source.slice(source.position(), n);
            buffers[piece].nio(offsets[piece] + inside, n).put(part);
            source.position(source.position() + n);
            position += n;
        }
    }

    /** Whether every piece of {@code [position, position + length)} starts at a multiple of {@code alignment} and is a multiple long. */
    public boolean isAligned(int position, int length, int alignment) {
        checkRange(position, length);
        long mask = alignment - 1L;
        for (int done = 0; done < length; ) {
            int piece = pieceAt(position + done);
            int inside = position + done - starts[piece];
            int n = Math.min(length - done, length(piece) - inside);
            if (((buffers[piece].address(offsets[piece] + inside, n) | n) & mask) != 0) {
                return false;
            }
            done += n;
        }
        return true;
    }
}
