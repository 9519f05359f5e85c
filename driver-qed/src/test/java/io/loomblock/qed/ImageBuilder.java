// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.testkit.SparseBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Puts a QED file together byte by byte, good or bad, without any code of the driver. */
final class ImageBuilder {
    private final SparseBytes bytes = new SparseBytes();
    private final int clusterSize;
    private final int tableSize;
    private final long l1Offset;
    private long end;

    private ImageBuilder(int clusterSize, int tableSize, long headerSize, long imageSize) {
        this.clusterSize = clusterSize;
        this.tableSize = tableSize;
        this.l1Offset = headerSize * clusterSize;
        this.end = l1Offset + tableBytes();
        putInt(0, 0x00444551);
        putInt(4, clusterSize);
        putInt(8, tableSize);
        putInt(12, (int) headerSize);
        putLong(40, l1Offset);
        putLong(48, imageSize);
        bytes.truncate(end);
    }

    /** An empty image: header in one cluster, L1 table behind it. */
    static ImageBuilder image(int clusterSize, int tableSize, long imageSize) {
        return new ImageBuilder(clusterSize, tableSize, 1, imageSize);
    }

    /** The same with a header area of several clusters. */
    static ImageBuilder image(int clusterSize, int tableSize, long headerSize, long imageSize) {
        return new ImageBuilder(clusterSize, tableSize, headerSize, imageSize);
    }

    int tableBytes() {
        return clusterSize * tableSize;
    }

    private long span() {
        return tableBytes() / 8L * clusterSize;
    }

    ImageBuilder putInt(long offset, int value) {
        return put(
                offset,
                ByteBuffer.allocate(4)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(0, value)
                        .array());
    }

    ImageBuilder putLong(long offset, long value) {
        return put(
                offset,
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(0, value)
                        .array());
    }

    ImageBuilder put(long offset, byte[] data) {
        bytes.write(offset, data, 0, data.length);
        return this;
    }

    long getLong(long offset) {
        byte[] data = new byte[8];
        bytes.read(offset, data, 0, 8);
        return ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    ImageBuilder features(long bits) {
        return putLong(16, bits);
    }

    ImageBuilder backing(String name, boolean raw) {
        byte[] encoded = name.getBytes(StandardCharsets.UTF_8);
        features(getLong(16) | 1 | (raw ? 4 : 0));
        return putInt(56, 64).putInt(60, encoded.length).put(64, encoded);
    }

    /** Takes clusters at the end of the file; where they start. */
    long take(int clusters) {
        long start = end;
        end += (long) clusters * clusterSize;
        bytes.truncate(end);
        return start;
    }

    ImageBuilder l1(int index, long value) {
        return putLong(l1Offset + index * 8L, value);
    }

    /** The L2 table of this L1 entry, made if there is none. */
    long table(int index) {
        long table = getLong(l1Offset + index * 8L);
        if (table == 0) {
            table = take(tableSize);
            l1(index, table);
        }
        return table;
    }

    /** Sets the L2 entry of the cluster at a place of the guest's disk. */
    ImageBuilder entry(long pos, long value) {
        return putLong(entryOffset(pos), value);
    }

    /** Where that entry stands in the file. */
    long entryOffset(long pos) {
        return table((int) (pos / span())) + pos % span() / clusterSize * 8;
    }

    /** A data cluster full of one byte, for a place of the guest's disk; where it lies in the file. */
    long data(long pos, int fill) {
        long entryOffset = entryOffset(pos);
        long cluster = take(1);
        byte[] content = new byte[clusterSize];
        Arrays.fill(content, (byte) fill);
        put(cluster, content);
        putLong(entryOffset, cluster);
        return cluster;
    }

    /** Cuts or lengthens the file. */
    ImageBuilder length(long length) {
        bytes.truncate(length);
        return this;
    }

    /** Where the clusters end that were taken. */
    long end() {
        return end;
    }

    long l1Offset() {
        return l1Offset;
    }

    /** The file so far. */
    SparseBytes build() {
        return bytes.copy();
    }
}
