// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.BlockException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What was done to one file or several, in order; several {@link RecordingDriver}s may share one, so that formats that keep their
 * state in more than one file can be tested. Thread-safe.
 */
public final class RequestLog {
    /** Kinds of requests. */
    public enum Kind {
        READ,
        WRITE,
        ZERO,
        TRUNCATE,
        FLUSH,
        /** A word of the test's own. */
        MARK;

        /** Whether it changes a file. */
        public boolean changes() {
            return this == WRITE || this == ZERO || this == TRUNCATE;
        }
    }

    /**
     * One request.
     *
     * @param file name of the file, or the text of a mark
     * @param offset where; the new length of a truncation; for a flush, how many entries of the log it covers
     * @param length how many bytes, 0 where that means nothing
     * @param data what was written, empty for all but writes
     */
    public record Entry(Kind kind, String file, long offset, long length, byte[] data) {
        @Override
        public String toString() {
            String what = kind.name().toLowerCase(Locale.ROOT);
            return switch (kind) {
                case MARK -> file;
                case FLUSH -> what + " " + file;
                case TRUNCATE -> what + " " + file + " to " + offset;
                default -> what + " " + file + " " + length + "@" + offset;
            };
        }
    }

    private static final byte[] NOTHING = new byte[0];

    private final ReentrantLock lock = new ReentrantLock();
    private final List<Entry> entries = new ArrayList<>();

    /** Adds a word of the test's own, to find places by. */
    public void mark(String text) {
        add(new Entry(Kind.MARK, text, 0, 0, NOTHING));
    }

    /** How many entries there are. */
    public int size() {
        lock.lock();
        try {
            return entries.size();
        } finally {
            lock.unlock();
        }
    }

    /** All entries so far. */
    public List<Entry> entries() {
        lock.lock();
        try {
            return List.copyOf(entries);
        } finally {
            lock.unlock();
        }
    }

    /** The entries from {@code start} on. */
    public List<Entry> since(int start) {
        List<Entry> all = entries();
        return all.subList(start, all.size());
    }

    /** Forgets everything. */
    public void clear() {
        lock.lock();
        try {
            entries.clear();
        } finally {
            lock.unlock();
        }
    }

    /** What a recorder does to its file. */
    @FunctionalInterface
    interface Step {
        void run() throws BlockException;
    }

    /** Does something and writes it down, so that the log has the order in which things were done. */
    void addAfter(Step step, Entry entry) throws BlockException {
        lock.lock();
        try {
            step.run();
            entries.add(entry);
        } finally {
            lock.unlock();
        }
    }

    void add(Entry entry) {
        lock.lock();
        try {
            entries.add(entry);
        } finally {
            lock.unlock();
        }
    }

    static Entry read(String file, long offset, long length) {
        return new Entry(Kind.READ, file, offset, length, NOTHING);
    }

    static Entry write(String file, long offset, byte[] data) {
        return new Entry(Kind.WRITE, file, offset, data.length, data);
    }

    static Entry zero(String file, long offset, long length) {
        return new Entry(Kind.ZERO, file, offset, length, NOTHING);
    }

    static Entry truncate(String file, long length) {
        return new Entry(Kind.TRUNCATE, file, length, 0, NOTHING);
    }

    static Entry flush(String file, long covered) {
        return new Entry(Kind.FLUSH, file, covered, 0, NOTHING);
    }
}
