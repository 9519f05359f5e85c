// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bits are found where the format puts them, exactly, up to the largest disk there is. */
@Tag("jars")
class AddCowLayoutTest {
    private static final long LARGEST = Long.MAX_VALUE & -512;

    @ParameterizedTest(name = "2^{0}: {1} bytes are {2} clusters, in a file of {3}")
    @CsvSource({
        "12, 0, 0, 4096",
        "12, 512, 1, 8192",
        "12, 4096, 1, 8192",
        "12, 4608, 2, 8192",
        "12, 134217728, 32768, 8192",
        "12, 134218240, 32769, 12288",
        "16, 0, 0, 65536",
        "16, 5282304, 81, 131072",
        "16, 34359738368, 524288, 131072",
        "16, 34359738880, 524289, 196608",
        "21, 35184372088832, 16777216, 4194304",
        "21, 35184372089344, 16777217, 6291456"
    })
    void lengthsAreInWholeTables(int bits, long size, long clusters, long fileLength) {
        AddCowLayout layout = new AddCowLayout(bits);
        assertThat(layout.clusters(size)).isEqualTo(clusters);
        assertThat(layout.fileLength(size)).isEqualTo(fileLength);
        assertThat(layout.endOfBits(size)).isEqualTo(layout.headerSize() + (clusters + 7) / 8);
    }

    @Test
    void aClustersByteIsItsNumberThroughEight() {
        AddCowLayout layout = new AddCowLayout(12);
        assertThat(layout.byteOffset(0)).isEqualTo(4096);
        assertThat(layout.byteOffset(7)).isEqualTo(4096);
        assertThat(layout.byteOffset(8)).isEqualTo(4097);
        // The second table follows the first.
        assertThat(layout.byteOffset(32768)).isEqualTo(8192);
    }

    @ParameterizedTest(name = "2^{0}")
    @ValueSource(ints = {12, 16, 21})
    void arithmeticIsExactForTheLargestDisks(int bits) {
        AddCowLayout layout = new AddCowLayout(bits);
        BigInteger cluster = BigInteger.ONE.shiftLeft(bits);
        Random random = new Random(bits);
        for (int i = 0; i < 1000; i++) {
            long size = i == 0 ? LARGEST : (random.nextLong() >>> 1 + random.nextInt(40)) & -512;
            BigInteger clusters = ceil(BigInteger.valueOf(size), cluster);
            BigInteger bytes = ceil(clusters, BigInteger.valueOf(8));
            BigInteger length = BigInteger.valueOf(layout.headerSize())
                    .add(ceil(bytes, cluster).multiply(cluster));
            assertThat(BigInteger.valueOf(layout.clusters(size))).isEqualTo(clusters);
            assertThat(BigInteger.valueOf(layout.fileLength(size))).isEqualTo(length);
            if (size > 0) {
                long last = layout.cluster(size - 1);
                assertThat(last).isEqualTo(layout.clusters(size) - 1);
                assertThat(layout.start(last)).isLessThan(size);
                assertThat(layout.byteOffset(last)).isLessThan(layout.endOfBits(size));
            }
        }
    }

    private static BigInteger ceil(BigInteger value, BigInteger unit) {
        return value.add(unit).subtract(BigInteger.ONE).divide(unit);
    }

    @Test
    void clusterSizesArePowersOfTwoFrom4KibTo2Mib() {
        for (long size : new long[] {4096, 8192, 65536, 2 << 20}) {
            assertThat(AddCowLayout.isClusterSize(size)).isTrue();
        }
        for (long size : new long[] {0, -4096, 2048, 4095, 4097, 12288, 4 << 20, 1L << 32, Long.MIN_VALUE}) {
            assertThat(AddCowLayout.isClusterSize(size)).isFalse();
        }
    }
}
