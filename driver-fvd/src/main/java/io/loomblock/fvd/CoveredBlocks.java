// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which blocks a recovery has set bits of, as ranges: a journal full of records of the whole base image costs no more than one of them.
 *
 * <p>Of more ranges than memory is meant for, the shortest are forgotten, which are the cheapest to set again.
 */
final class CoveredBlocks {
    private static final int MOST = 8192;

    /** Ends by beginnings; no two touch. */
    private final TreeMap<Long, Long> ranges = new TreeMap<>();

    /** Sets bits of blocks {@code [first, end)}. */
    @FunctionalInterface
    interface Setter {
        void set(long first, long end) throws BlockException;
    }

    /** Hands on the parts of {@code [first, end)} that are not known to be covered; they are from now on. */
    void cover(long first, long end, Setter setter) throws BlockException {
        Map.Entry<Long, Long> before = ranges.floorEntry(first);
        boolean joins = before != null && before.getValue() >= first;
        long start = joins ? before.getKey() : first;
        long at = joins ? Math.max(first, before.getValue()) : first;
        if (at >= end) {
            return;
        }
        for (var next = ranges.higherEntry(start);
                next != null && next.getKey() <= end;
                next = ranges.higherEntry(start)) {
            if (at < next.getKey()) {
                setter.set(at, next.getKey());
            }
            at = next.getValue();
            ranges.remove(next.getKey());
        }
        if (at < end) {
            setter.set(at, end);
            at = end;
        }
        ranges.put(start, at);
        if (ranges.size() > MOST) {
            forgetShorterHalf();
        }
    }

    private void forgetShorterHalf() {
        long[] lengths = ranges.entrySet().stream()
                .mapToLong(range -> range.getValue() - range.getKey())
                .sorted()
                .toArray();
        long median = lengths[lengths.length / 2];
        ranges.entrySet().removeIf(range -> range.getValue() - range.getKey() <= median);
    }
}
