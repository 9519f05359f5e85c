// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** Which values of several parameters to try together: all of them, or so many that every two values meet. */
public final class Combinations {
    private Combinations() {}

    /**
     * All combinations.
     *
     * @param counts how many values each parameter has
     * @return rows with the number of a value for each parameter
     */
    public static List<int[]> all(int... counts) {
        List<int[]> rows = new ArrayList<>();
        int number = IntStream.of(counts).reduce(1, Math::multiplyExact);
        for (int i = 0; i < number; i++) {
            int[] row = new int[counts.length];
            for (int at = 0, rest = i; at < row.length; rest /= counts[at], at++) {
                row[at] = rest % counts[at];
            }
            rows.add(row);
        }
        return rows;
    }

    /** Two values that are tried together. */
    private record Pair(int parameter, int value, int otherParameter, int otherValue) {}

    /** As many of all combinations as it takes for every value of a parameter to meet every value of every other; the same each time. */
    public static List<int[]> pairwise(int... counts) {
        List<int[]> candidates = all(counts);
        Set<Pair> missing = new HashSet<>();
        candidates.forEach(row -> missing.addAll(pairs(row)));
        List<int[]> rows = new ArrayList<>();
        while (!missing.isEmpty()) {
            int[] best = candidates.get(0);
            long most = -1;
            for (int[] row : candidates) {
                long gain = pairs(row).stream().filter(missing::contains).count();
                if (gain > most) {
                    most = gain;
                    best = row;
                }
            }
            missing.removeAll(pairs(best));
            rows.add(best);
        }
        return rows;
    }

    private static Set<Pair> pairs(int[] row) {
        Set<Pair> pairs = new HashSet<>();
        for (int i = 0; i < row.length; i++) {
            for (int j = i + 1; j < row.length; j++) {
                pairs.add(new Pair(i, row[i], j, row[j]));
            }
        }
        return pairs;
    }
}
