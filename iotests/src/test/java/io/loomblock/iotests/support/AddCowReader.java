// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads a whole add-cow image from the bytes of its files, written from the format's description alone: it shares nothing with the driver that it
 * judges. spec: addcow.md sections 2 and 8.
 */
public final class AddCowReader {
    private static final int FIXED = 76;
    private static final int SECTOR = 512;
    private static final int FORMAT_BYTES = 16;

    private final ByteBuffer image;
    private final byte[] data;
    private final int clusterSize;
    private final int headerSize;
    private final int size;
    private final List<String> problems = new ArrayList<>();

    /** The image that these two files are. */
    public AddCowReader(byte[] image, byte[] data) {
        this.image = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
        this.data = data;
        this.clusterSize = 1 << this.image.getInt(20);
        this.headerSize = this.image.getInt(40);
        this.size = data.length / SECTOR * SECTOR;
        examine();
    }

    private void examine() {
        expect("ACOW".equals(text(0, 4)), "magic");
        expect(clusterSize >= 4096 && clusterSize <= 2 << 20, "cluster size");
        expect(image.getLong(24) == 0, "features");
        expect(headerSize == Math.max(4096, clusterSize), "header size");
        expect(isName(image.getInt(12), image.getInt(16)), "name of the data file");
        expect(isFormat(60), "format of the data file");
        boolean named = image.getInt(4) != 0;
        expect(named == (image.getInt(8) != 0), "place of the backing name");
        expect(!named || isName(image.getInt(4), image.getInt(8)) && isFormat(44), "backing name");
        expect(!named || !allAllocated(), "a backing file that never shows");
        int tables = (clusters() + 8 * clusterSize - 1) / (8 * clusterSize);
        expect(image.capacity() == headerSize + tables * clusterSize, "length of the add-cow file");
        for (int bit = clusters(); bit < (image.capacity() - headerSize) * 8; bit++) {
            expect(!isSet(bit), "bit " + bit + " behind the end");
        }
    }

    private void expect(boolean condition, String otherwise) {
        if (!condition) {
            problems.add(otherwise);
        }
    }

    private boolean isName(int offset, int length) {
        return offset >= FIXED && length > 0 && length < 1024 && offset + length <= headerSize;
    }

    private boolean isFormat(int offset) {
        return image.get(offset) != 0 && image.get(offset + FORMAT_BYTES - 1) == 0;
    }

    private String text(int offset, int length) {
        return new String(image.array(), offset, length, StandardCharsets.UTF_8);
    }

    private int clusters() {
        return (size + clusterSize - 1) / clusterSize;
    }

    private boolean isSet(int cluster) {
        return (image.get(headerSize + cluster / 8) >> cluster % 8 & 1) != 0;
    }

    private boolean allAllocated() {
        return (image.getLong(32) & 1) != 0;
    }

    /** What is wrong; nothing for a sound image. */
    public List<String> problems() {
        return problems;
    }

    /** The recorded name of the backing file, empty if there is none. */
    public String backingName() {
        return text(image.getInt(4), image.getInt(8));
    }

    /** How many clusters the data file has. */
    public int allocated() {
        int count = 0;
        for (int cluster = 0; cluster < clusters(); cluster++) {
            count += allAllocated() || isSet(cluster) ? 1 : 0;
        }
        return count;
    }

    /** All bytes of the disk; {@code base} is what the backing file holds. */
    public byte[] content(byte[] base) {
        byte[] content = Arrays.copyOf(data, size);
        byte[] shown = Arrays.copyOf(Arrays.copyOf(base, base.length / SECTOR * SECTOR), size);
        for (int cluster = 0; cluster < clusters(); cluster++) {
            if (!allAllocated() && !isSet(cluster)) {
                int start = cluster * clusterSize;
                System.arraycopy(shown, start, content, start, Math.min(clusterSize, size - start));
            }
        }
        return content;
    }
}
