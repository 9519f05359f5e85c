// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Requests are split at the driver's granularity, at the very end of the largest disk too. */
class AlignmentTest {
    private static final int CLUSTER = 64 << 20;
    private static final long END = Long.MAX_VALUE & -512;

    private final List<String> requests = new ArrayList<>();

    private class Largest implements BlockDriver {
        @Override
        public String formatName() {
            return "largest";
        }

        @Override
        public long length() {
            return END;
        }

        @Override
        public Limits limits() {
            return Limits.NONE.withZeroAlignment(CLUSTER, CLUSTER);
        }

        @Override
        public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) {
            requests.add("read " + bytes + "@" + offset);
        }

        @Override
        public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) {
            requests.add("write " + bytes + "@" + offset);
        }

        @Override
        public void coWriteZeroes(long offset, long bytes, int flags) {
            requests.add("zero " + bytes + "@" + offset);
        }

        @Override
        public void coDiscard(long offset, long bytes) {
            requests.add("discard " + bytes + "@" + offset);
        }

        @Override
        public void close() {}
    }

    private Node node() throws BlockException {
        return new Node("largest", new Largest(), Map.of(), OpenOptions.readWrite());
    }

    @Test
    void theLastSectorOfTheLargestDiskIsZeroedAlone() throws Exception {
        node().coWriteZeroes(END - 512, 512, 0);
        assertThat(requests).containsExactly("write 512@" + (END - 512));
    }

    @Test
    void zerosUpToTheEndOfTheLargestDiskAreSplitAtTheLastCluster() throws Exception {
        long lastCluster = Long.MAX_VALUE & -(long) CLUSTER;
        node().coWriteZeroes(lastCluster - CLUSTER - 512, CLUSTER + 1024, 0);
        assertThat(requests)
                .containsExactly(
                        "write 512@" + (lastCluster - CLUSTER - 512),
                        "zero " + CLUSTER + "@" + (lastCluster - CLUSTER),
                        "write 512@" + lastCluster);
    }

    @Test
    void aDiscardOfTheLastSectorReachesNoCluster() throws Exception {
        node().coDiscard(END - 512, 512);
        assertThat(requests).isEmpty();
    }

    @Test
    void piecesThatEndPastTwoGigabytesEndTheRequest() throws Exception {
        int most = 1 << 30;
        Node node = new Node(
                "largest",
                new Largest() {
                    @Override
                    public Limits limits() {
                        return Limits.NONE.withTransfer(0, most);
                    }
                },
                Map.of(),
                OpenOptions.readWrite());
        // The same megabyte again and again.
        IoVector megabyte = IoVector.of(AlignedBuffer.allocate(1 << 20));
        IoVector vector = IoVector.concat(Collections.nCopies(2047, megabyte));
        node.coReadv(0, vector);
        node.coWritev(0, vector);
        int rest = vector.size() - most;
        assertThat(requests)
                .containsExactly(
                        "read " + most + "@0",
                        "read " + rest + "@" + most,
                        "write " + most + "@0",
                        "write " + rest + "@" + most);
    }
}
