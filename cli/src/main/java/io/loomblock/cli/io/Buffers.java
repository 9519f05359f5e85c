// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** Memory of requests: filling, comparing and dumping it. */
final class Buffers {
    /** The longest request: 2^31 less a sector. */
    static final long MAX_REQUEST = Integer.MAX_VALUE - 511L;

    /** What a buffer holds before a read. */
    static final byte READ_FILL = (byte) 0xab;
    /** What a write writes unless a pattern is given. */
    static final byte WRITE_FILL = (byte) 0xcd;

    private static final int PIECE = 1 << 30;
    private static final int AT_ONCE = 64 << 10;
    private static final int MISALIGNMENT = 16;
    private static final int DUMP_WIDTH = 16;

    private Buffers() {}

    /**
     * Fresh memory.
     *
     * @param bytes 0 to {@link #MAX_REQUEST}
     * @param misaligned whether it shall start 16 bytes after an aligned address
     */
    static IoVector allocate(long bytes, byte fill, boolean misaligned) throws BlockException {
        int shift = misaligned ? MISALIGNMENT : 0;
        List<IoVector> pieces = new ArrayList<>();
        long left = bytes;
        do {
            int length = (int) Math.min(left, PIECE);
            AlignedBuffer buffer = AlignedBuffer.allocate(length + shift);
            buffer.fill(shift, length, fill);
            pieces.add(IoVector.of(buffer, shift, length));
            left -= length;
        } while (left > 0);
        return pieces.size() == 1 ? pieces.get(0) : IoVector.concat(pieces);
    }

    /** Fresh memory in pieces of these lengths, one directly after the other as far as it goes. */
    static IoVector allocate(List<Long> lengths, byte fill, boolean misaligned) throws BlockException {
        long total = lengths.stream().mapToLong(Long::longValue).sum();
        List<IoVector> pieces = new ArrayList<>();
        if (total > PIECE) {
            for (long length : lengths) {
                pieces.add(allocate(length, fill, misaligned));
            }
        } else {
            IoVector whole = allocate(total, fill, misaligned);
            int at = whole.offset(0);
            for (long length : lengths) {
                pieces.add(IoVector.of(whole.buffer(0), at, (int) length));
                at += (int) length;
            }
        }
        return IoVector.concat(pieces);
    }

    /** Repeats {@code content}, which is not empty, over the whole of {@code vector}. */
    static void fillWith(IoVector vector, byte[] content) throws BlockException {
        int repeats = Math.max(1, AT_ONCE / content.length);
        AlignedBuffer source = AlignedBuffer.allocate(repeats * content.length);
        for (int i = 0; i < repeats; i++) {
            source.put(i * content.length, content, 0, content.length);
        }
        for (long at = 0; at < vector.size(); at += source.capacity()) {
            vector.copyFrom((int) at, source, 0, (int) Math.min(source.capacity(), vector.size() - at));
        }
    }

    /** Whether every byte of {@code [position, position + length)} is {@code expected}. */
    static boolean isFilledWith(IoVector vector, int position, int length, byte expected) throws BlockException {
        vector.checkRange(position, length);
        AlignedBuffer pattern = AlignedBuffer.allocate(AT_ONCE);
        pattern.fill(0, AT_ONCE, expected);
        for (int done = 0; done < length; ) {
            int piece = vector.pieceAt(position + done);
            int inside = position + done - vector.start(piece);
            int n = Math.min(Math.min(length - done, vector.length(piece) - inside), AT_ONCE);
            if (vector.buffer(piece).mismatch(vector.offset(piece) + inside, pattern, 0, n) >= 0) {
                return false;
            }
            done += n;
        }
        return true;
    }

    /** Prints all bytes in hexadecimal and as letters and digits, 16 a line, each with its offset on the disk. */
    static void dump(PrintStream out, IoVector vector, long offset) {
        HexFormat hex = HexFormat.ofDelimiter(" ");
        byte[] line = new byte[DUMP_WIDTH];
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < vector.size(); at += DUMP_WIDTH) {
            int n = Math.min(DUMP_WIDTH, vector.size() - at);
            vector.copyTo(at, ByteBuffer.wrap(line, 0, n));
            text.setLength(0);
            text.append(String.format(Locale.ROOT, "%08x:  ", offset + at))
                    .append(hex.formatHex(line, 0, n))
                    .append("  ");
            for (int i = 0; i < n; i++) {
                text.append(isAlphanumeric(line[i]) ? (char) line[i] : '.');
            }
            out.print(text.append('\n'));
        }
    }

    private static boolean isAlphanumeric(byte b) {
        return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z';
    }
}
