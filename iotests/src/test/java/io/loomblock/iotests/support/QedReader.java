// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A second reader and checker of QED images, written from the format description for tests; shares no code with the driver.
 *
 * <p>Works on the bytes of a whole file, so only for small ones. A valid header is taken for granted.
 */
public final class QedReader {
    /** What a guest cluster is. */
    public enum State {
        UNALLOCATED,
        ZERO,
        DATA,
        INVALID
    }

    private final ByteBuffer file;
    private final int clusterSize;
    private final int tableSize;
    private final long headerBytes;
    private final long features;
    private final long compatFeatures;
    private final long autoclearFeatures;
    private final long l1Offset;
    private final long imageSize;
    private final long fileEnd;

    /** References to each cluster of the file that has any. */
    private final Map<Long, Integer> references = new HashMap<>();

    private final List<Long> tables = new ArrayList<>();
    private int corruptions;

    /** Reads a file. */
    public static QedReader of(Path path) throws IOException {
        return new QedReader(Files.readAllBytes(path));
    }

    /** Reads the bytes of a file. */
    public QedReader(byte[] bytes) {
        file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        clusterSize = file.getInt(4);
        tableSize = file.getInt(8);
        headerBytes = (file.getInt(12) & 0xffffffffL) * clusterSize;
        features = file.getLong(16);
        compatFeatures = file.getLong(24);
        autoclearFeatures = file.getLong(32);
        l1Offset = file.getLong(40);
        imageSize = file.getLong(48);
        fileEnd = bytes.length / clusterSize * (long) clusterSize;
        count();
    }

    public int clusterSize() {
        return clusterSize;
    }

    public int tableSize() {
        return tableSize;
    }

    public long features() {
        return features;
    }

    public boolean needCheck() {
        return (features & 2) != 0;
    }

    public long compatFeatures() {
        return compatFeatures;
    }

    public long autoclearFeatures() {
        return autoclearFeatures;
    }

    public long imageSize() {
        return imageSize;
    }

    /** Wrong entries, and references beyond the first to any cluster. */
    public int corruptions() {
        return corruptions;
    }

    /** Whole clusters behind the header that nothing refers to. */
    public long leaks() {
        long leaks = 0;
        for (long at = headerBytes; at < fileEnd; at += clusterSize) {
            if (!references.containsKey(at)) {
                leaks++;
            }
        }
        return leaks;
    }

    /** How many L2 tables there are. */
    public int tables() {
        return tables.size();
    }

    /** What the guest cluster is that holds this byte. */
    public State state(long guestOffset) {
        long table = l1Entry(guestOffset);
        if (table == 0) {
            return State.UNALLOCATED;
        }
        if (!isTable(table)) {
            return State.INVALID;
        }
        long entry = l2Entry(table, guestOffset);
        if (entry == 0) {
            return State.UNALLOCATED;
        }
        if (entry == 1) {
            return State.ZERO;
        }
        return isCluster(entry) && !isInsideTable(entry) ? State.DATA : State.INVALID;
    }

    /** Where the cluster of this guest byte lies in the file; only for {@link State#DATA}. */
    public long dataOffset(long guestOffset) {
        return l2Entry(l1Entry(guestOffset), guestOffset);
    }

    /** The guest's bytes; {@code backing} shows through, zeros after its end. Invalid clusters read as zeros here. */
    public byte[] content(byte[] backing) {
        byte[] guest = new byte[Math.toIntExact(imageSize)];
        for (int at = 0; at < guest.length; at += clusterSize) {
            int n = Math.min(clusterSize, guest.length - at);
            switch (state(at)) {
                case DATA -> file.get((int) dataOffset(at), guest, at, n);
                case UNALLOCATED -> {
                    if (at < backing.length) {
                        System.arraycopy(backing, at, guest, at, Math.min(n, backing.length - at));
                    }
                }
                case ZERO, INVALID -> Arrays.fill(guest, at, at + n, (byte) 0);
            }
        }
        return guest;
    }

    private long l1Entry(long guestOffset) {
        long entries = (long) tableSize * clusterSize / 8;
        int index = (int) (guestOffset / clusterSize / entries);
        return file.getLong((int) l1Offset + index * 8);
    }

    private long l2Entry(long table, long guestOffset) {
        long entries = (long) tableSize * clusterSize / 8;
        int index = (int) (guestOffset / clusterSize % entries);
        return file.getLong((int) table + index * 8);
    }

    private void count() {
        refer(l1Offset);
        int entries = tableSize * clusterSize / 8;
        for (int i = 0; i < entries; i++) {
            long table = file.getLong((int) l1Offset + i * 8);
            if (table != 0 && !isTable(table)) {
                corruptions++;
            } else if (table != 0) {
                tables.add(table);
                if (refer(table)) {
                    countTable(table, entries);
                }
            }
        }
    }

    private void countTable(long table, int entries) {
        for (int i = 0; i < entries; i++) {
            long entry = file.getLong((int) table + i * 8);
            if (entry == 0 || entry == 1) {
                continue;
            }
            if (!isCluster(entry) || references.merge(entry, 1, Integer::sum) > 1) {
                corruptions++;
            }
        }
    }

    /** Counts a table's clusters; whether all were free. */
    private boolean refer(long table) {
        boolean alone = true;
        for (int i = 0; i < tableSize; i++) {
            if (references.merge(table + (long) i * clusterSize, 1, Integer::sum) > 1) {
                corruptions++;
                alone = false;
            }
        }
        return alone;
    }

    private boolean isCluster(long offset) {
        return offset % clusterSize == 0 && offset >= headerBytes && offset < fileEnd;
    }

    private boolean isTable(long offset) {
        return isCluster(offset) && isCluster(offset + (tableSize - 1L) * clusterSize);
    }

    private boolean isInsideTable(long offset) {
        long bytes = (long) tableSize * clusterSize;
        if (offset >= l1Offset && offset < l1Offset + bytes) {
            return true;
        }
        for (long table : tables) {
            if (offset >= table && offset < table + bytes) {
                return true;
            }
        }
        return false;
    }
}
