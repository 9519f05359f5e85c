// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import org.junit.jupiter.api.Test;

/** Buffers are split where long enough zeros, in whole blocks of the guest's disk, begin and end. */
class ZeroRunsTest {
    private static final int SIZE = 32 << 10;
    private static final int PLACE = 4096;

    /** {@code D} or {@code Z} and the length of each run; {@code data} are the bytes that are not zero. */
    private static String runs(long diskOffset, int bytes, long minZeros, int... data) throws BlockException {
        AlignedBuffer buffer = AlignedBuffer.allocate(PLACE + SIZE);
        buffer.fill(0, PLACE, (byte) 1);
        buffer.fill(PLACE, SIZE, (byte) 0);
        for (int at : data) {
            buffer.putByte(PLACE + at, (byte) 1);
        }
        StringBuilder text = new StringBuilder();
        ZeroRuns runs = new ZeroRuns(buffer, PLACE, diskOffset, bytes, minZeros);
        int expectedStart = 0;
        while (runs.next()) {
            assertThat(runs.start()).isEqualTo(expectedStart);
            expectedStart += runs.length();
            text.append(runs.isZero() ? " Z" : " D").append(runs.length());
        }
        assertThat(expectedStart).isEqualTo(bytes);
        return text.toString().trim();
    }

    @Test
    void allZero() throws BlockException {
        assertThat(runs(0, SIZE, 4096)).isEqualTo("Z" + SIZE);
    }

    @Test
    void allDataWhereZerosDoNotCount() throws BlockException {
        assertThat(runs(0, SIZE, 0)).isEqualTo("D" + SIZE);
    }

    @Test
    void dataIsRoundedToBlocks() throws BlockException {
        assertThat(runs(0, SIZE, 4096, 5000)).isEqualTo("Z4096 D4096 Z24576");
        assertThat(runs(0, SIZE, 512, 5000)).isEqualTo("Z4608 D512 Z27648");
    }

    @Test
    void blocksAreThoseOfTheDisk() throws BlockException {
        assertThat(runs(1024, 8192, 4096, 0)).isEqualTo("D3072 Z5120");
        assertThat(runs(1024, 8192, 4096, 3072)).isEqualTo("D7168 Z1024");
    }

    @Test
    void shortZerosCountAsData() throws BlockException {
        // Blocks of 4096, runs of at least 6144.
        assertThat(runs(0, SIZE, 6144, 0, 8192)).isEqualTo("D12288 Z20480");
        assertThat(runs(0, SIZE, 6144, 0, 12288)).isEqualTo("D4096 Z8192 D4096 Z16384");
    }

    @Test
    void zerosAtTheEndCountHoweverShort() throws BlockException {
        assertThat(runs(0, 4608, 4096, 0)).isEqualTo("D4096 Z512");
    }
}
