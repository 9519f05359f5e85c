// SPDX-License-Identifier: Apache-2.0
package io.loomblock.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** Off-heap memory is aligned, little-endian, zeroed at first, and checked at both ends. */
class AlignedBufferTest {
    @Test
    void memoryOfItsOwnIsAlignedAndZeroed() throws Exception {
        for (int size : new int[] {0, 1, 4095, 4096, 4097, 123_456}) {
            AlignedBuffer buffer = AlignedBuffer.allocate(size);
            assertThat(buffer.capacity()).isEqualTo(size);
            assertThat(buffer.address(0, 0) & 4095).isZero();
            assertThat(buffer.isZero(0, size)).isTrue();
        }
    }

    @Test
    void moreThanThereCanBeIsEnomem() {
        assertThatThrownBy(() -> AlignedBuffer.allocate(Integer.MAX_VALUE))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOMEM));
    }

    @Test
    void numbersAreLittleEndian() throws Exception {
        AlignedBuffer buffer = AlignedBuffer.allocate(64);
        buffer.putLong(3, 0x0102030405060708L);
        assertThat(buffer.getByte(3)).isEqualTo((byte) 8);
        assertThat(buffer.getByte(10)).isEqualTo((byte) 1);
        assertThat(buffer.getLong(3)).isEqualTo(0x0102030405060708L);
        buffer.putInt(20, 0x01020304);
        assertThat(buffer.getByte(20)).isEqualTo((byte) 4);
        assertThat(buffer.getInt(20)).isEqualTo(0x01020304);
        buffer.putLongRelease(32, 42);
        assertThat(buffer.getLongAcquire(32)).isEqualTo(42);
        assertThat(buffer.nio(3, 8).getLong()).isEqualTo(0x0102030405060708L);
        assertThat(buffer.nio(3, 8).order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    }

    @Test
    void everyAccessIsCheckedAtBothEnds() throws Exception {
        AlignedBuffer buffer = AlignedBuffer.allocate(16);
        AlignedBuffer other = AlignedBuffer.allocate(8);
        byte[] heap = new byte[8];
        assertOutside(() -> buffer.getByte(-1));
        assertOutside(() -> buffer.getByte(16));
        assertOutside(() -> buffer.getInt(13));
        assertOutside(() -> buffer.getLong(9));
        assertOutside(() -> buffer.putLong(-1, 0));
        assertOutside(() -> buffer.fill(8, 9, (byte) 0));
        assertOutside(() -> buffer.fill(0, -1, (byte) 0));
        assertOutside(() -> buffer.nio(1, 16));
        assertOutside(() -> buffer.address(Integer.MAX_VALUE, Integer.MAX_VALUE));
        assertOutside(() -> buffer.copyTo(0, other, 1, 8));
        assertOutside(() -> buffer.copyTo(9, other, 0, 8));
        assertOutside(() -> buffer.get(0, heap, 1, 8));
        assertOutside(() -> buffer.put(9, heap, 0, 8));
        assertOutside(() -> buffer.isZero(10, 7));
        assertOutside(() -> buffer.mismatch(0, other, 0, 9));
    }

    private static void assertOutside(org.assertj.core.api.ThrowableAssert.ThrowingCallable access) {
        assertThatThrownBy(access).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void aSingleByteIsSeenInAnyPlace() throws Exception {
        AlignedBuffer buffer = AlignedBuffer.allocate(200);
        for (int start = 0; start < 9; start++) {
            for (int length = 0; length < 100; length++) {
                assertThat(buffer.isZero(start, length)).isTrue();
                buffer.putByte(start + length, (byte) 1);
                assertThat(buffer.isZero(start, length)).isTrue();
                assertThat(buffer.isZero(start, length + 1)).isFalse();
                buffer.putByte(start + length, (byte) 0);
            }
        }
    }

    @Test
    void copiesMayOverlap() throws Exception {
        AlignedBuffer buffer = AlignedBuffer.allocate(100);
        for (int i = 0; i < 100; i++) {
            buffer.putByte(i, (byte) i);
        }
        buffer.copyTo(0, buffer, 10, 90);
        for (int i = 10; i < 100; i++) {
            assertThat(buffer.getByte(i)).isEqualTo((byte) (i - 10));
        }
    }

    @Test
    void differencesAreFound() throws Exception {
        AlignedBuffer a = AlignedBuffer.allocate(100);
        AlignedBuffer b = AlignedBuffer.allocate(100);
        assertThat(a.mismatch(10, b, 20, 80)).isEqualTo(-1);
        b.putByte(25, (byte) 1);
        assertThat(a.mismatch(10, b, 20, 80)).isEqualTo(5);
    }
}
