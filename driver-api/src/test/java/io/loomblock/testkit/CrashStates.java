// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.testkit.RequestLog.Entry;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Every state that files can be in after a crash, made from what a {@link RequestLog} recorded.
 *
 * <p>A killed process leaves a prefix of the log. Power loss leaves what was flushed, and any part of the rest: 512-byte sectors are
 * written whole or not at all, in any order. Writes that were not flushed are cut into groups of sectors (each sector of a short
 * write; first, middle and last of a longer one), truncations are groups of their own; all subsets are tried where no more than
 * {@value #ALL_SUBSETS} groups are outstanding, otherwise each one lost, each one kept, and a seeded sample. States that a point before
 * had already are left out: at each point only subsets with a part of the newest request are new.
 */
public final class CrashStates {
    private static final int SECTOR = 512;
    /** Writes of up to this many sectors are cut into single sectors. */
    private static final int SHORT_WRITE = 2;
    /** Up to so many outstanding groups all subsets are tried. */
    private static final int ALL_SUBSETS = 10;

    /** What may happen to a machine. */
    @FunctionalInterface
    public interface Visitor {
        void visit(State state) throws Exception;
    }

    /**
     * One state after a crash.
     *
     * @param position how many entries of the log had been done
     * @param files the files by name; the visitor's to change
     * @param description what was lost
     */
    public record State(int position, Map<String, SparseBytes> files, String description) {
        /** The only file, or the one of this name. */
        public SparseBytes file(String name) {
            SparseBytes file = files.get(name);
            if (file == null) {
                throw new IllegalArgumentException("no file " + name);
            }
            return file;
        }
    }

    private final List<Entry> log;
    private final Map<String, SparseBytes> initial = new HashMap<>();

    /** The states of the files of these recorders, which share {@code log}. */
    public CrashStates(RequestLog log, List<RecordingDriver> recorders) {
        this.log = log.entries();
        recorders.forEach(r -> initial.put(r.name(), r.initial()));
    }

    /** Visits the state after every prefix of the log that ends with a change; the page cache survives. */
    public int afterKill(Visitor visitor) throws Exception {
        Map<String, SparseBytes> files = copy(initial);
        visitor.visit(new State(0, copy(files), "killed at the beginning"));
        int states = 1;
        for (int i = 0; i < log.size(); i++) {
            Entry entry = log.get(i);
            if (entry.kind().changes()) {
                apply(files, entry, 0, entry.length());
                visitor.visit(new State(i + 1, copy(files), "killed after #" + i + " " + entry));
                states++;
            }
        }
        return states;
    }

    /**
     * Visits the states after power loss at every point.
     *
     * @param samples how many random subsets to try at each point with too many outstanding groups
     * @return how many states there were
     */
    public int afterPowerLoss(long seed, int samples, Visitor visitor) throws Exception {
        Random random = new Random(seed);
        Map<String, SparseBytes> durable = copy(initial);
        List<Group> outstanding = new ArrayList<>();
        int states = 0;
        for (int i = 0; i < log.size(); i++) {
            Entry entry = log.get(i);
            if (entry.kind() == RequestLog.Kind.FLUSH) {
                settle(durable, outstanding, entry);
            } else if (entry.kind().changes()) {
                int older = outstanding.size();
                addGroups(outstanding, i, entry);
                for (BitSet kept : subsets(outstanding.size(), older, random, samples)) {
                    visitor.visit(new State(i + 1, keep(durable, outstanding, kept), describe(outstanding, kept)));
                    states++;
                }
            }
        }
        return states;
    }

    /** The state at the end of the log when power loss takes everything that was not flushed. */
    public State nothingButFlushed() {
        Map<String, SparseBytes> durable = copy(initial);
        List<Group> outstanding = new ArrayList<>();
        for (int i = 0; i < log.size(); i++) {
            Entry entry = log.get(i);
            if (entry.kind() == RequestLog.Kind.FLUSH) {
                settle(durable, outstanding, entry);
            } else if (entry.kind().changes()) {
                addGroups(outstanding, i, entry);
            }
        }
        return new State(log.size(), durable, "power lost; nothing kept of what was not flushed");
    }

    /** What a flush covers is durable now; everything of that file that is older is written in order. */
    private void settle(Map<String, SparseBytes> durable, List<Group> outstanding, Entry flush) {
        for (Iterator<Group> all = outstanding.iterator(); all.hasNext(); ) {
            Group group = all.next();
            if (group.entry.file().equals(flush.file()) && group.position < flush.offset()) {
                apply(durable, group.entry, group.from, group.to);
                all.remove();
            }
        }
    }

    private static void addGroups(List<Group> groups, int position, Entry entry) {
        long length = entry.length();
        if (entry.kind() == RequestLog.Kind.TRUNCATE) {
            groups.add(new Group(position, entry, 0, 0));
            return;
        }
        long first = Math.min(length, SECTOR - entry.offset() % SECTOR);
        long sectors = (length + SECTOR - 1) / SECTOR;
        if (sectors <= SHORT_WRITE) {
            groups.add(new Group(position, entry, 0, first));
            if (first < length) {
                groups.add(new Group(position, entry, first, length));
            }
            return;
        }
        long last = first + (length - first - 1) / SECTOR * SECTOR;
        groups.add(new Group(position, entry, 0, first));
        groups.add(new Group(position, entry, first, last));
        groups.add(new Group(position, entry, last, length));
    }

    /** Subsets of {@code count} groups, with at least one of those from {@code older} on. */
    private static List<BitSet> subsets(int count, int older, Random random, int samples) {
        List<BitSet> result = new ArrayList<>();
        if (count <= ALL_SUBSETS) {
            for (long bits = 0; bits < 1L << count; bits++) {
                if (bits >>> older != 0) {
                    result.add(BitSet.valueOf(new long[] {bits}));
                }
            }
            return result;
        }
        BitSet all = new BitSet();
        all.set(0, count);
        result.add(all);
        for (int lost = 0; lost < count; lost++) {
            BitSet kept = (BitSet) all.clone();
            kept.clear(lost);
            result.add(kept);
        }
        for (int alone = older; alone < count; alone++) {
            BitSet kept = new BitSet();
            kept.set(alone);
            result.add(kept);
        }
        for (int i = 0; i < samples; i++) {
            BitSet kept = new BitSet();
            for (int group = 0; group < count; group++) {
                kept.set(group, random.nextBoolean());
            }
            kept.set(older + random.nextInt(count - older));
            result.add(kept);
        }
        return result;
    }

    private static Map<String, SparseBytes> keep(Map<String, SparseBytes> durable, List<Group> groups, BitSet kept) {
        Map<String, SparseBytes> files = copy(durable);
        for (int i = kept.nextSetBit(0); i >= 0; i = kept.nextSetBit(i + 1)) {
            Group group = groups.get(i);
            apply(files, group.entry, group.from, group.to);
        }
        return files;
    }

    private static String describe(List<Group> groups, BitSet kept) {
        StringBuilder text = new StringBuilder("power lost; of what was not flushed,");
        for (int i = 0; i < groups.size(); i++) {
            Group g = groups.get(i);
            text.append(kept.get(i) ? " kept " : " lost ")
                    .append('#')
                    .append(g.position)
                    .append('[')
                    .append(g.entry)
                    .append(" +")
                    .append(g.from)
                    .append("..")
                    .append(g.to)
                    .append(']');
        }
        return text.toString();
    }

    private static void apply(Map<String, SparseBytes> files, Entry entry, long from, long to) {
        SparseBytes file = files.get(entry.file());
        if (file == null) {
            throw new IllegalArgumentException("nobody told of the file " + entry.file());
        }
        switch (entry.kind()) {
            case WRITE -> file.write(entry.offset() + from, entry.data(), (int) from, (int) (to - from));
            case ZERO -> file.zero(entry.offset() + from, to - from);
            case TRUNCATE -> file.truncate(entry.offset());
            default -> throw new IllegalArgumentException(entry.toString());
        }
    }

    private static Map<String, SparseBytes> copy(Map<String, SparseBytes> files) {
        Map<String, SparseBytes> copy = new HashMap<>();
        files.forEach((name, bytes) -> copy.put(name, bytes.copy()));
        return copy;
    }

    /** A part of a request that reaches the disk whole or not at all: bytes {@code from} to {@code to} of it. */
    private record Group(int position, Entry entry, long from, long to) {}
}
