// SPDX-License-Identifier: Apache-2.0
package io.loomblock.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A vector of pieces behaves as the bytes of its pieces in a row. */
class IoVectorTest {
    /** Pieces of random lengths, empty ones among them, from random places of random buffers. */
    private static IoVector pieces(Random random, int count) throws Exception {
        List<IoVector> vectors = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int length = random.nextInt(5) == 0 ? 0 : random.nextInt(300);
            AlignedBuffer buffer = AlignedBuffer.allocate(length + 64);
            vectors.add(IoVector.of(buffer, random.nextInt(64), length));
        }
        return IoVector.concat(vectors);
    }

    private static byte[] content(IoVector vector) {
        ByteBuffer bytes = ByteBuffer.allocate(vector.size());
        vector.copyTo(0, bytes);
        return bytes.array();
    }

    @Test
    void anyOperationDoesWhatItWouldDoToAByteArray() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            IoVector vector = pieces(random, 1 + random.nextInt(8));
            byte[] model = new byte[vector.size()];
            AlignedBuffer other = AlignedBuffer.allocate(vector.size() + 100);
            for (int i = 0; i < 50; i++) {
                int length = random.nextInt(model.length + 1);
                int at = random.nextInt(model.length - length + 1);
                int otherAt = random.nextInt(100);
                byte[] data = new byte[length];
                random.nextBytes(data);
                switch (random.nextInt(6)) {
                    case 0 -> {
                        vector.fill(at, length, (byte) i);
                        Arrays.fill(model, at, at + length, (byte) i);
                    }
                    case 1 -> {
                        other.put(otherAt, data, 0, length);
                        vector.copyFrom(at, other, otherAt, length);
                        System.arraycopy(data, 0, model, at, length);
                    }
                    case 2 -> {
                        vector.copyFrom(at, ByteBuffer.wrap(data));
                        System.arraycopy(data, 0, model, at, length);
                    }
                    case 3 -> {
                        vector.copyTo(at, other, otherAt, length);
                        other.get(otherAt, data, 0, length);
                        assertThat(data).isEqualTo(Arrays.copyOfRange(model, at, at + length));
                    }
                    case 4 -> {
                        vector.fill(at, length, (byte) 0);
                        Arrays.fill(model, at, at + length, (byte) 0);
                        assertThat(vector.isZero(at, length)).isTrue();
                    }
                    default -> {
                        boolean zero = true;
                        for (int b = at; b < at + length; b++) {
                            zero &= model[b] == 0;
                        }
                        assertThat(vector.isZero(at, length)).isEqualTo(zero);
                    }
                }
                assertThat(content(vector)).as("seed %d", seed).isEqualTo(model);
            }
        }
    }

    @Test
    void piecesKnowTheirPlace() throws Exception {
        AlignedBuffer a = AlignedBuffer.allocate(100);
        AlignedBuffer b = AlignedBuffer.allocate(100);
        IoVector vector = IoVector.concat(List.of(IoVector.of(a, 10, 20), IoVector.of(b, 0, 0), IoVector.of(b, 5, 30)));
        assertThat(vector.size()).isEqualTo(50);
        assertThat(vector.pieces()).isEqualTo(3);
        assertThat(vector.pieceAt(0)).isZero();
        assertThat(vector.pieceAt(19)).isZero();
        assertThat(vector.pieceAt(20)).isEqualTo(2);
        assertThat(vector.buffer(2)).isSameAs(b);
        assertThat(vector.offset(2)).isEqualTo(5);
        assertThat(vector.length(2)).isEqualTo(30);
        assertThat(vector.start(2)).isEqualTo(20);
        assertThatThrownBy(() -> vector.pieceAt(50)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void rangesOutsideAreRefusedBeforeAnythingIsDone() throws Exception {
        AlignedBuffer a = AlignedBuffer.allocate(100);
        IoVector vector = IoVector.of(a, 10, 20);
        for (int[] range : new int[][] {{-1, 1}, {0, 21}, {20, 1}, {21, 0}, {0, -1}, {5, Integer.MAX_VALUE}}) {
            assertThatThrownBy(() -> vector.fill(range[0], range[1], (byte) 1))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
        assertThat(a.isZero(0, 100)).isTrue();
        assertThatThrownBy(() -> IoVector.of(a, 90, 11)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> vector.copyFrom(1, ByteBuffer.allocate(20)))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void alignmentIsThatOfEveryPiece() throws Exception {
        AlignedBuffer a = AlignedBuffer.allocate(8192);
        assertThat(IoVector.of(a).isAligned(0, 8192, 4096)).isTrue();
        assertThat(IoVector.of(a).isAligned(512, 512, 512)).isTrue();
        assertThat(IoVector.of(a).isAligned(512, 512, 1024)).isFalse();
        assertThat(IoVector.of(a).isAligned(0, 100, 512)).isFalse();
        IoVector two = IoVector.concat(List.of(IoVector.of(a, 0, 512), IoVector.of(a, 100, 512)));
        assertThat(two.isAligned(0, 512, 512)).isTrue();
        assertThat(two.isAligned(0, 1024, 512)).isFalse();
    }
}
