// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What a disk may hold: the history of all writes to it, with when each began and ended, against which its bytes are judged.
 *
 * <p>Each sector must hold what one write put there that no other write has certainly replaced. A write is replaced by one that
 * covers the same bytes, began after it had ended, and has succeeded; after a crash, one that was flushed besides. So writes that
 * overlap in time may come out in any order, those that do not may not, and a write that failed may have happened or not. Times are
 * ticks of the model's own counter. Thread-safe.
 */
public final class DiskModel {
    private static final int SECTOR = 512;
    private static final int CHUNK = 64 << 10;
    private static final long NEVER = Long.MAX_VALUE;
    private static final byte[] ZEROS = new byte[4096];

    /** Reads a range of a disk. */
    @FunctionalInterface
    public interface Reader {
        void read(long offset, byte[] target, int count) throws Exception;
    }

    /** What the disk held before the first write: some bytes, and zeros after them. */
    public static final class Content {
        /** Nothing but zeros. */
        public static final Content ZEROS = new Content(new byte[0]);

        private final byte[] bytes;

        private Content(byte[] bytes) {
            this.bytes = bytes;
        }

        /** These bytes, and zeros after them. */
        public static Content of(byte[] bytes) {
            return new Content(bytes);
        }

        private byte at(long offset) {
            return offset < bytes.length ? bytes[(int) offset] : 0;
        }

        private int mismatch(long offset, byte[] data, int dataOffset, int count) {
            int inside = (int) Math.max(0, Math.min(count, bytes.length - offset));
            if (inside > 0) {
                int at = (int) offset;
                int found = Arrays.mismatch(bytes, at, at + inside, data, dataOffset, dataOffset + inside);
                if (found >= 0) {
                    return found;
                }
            }
            int found = zeroMismatch(data, dataOffset + inside, count - inside);
            return found < 0 ? found : inside + found;
        }
    }

    /** A write that was begun; its outcome is told to {@link #ended} or {@link #failed}. */
    public static final class Write {
        private final long id;
        private final long start;
        private final long end;
        /** Bytes that are not its own; null for a pattern. */
        private final @Nullable Content fixed;

        private final long began;
        private volatile long ended = NEVER;
        /** Its own bytes, made when first needed. */
        private byte @Nullable [] content;

        private Write(long id, long start, long end, @Nullable Content fixed, long began) {
            this.id = id;
            this.start = start;
            this.end = end;
            this.fixed = fixed;
            this.began = began;
        }

        /** The number that {@link Pattern} makes its bytes of. */
        public long id() {
            return id;
        }

        /** Where bytes of the disk first differ from those of this write; -1 if nowhere. */
        private int mismatch(long offset, byte[] data, int dataOffset, int count) {
            if (fixed != null) {
                return fixed.mismatch(offset, data, dataOffset, count);
            }
            byte[] mine = content();
            int at = (int) (offset - start);
            return Arrays.mismatch(mine, at, at + count, data, dataOffset, dataOffset + count);
        }

        private byte at(long offset) {
            return fixed != null ? fixed.at(offset) : content()[(int) (offset - start)];
        }

        private byte[] content() {
            byte[] made = content;
            if (made == null) {
                made = Pattern.bytes(id, start, (int) (end - start));
                content = made;
            }
            return made;
        }

        private boolean covers(long offset) {
            return start <= offset && offset < end;
        }

        @Override
        public String toString() {
            return (fixed == null ? "write" : fixed == Content.ZEROS ? "zeros" : "restoration") + " #" + id + " "
                    + (end - start) + "@" + start + " [" + began + "," + (ended == NEVER ? "?" : Long.toString(ended))
                    + "]";
        }
    }

    private final long size;
    private final Content initial;
    private final AtomicLong clock = new AtomicLong();
    private final AtomicLong ids;
    private final ReentrantLock lock = new ReentrantLock();
    private final List<Write> writes = new ArrayList<>();

    /**
     * A disk that nobody has written to.
     *
     * @param firstId where the numbers of writes begin, so that two models make different bytes
     */
    public DiskModel(long size, Content initial, long firstId) {
        this.size = size;
        this.initial = initial;
        this.ids = new AtomicLong(firstId);
    }

    public long size() {
        return size;
    }

    /** The next tick. */
    public long tick() {
        return clock.incrementAndGet();
    }

    /** A write is about to be made. */
    public Write begin(long offset, long length, boolean zeros) {
        return begin(offset, length, zeros ? Content.ZEROS : null);
    }

    /** What the disk held before the first write is about to be put back. */
    public Write beginRestoring(long offset, long length) {
        return begin(offset, length, initial);
    }

    private Write begin(long offset, long length, @Nullable Content fixed) {
        lock.lock();
        try {
            Write write = new Write(ids.getAndIncrement(), offset, offset + length, fixed, tick());
            writes.add(write);
            return write;
        } finally {
            lock.unlock();
        }
    }

    /** It has succeeded. */
    public void ended(Write write) {
        write.ended = tick();
    }

    /** It has failed, and so may have happened or not. */
    public void failed(Write write) {
        write.ended = NEVER;
    }

    /**
     * Judges the whole disk, nothing being in flight. Writes that overlapped in time may be mixed down to single bytes: files may take
     * the pieces of a vector one by one.
     *
     * @throws AssertionError with the first byte that is wrong
     */
    public void verify(Reader disk) throws Exception {
        verify(disk, 0, size, new Moment(NEVER, NEVER, false));
    }

    /**
     * Judges the whole disk after a crash.
     *
     * @param crashed when: a write that began later does not count
     * @param flushed when the last flush that succeeded before the crash had begun: a write that had ended then is durable
     */
    public void verify(Reader disk, long crashed, long flushed) throws Exception {
        verify(disk, 0, size, crashed, flushed);
    }

    /** Judges the bytes {@code [start, end)} of it. */
    public void verify(Reader disk, long start, long end, long crashed, long flushed) throws Exception {
        verify(disk, start, end, new Moment(crashed, flushed, true));
    }

    private void verify(Reader disk, long start, long end, Moment moment) throws Exception {
        byte[] chunk = new byte[CHUNK];
        for (long offset = start; offset < end; offset += CHUNK) {
            int n = (int) Math.min(CHUNK, end - offset);
            disk.read(offset, chunk, n);
            judge(offset, chunk, n, moment);
        }
    }

    /**
     * Judges what a read gave that went on while others wrote; it may be a mixture down to single bytes.
     *
     * @param began tick before the read
     * @param ended tick after it
     */
    public void verifyRead(long offset, byte[] data, int count, long began, long ended) {
        judge(offset, data, count, new Moment(ended, began, false));
    }

    /**
     * When and how to judge.
     *
     * @param last writes that began later do not count
     * @param settled writes that had ended by then replace older ones
     * @param wholeSectors whether a sector holds the bytes of one write only, apart from those that cover it in part
     */
    private record Moment(long last, long settled, boolean wholeSectors) {}

    private void judge(long offset, byte[] data, int count, Moment moment) {
        List<Write> near = overlapping(offset, offset + count, moment.last);
        TreeSet<Long> cuts = new TreeSet<>();
        cuts.add(offset);
        for (Write write : near) {
            cuts.add(Math.max(offset, write.start));
            cuts.add(Math.min(offset + count, write.end));
        }
        cuts.add(offset + count);
        Long from = cuts.first();
        for (Long to = cuts.higher(from); to != null; from = to, to = cuts.higher(from)) {
            judgeSegment(from, to, data, (int) (from - offset), candidates(near, from, moment), moment.wholeSectors);
        }
    }

    private List<Write> overlapping(long start, long end, long last) {
        lock.lock();
        try {
            List<Write> near = new ArrayList<>();
            for (Write write : writes) {
                if (write.start < end && start < write.end && write.began <= last) {
                    near.add(write);
                }
            }
            return near;
        } finally {
            lock.unlock();
        }
    }

    /** The writes that a byte may be of; null stands for the initial content. */
    private static List<@Nullable Write> candidates(List<Write> near, long offset, Moment moment) {
        long replacedBefore = -1;
        for (Write write : near) {
            if (write.covers(offset) && write.ended < moment.settled) {
                replacedBefore = Math.max(replacedBefore, write.began);
            }
        }
        List<@Nullable Write> candidates = new ArrayList<>();
        for (Write write : near) {
            if (write.covers(offset) && write.ended >= replacedBefore) {
                candidates.add(write);
            }
        }
        if (replacedBefore < 0) {
            candidates.add(null);
        }
        return candidates;
    }

    private void judgeSegment(
            long from, long to, byte[] data, int dataOffset, List<@Nullable Write> candidates, boolean wholeSectors) {
        int length = (int) (to - from);
        if (candidates.size() == 1 && mismatch(candidates.get(0), from, data, dataOffset, length) < 0) {
            return;
        }
        for (int at = 0; at < length; ) {
            int end = wholeSectors ? (int) Math.min(length, (from + at) / SECTOR * SECTOR + SECTOR - from) : length;
            int alike = longestMatch(candidates, from + at, data, dataOffset + at, end - at);
            if (alike == 0 || wholeSectors && alike < end - at) {
                throw wrong(from + at, data, dataOffset + at, end - at, candidates);
            }
            at += alike;
        }
    }

    /** How many bytes at most agree with one candidate. */
    private int longestMatch(List<@Nullable Write> candidates, long offset, byte[] data, int dataOffset, int count) {
        int longest = 0;
        for (Write candidate : candidates) {
            int at = mismatch(candidate, offset, data, dataOffset, count);
            if (at < 0) {
                return count;
            }
            longest = Math.max(longest, at);
        }
        return longest;
    }

    private int mismatch(@Nullable Write candidate, long offset, byte[] data, int dataOffset, int count) {
        return candidate == null
                ? initial.mismatch(offset, data, dataOffset, count)
                : candidate.mismatch(offset, data, dataOffset, count);
    }

    private static int zeroMismatch(byte[] data, int dataOffset, int count) {
        for (int done = 0; done < count; ) {
            int n = Math.min(ZEROS.length, count - done);
            int at = Arrays.mismatch(ZEROS, 0, n, data, dataOffset + done, dataOffset + done + n);
            if (at >= 0) {
                return done + at;
            }
            done += n;
        }
        return -1;
    }

    private AssertionError wrong(
            long offset, byte[] data, int dataOffset, int count, List<@Nullable Write> candidates) {
        int first = mismatch(candidates.get(0), offset, data, dataOffset, count);
        StringBuilder text = new StringBuilder(
                "wrong byte at offset " + (offset + first) + ": found " + hex(data[dataOffset + first]) + ", may be");
        for (Write candidate : candidates) {
            byte value = candidate == null ? initial.at(offset + first) : candidate.at(offset + first);
            text.append(' ').append(hex(value));
            text.append(candidate == null ? " (initial content)" : " (" + candidate + ")");
        }
        return new AssertionError(text.toString());
    }

    private static String hex(byte value) {
        return String.format("%02x", value);
    }
}
