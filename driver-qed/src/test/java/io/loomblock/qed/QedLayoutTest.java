// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Arithmetic of all cluster and table sizes, compared with the same in big integers. */
class QedLayoutTest {
    private static final BigInteger LARGEST = BigInteger.valueOf(Long.MAX_VALUE & -512);

    static List<QedLayout> layouts() {
        List<QedLayout> all = new ArrayList<>();
        for (int c = 12; c <= 26; c++) {
            for (int t = 0; t <= 4; t++) {
                all.add(new QedLayout(1 << c, 1 << t, 1, 1 << c));
            }
        }
        return all;
    }

    private static BigInteger big(long value) {
        return BigInteger.valueOf(value);
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void theLargestDiskIsWhatTwoLevelsMapOrTheLastSectorBelow2To63(QedLayout layout) {
        BigInteger n =
                big(layout.clusterSize()).multiply(big(layout.tableSize())).divide(big(8));
        BigInteger max = n.multiply(n).multiply(big(layout.clusterSize())).min(LARGEST);
        assertThat(big(layout.maxImageSize())).isEqualTo(max);
        assertThat(layout.isImageSize(layout.maxImageSize())).isTrue();
        assertThat(layout.isImageSize(layout.maxImageSize() + 512)).isFalse();
        assertThat(layout.isImageSize(0)).isTrue();
        assertThat(layout.isImageSize(512)).isTrue();
        assertThat(layout.isImageSize(513)).isFalse();
        assertThat(layout.isImageSize(-512)).isFalse();
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void aPlaceOfTheDiskTakesItsPartsAndGivesItselfBack(QedLayout layout) {
        Random random = new Random(layout.hashCode());
        BigInteger cluster = big(layout.clusterSize());
        BigInteger entries = big(layout.tableEntries());
        for (int i = 0; i < 200; i++) {
            long pos = i == 0 ? layout.maxImageSize() - 1 : random.nextLong(layout.maxImageSize());
            BigInteger index = big(pos).divide(cluster);
            assertThat(big(layout.offsetInCluster(pos))).isEqualTo(big(pos).mod(cluster));
            assertThat(big(layout.l2Index(pos))).isEqualTo(index.mod(entries));
            assertThat(big(layout.l1Index(pos))).isEqualTo(index.divide(entries));
            assertThat(layout.l1Index(pos)).isBetween(0, layout.tableEntries() - 1);
            BigInteger end = index.divide(entries).add(big(1)).multiply(entries).multiply(cluster);
            assertThat(big(layout.endOfSpan(pos))).isEqualTo(end.min(big(Long.MAX_VALUE)));
        }
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void clustersAreCountedExactly(QedLayout layout) {
        long cluster = layout.clusterSize();
        assertThat(layout.clusters(0)).isZero();
        assertThat(layout.clusters(1)).isEqualTo(1);
        // What QEMU's division by one less gets wrong, E1.
        assertThat(layout.clusters((cluster - 1) * cluster)).isEqualTo(cluster - 1);
        assertThat(layout.clusters((cluster - 1) * cluster + 1)).isEqualTo(cluster);
        BigInteger[] parts = LARGEST.divideAndRemainder(big(cluster));
        assertThat(big(layout.clusters(LARGEST.longValueExact()))).isEqualTo(parts[0].add(big(parts[1].signum())));
        assertThat(layout.wholeClusters(3 * cluster + 1)).isEqualTo(3 * cluster);
        assertThat(layout.wholeClusters(3 * cluster - 1)).isEqualTo(2 * cluster);
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void usedL1EntriesCoverTheDiskAndNoMore(QedLayout layout) {
        long span = layout.endOfSpan(0);
        assertThat(layout.usedL1Entries(0)).isZero();
        assertThat(layout.usedL1Entries(512)).isEqualTo(1);
        assertThat(layout.usedL1Entries(span)).isEqualTo(1);
        assertThat(layout.usedL1Entries(span + 512)).isEqualTo(2);
        assertThat(layout.usedL1Entries(layout.maxImageSize())).isBetween(1, layout.tableEntries());
        assertThat(layout.usedL1Entries(layout.maxImageSize()) * 8L).isLessThanOrEqualTo(16 << 20);
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void clustersAndTablesLieBehindTheHeaderAndBeforeTheEnd(QedLayout layout) {
        long cluster = layout.clusterSize();
        long end = 40 * cluster;
        assertThat(layout.isCluster(0, end)).isFalse();
        assertThat(layout.isCluster(cluster, end)).isTrue();
        assertThat(layout.isCluster(cluster + 512, end)).isFalse();
        assertThat(layout.isCluster(end - cluster, end)).isTrue();
        assertThat(layout.isCluster(end, end)).isFalse();
        assertThat(layout.isCluster(-cluster, end)).isFalse();
        assertThat(layout.isTable(end - layout.tableBytes(), end)).isTrue();
        assertThat(layout.isTable(end - layout.tableBytes() + cluster, end)).isFalse();
        assertThat(layout.isTable(Long.MAX_VALUE & -cluster, end)).isFalse();
        assertThat(layout.isTable(Long.MIN_VALUE, end)).isFalse();
        assertThat(layout.isInL1(cluster)).isTrue();
        assertThat(layout.isInL1(cluster + layout.tableBytes())).isFalse();
        assertThat(layout.isInL1(0)).isFalse();
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void aTableThatSharesAClusterWithTheL1TableIsFound(QedLayout plain) {
        long cluster = plain.clusterSize();
        long l1 = 30 * cluster;
        QedLayout layout = new QedLayout(plain.clusterSize(), plain.tableSize(), 1, l1);
        assertThat(layout.overlapsL1(l1)).isTrue();
        assertThat(layout.overlapsL1(l1 - layout.tableBytes() + cluster)).isTrue();
        assertThat(layout.overlapsL1(l1 + layout.tableBytes() - cluster)).isTrue();
        assertThat(layout.overlapsL1(l1 - layout.tableBytes())).isFalse();
        assertThat(layout.overlapsL1(l1 + layout.tableBytes())).isFalse();
    }
}
