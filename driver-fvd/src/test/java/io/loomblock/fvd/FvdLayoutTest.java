// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class FvdLayoutTest {
    private static final FvdLayout ODD = new FvdLayout(7341568, 4197888, 49152, 8192, 7680, 12288, 40960);

    @Test
    void theLastBlockEndsWhereTheBaseImageDoes() {
        assertThat(ODD.blocks()).isEqualTo(547);
        assertThat(ODD.blockEnd(0)).isEqualTo(7680);
        assertThat(ODD.blockStart(546)).isEqualTo(4193280);
        assertThat(ODD.blockEnd(546)).isEqualTo(4197888);
        assertThat(ODD.bitmapByte(546)).isEqualTo(8192 + 68);
    }

    @Test
    void theLastChunkEndsWhereTheDiskDoes() {
        assertThat(ODD.chunks()).isEqualTo(180);
        assertThat(ODD.chunkEnd(179)).isEqualTo(7341568);
        assertThat(ODD.entryOffset(179)).isEqualTo(12288 + 4 * 179);
    }

    @Test
    void placesInTheFileNeverOverflow() {
        FvdLayout huge = new FvdLayout(Long.MAX_VALUE & -512, 0, 8192, 0, 0, 8192, 1L << 40);
        assertThat(huge.isPhysical((1L << 23) - 2)).isTrue();
        assertThat(huge.isPhysical(1L << 23)).isFalse();
        assertThat(huge.physicalOffset((1L << 23) - 2)).isPositive();
        assertThat(ODD.isPhysical(0x7ffffffe)).isTrue();
        assertThat(ODD.isPhysical(0x7fffffff)).isFalse();
    }

    @Test
    void blocksLargerThanTheBaseImageAreOneBlock() {
        FvdLayout one = new FvdLayout(1024, 1024, 8192, 8192, Long.MAX_VALUE & -512, 0, 0);
        assertThat(one.blocks()).isEqualTo(1);
        assertThat(one.blockEnd(0)).isEqualTo(1024);
    }

    @Test
    void aDiskHasNoMoreChunksThanNumbers() throws Exception {
        assertThat(FvdLayout.entries(0x7fffffffL * 512, 512)).isEqualTo(0x7fffffffL);
        assertThatThrownBy(() -> FvdLayout.entries(0x80000000L * 512, 512)).hasMessageContaining("chunk_size");
    }

    /** Spec section 6: what a sector takes beside a BITMAP record. */
    @Test
    void aSectorTakesOneHundredTwentyOneEntriesInTheFirstLayoutAndTwoLessInTheSecond() {
        assertThat(RecordFormat.V1.entriesBesideBits()).isEqualTo(121);
        assertThat(RecordFormat.V2.entriesBesideBits()).isEqualTo(119);
    }

    /** Table, bitmap and marks have one budget together. */
    @Test
    void thePartsOfAnImageShareItsMemory() {
        assertThat(new FvdLayout(1 << 20, 1 << 20, 0, 0, 4096, 0, 4096).share(900))
                .isEqualTo(300);
        assertThat(new FvdLayout(1 << 20, 1 << 20, 0, 0, 4096, 0, 0).share(900)).isEqualTo(450);
        assertThat(new FvdLayout(1 << 20, 0, 0, 0, 0, 0, 4096).share(900)).isEqualTo(450);
    }
}
