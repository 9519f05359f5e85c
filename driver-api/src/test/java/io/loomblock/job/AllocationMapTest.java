// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.job.AllocationMap.Extent;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.SparseBytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Neighbours are joined where they are alike and lie one after the other. */
class AllocationMapTest {
    private static final int CLUSTER = 4096;
    private static final int CLUSTERS = 8;

    /** Answers for one cluster at a time: '.' not allocated, 'z' zero, a digit for data at that cluster of the file. */
    private static final class Clusters extends ForwardingDriver {
        private final String clusters;

        Clusters(String clusters) {
            super(new MemoryDriver(SparseBytes.of(new byte[CLUSTERS * CLUSTER])));
            this.clusters = clusters;
        }

        @Override
        public boolean growable() {
            return false;
        }

        @Override
        public BlockStatus blockStatus(long offset, long bytes) {
            char kind = clusters.charAt((int) (offset / CLUSTER));
            long length = Math.min(bytes, CLUSTER - offset % CLUSTER);
            return switch (kind) {
                case '.' -> BlockStatus.of(0, length);
                case 'z' -> BlockStatus.of(BlockStatus.ZERO | BlockStatus.ALLOCATED, length);
                default ->
                    BlockStatus.at(
                            BlockStatus.DATA | BlockStatus.ALLOCATED,
                            length,
                            (long) (kind - '0') * CLUSTER + offset % CLUSTER);
            };
        }
    }

    private static List<Extent> map(String top, String base, long start, long end) throws BlockException {
        Node backing = new Node("base", new Clusters(base), Map.of(), OpenOptions.readOnly());
        Node node = new Node("top", new Clusters(top), Map.of(Node.BACKING, backing), OpenOptions.readOnly());
        List<Extent> extents = new ArrayList<>();
        try (BlockDevice device = BlockDevice.of(node, OpenOptions.readOnly())) {
            AllocationMap.walk(device, start, end, extents::add);
        }
        return extents;
    }

    private static Extent data(int start, int length, int depth, int offset) {
        return new Extent(
                (long) start * CLUSTER,
                (long) length * CLUSTER,
                depth,
                true,
                false,
                true,
                (long) offset * CLUSTER,
                depth == 0 ? "top" : "base");
    }

    private static Extent zero(int start, int length, int depth) {
        return new Extent((long) start * CLUSTER, (long) length * CLUSTER, depth, true, true, false, -1, null);
    }

    @Test
    void layersAndPlacesAreKeptApart() throws BlockException {
        assertThat(map("23zz..56", "........", 0, Long.MAX_VALUE))
                .containsExactly(
                        data(0, 2, 0, 2),
                        zero(2, 2, 0),
                        new Extent(4L * CLUSTER, 2L * CLUSTER, 1, false, true, false, -1, null),
                        data(6, 2, 0, 5));
        assertThat(map("2.4.....", "12345zz8", 0, Long.MAX_VALUE))
                .containsExactly(
                        data(0, 1, 0, 2),
                        data(1, 1, 1, 2),
                        data(2, 1, 0, 4),
                        data(3, 2, 1, 4),
                        zero(5, 2, 1),
                        data(7, 1, 1, 8));
    }

    @Test
    void onlyTheRangeAskedForIsWalked() throws BlockException {
        assertThat(map("1234....", "zzzzzzzz", CLUSTER + 100, 5L * CLUSTER))
                .containsExactly(
                        new Extent(CLUSTER + 100, 3 * CLUSTER - 100, 0, true, false, true, 2 * CLUSTER + 100, "top"),
                        zero(4, 1, 1));
        assertThat(map("1234....", "zzzzzzzz", 8L * CLUSTER, Long.MAX_VALUE)).isEmpty();
    }
}
