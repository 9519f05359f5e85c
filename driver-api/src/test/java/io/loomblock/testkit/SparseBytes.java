// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The bytes of a sparse file in memory; copies share their pages until one of them writes.
 *
 * <p>Offsets and lengths are bytes. What was never written reads as zero. Not thread-safe.
 */
public final class SparseBytes {
    private static final int PAGE = 4096;
    private static final byte[] ZEROS = new byte[PAGE];

    private final Map<Long, Page> pages;
    private Object owner = new Object();
    private long length;

    /** An empty file. */
    public SparseBytes() {
        this(new HashMap<>(), 0);
    }

    private SparseBytes(Map<Long, Page> pages, long length) {
        this.pages = pages;
        this.length = length;
    }

    /** A file with these bytes. */
    public static SparseBytes of(byte[] content) {
        SparseBytes bytes = new SparseBytes();
        bytes.write(0, content, 0, content.length);
        return bytes;
    }

    public long length() {
        return length;
    }

    /** The same file, apart from now on. */
    public SparseBytes copy() {
        owner = new Object();
        return new SparseBytes(new HashMap<>(pages), length);
    }

    /** Reads; past the end are zeros. */
    public void read(long offset, byte[] target, int targetOffset, int count) {
        for (int done = 0; done < count; ) {
            int inside = (int) ((offset + done) % PAGE);
            int n = Math.min(count - done, PAGE - inside);
            Page page = pages.get((offset + done) / PAGE);
            if (page == null) {
                Arrays.fill(target, targetOffset + done, targetOffset + done + n, (byte) 0);
            } else {
                System.arraycopy(page.bytes, inside, target, targetOffset + done, n);
            }
            done += n;
        }
    }

    /** Writes, making the file longer if need be. */
    public void write(long offset, byte[] source, int sourceOffset, int count) {
        for (int done = 0; done < count; ) {
            int inside = (int) ((offset + done) % PAGE);
            int n = Math.min(count - done, PAGE - inside);
            long number = (offset + done) / PAGE;
            int from = sourceOffset + done;
            // Zeros over nothing take no memory: tables of large clusters are written so.
            if (pages.containsKey(number) || !Arrays.equals(source, from, from + n, ZEROS, 0, n)) {
                System.arraycopy(source, from, own(number), inside, n);
            }
            done += n;
        }
        length = Math.max(length, offset + count);
    }

    /** Whether nothing was ever written to the page that holds the byte at {@code offset}. */
    public boolean isHole(long offset) {
        return !pages.containsKey(offset / PAGE);
    }

    /** How many of the {@code count} bytes at {@code offset} lie in a hole, or if the first does not, before one. */
    public long run(long offset, long count) {
        boolean hole = isHole(offset);
        long end = offset;
        do {
            end = (end / PAGE + 1) * PAGE;
        } while (end < offset + count && isHole(end) == hole);
        return Math.min(count, end - offset);
    }

    /** Makes a range zero, making the file longer if need be. */
    public void zero(long offset, long count) {
        for (long done = 0; done < count; ) {
            long number = (offset + done) / PAGE;
            int inside = (int) ((offset + done) % PAGE);
            int n = (int) Math.min(count - done, PAGE - inside);
            if (n == PAGE) {
                pages.remove(number);
            } else if (pages.containsKey(number)) {
                Arrays.fill(own(number), inside, inside + n, (byte) 0);
            }
            done += n;
        }
        length = Math.max(length, offset + count);
    }

    /** Sets the length; what is cut off is gone for good. */
    public void truncate(long newLength) {
        if (newLength < length) {
            long keep = (newLength + PAGE - 1) / PAGE;
            pages.keySet().removeIf(number -> number >= keep);
            int inside = (int) (newLength % PAGE);
            if (inside != 0 && pages.containsKey(newLength / PAGE)) {
                Arrays.fill(own(newLength / PAGE), inside, PAGE, (byte) 0);
            }
        }
        length = newLength;
    }

    /** Bytes of memory in use. */
    public long allocated() {
        return (long) pages.size() * PAGE;
    }

    /** All bytes; for files that fit. */
    public byte[] toByteArray() {
        byte[] all = new byte[Math.toIntExact(length)];
        read(0, all, 0, all.length);
        return all;
    }

    private byte[] own(long number) {
        Page page = pages.get(number);
        if (page == null) {
            page = new Page(new byte[PAGE], owner);
            pages.put(number, page);
        } else if (page.owner != owner) {
            page = new Page(page.bytes.clone(), owner);
            pages.put(number, page);
        }
        return page.bytes;
    }

    private record Page(byte[] bytes, Object owner) {}
}
