// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How far a bit reaches, for a reader who has looked at it before another thread set it. */
class BaseBitmapTest {
    private static final int BLOCK = 4096;
    private static final int SIZE = 4096 * BLOCK;
    private static final int BITMAP = 128 << 10;

    private BaseBitmap bits;

    @BeforeEach
    void open() throws BlockException {
        FvdHeader header = JournalRecoveryTest.baseHeader(SIZE, 512, BITMAP);
        SparseBytes bytes = new SparseBytes();
        bytes.truncate(header.dataOffset() + SIZE);
        Node file = TestImages.node("image", new MemoryDriver(bytes), OpenOptions.readWrite());
        bits = new BaseBitmap(file, header.validate(header.dataOffset()), 1 << 20);
    }

    @Test
    void aBitThatWasSetMeanwhileCountsAsItWasSeen() throws BlockException {
        assertThat(bits.setUnlogged(3, 4)).isTrue();
        assertThat(bits.run(3 * BLOCK + 512, 1024, false)).isEqualTo(1024);
        assertThat(bits.run(3 * BLOCK + 512, 2 * BLOCK, false)).isEqualTo(2 * BLOCK);
    }

    @Test
    void theOnesAfterItCountAsTheyAre() throws BlockException {
        assertThat(bits.setUnlogged(3, 6)).isTrue();
        assertThat(bits.run(3 * BLOCK + 512, 8 * BLOCK, false)).isEqualTo(BLOCK - 512);
        assertThat(bits.run(3 * BLOCK + 512, 8 * BLOCK, true)).isEqualTo(3 * BLOCK - 512);
        assertThat(bits.run(7 * BLOCK, SIZE, false)).isEqualTo(SIZE - 7 * BLOCK);
    }
}
