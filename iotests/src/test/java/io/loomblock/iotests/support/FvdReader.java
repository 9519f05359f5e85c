// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A second reader and checker of FVD images of both layouts, written from the format description for tests; shares no code with the driver.
 *
 * <p>Works on the bytes of whole files, so only for small ones. A valid header is taken for granted. An image that was not closed in order is
 * seen as it is after its journal was replayed.
 */
public final class FvdReader {
    private static final int SECTOR = 512;
    private static final int BITMAP_RECORD = 0x3F2AB8ED;
    private static final int TABLE_RECORD = 0xB4E6F7AC;
    private static final long EMPTY = 0xffffffffL;

    private final ByteBuffer file;
    private final ByteBuffer data;
    private final boolean first;
    private final boolean[] bits;
    private final long[] table;
    private final Map<Long, Long> entryEpochs = new HashMap<>();
    private int journalRecords;

    /** An image whose data is in it. */
    public FvdReader(byte[] bytes) {
        this(bytes, null);
    }

    /** An image, and its data file if it has one. */
    public FvdReader(byte[] bytes, byte[] dataFile) {
        file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        data = ByteBuffer.wrap(dataFile == null ? bytes : dataFile);
        first = file.getInt(4) == 1;
        bits = new boolean[usesBase() ? (int) ceil(baseSize(), blockSize()) : 0];
        table = new long[isCompact() ? (int) ceil(virtualSize(), chunkSize()) : 0];
        loadBits();
        loadTable();
        if (!isClean() && journalSize() > 0) {
            replay();
        }
    }

    private static long ceil(long a, long b) {
        return (a + b - 1) / b;
    }

    private long number(int inFirst, int inSecond) {
        return file.getLong(first ? inFirst : inSecond);
    }

    private boolean flag(int inFirst, int inSecond) {
        return file.getInt(first ? inFirst : inSecond) != 0;
    }

    private String text(int at, int size) {
        byte[] field = new byte[size];
        file.get(at, field);
        int length = 0;
        while (field[length] != 0) {
            length++;
        }
        return new String(field, 0, length, StandardCharsets.UTF_8);
    }

    public int version() {
        return file.getInt(4);
    }

    public long virtualSize() {
        return number(12, 8);
    }

    /** Where the data area starts; where the metadata ends. */
    public long dataOffset() {
        return number(20, 16);
    }

    public String base() {
        return text(first ? 28 : 1064, 1024);
    }

    public String dataFile() {
        return text(first ? 1108 : 24, 1024);
    }

    public long baseSize() {
        return number(1068, 2104);
    }

    public boolean allData() {
        return flag(8, 3240);
    }

    private boolean usesBase() {
        return !allData();
    }

    public long blockSize() {
        return first ? file.getInt(1092) : file.getLong(2128);
    }

    public boolean isCompact() {
        return first ? file.getInt(2208) != 0 : file.getLong(2144) != 0;
    }

    public long chunkSize() {
        return number(2220, 2152);
    }

    public long growUnit() {
        return number(2228, 2160);
    }

    public long journalSize() {
        return number(4292, 3200);
    }

    public boolean isClean() {
        return flag(4300, 3216);
    }

    public boolean copyOnRead() {
        return flag(1096, 3220);
    }

    public boolean needsZeroInit() {
        return flag(4304, 3312);
    }

    public long stableEpoch() {
        return first ? 0 : file.getLong(3208);
    }

    /** How many records of the journal were looked at. */
    public int journalRecords() {
        return journalRecords;
    }

    private void loadBits() {
        long offset = number(1076, 2112);
        for (int i = 0; i < bits.length; i++) {
            bits[i] = (file.get((int) offset + i / 8) >>> i % 8 & 1) != 0;
        }
    }

    private void loadTable() {
        long offset = number(2212, 2136);
        for (int i = 0; i < table.length; i++) {
            table[i] = entry(file.getInt((int) offset + i * 4));
        }
    }

    private static long entry(int stored) {
        long value = stored & 0xffffffffL;
        return value == EMPTY ? EMPTY : value & 0x7fffffffL;
    }

    private void replay() {
        long offset = number(4284, 3192);
        for (long at = 0; at < journalSize(); at += SECTOR) {
            replaySector((int) (offset + at));
        }
    }

    private void replaySector(int start) {
        int at = start;
        while (at + 4 <= start + SECTOR) {
            int type = file.getInt(at);
            if (type == BITMAP_RECORD) {
                setBits(file.getLong(at + 8), file.getInt(at + 4) & 0xffffffffL);
                at += 16;
            } else if (type == TABLE_RECORD) {
                at = first
                        ? setEntries(0, file.getInt(at + 4), file.getInt(at + 8), at + 12)
                        : setEntries(file.getLong(at + 4), file.getInt(at + 16), file.getInt(at + 12), at + 20);
            } else {
                return;
            }
            journalRecords++;
        }
    }

    private void setBits(long firstSector, long sectors) {
        for (long sector = firstSector; sector < firstSector + sectors && usesBase(); sector++) {
            if (sector * SECTOR < baseSize()) {
                bits[(int) (sector * SECTOR / blockSize())] = true;
            }
        }
    }

    private int setEntries(long epoch, int firstEntry, int count, int at) {
        for (int i = 0; i < count; i++) {
            long chunk = firstEntry + i;
            boolean older = Long.compareUnsigned(epoch, entryEpochs.getOrDefault(chunk, 0L)) < 0;
            if (Long.compareUnsigned(epoch, stableEpoch()) >= 0 && !older) {
                table[(int) chunk] = entry(file.getInt(at + i * 4));
                entryEpochs.put(chunk, epoch);
            }
        }
        return at + count * 4;
    }

    private long dataStart() {
        return dataFile().isEmpty() ? dataOffset() / SECTOR * SECTOR : 0;
    }

    /** The guest's bytes; {@code base} shows through as far as the header says, zeros after its end. */
    public byte[] content(byte[] base) {
        byte[] guest = new byte[Math.toIntExact(virtualSize())];
        for (int at = 0; at < guest.length; at += SECTOR) {
            if (usesBase() && at < baseSize() && !bits[(int) (at / blockSize())]) {
                int n = Math.clamp(base.length - (long) at, 0, SECTOR);
                System.arraycopy(base, Math.min(at, base.length), guest, at, n);
            } else {
                readData(at, guest);
            }
        }
        return guest;
    }

    private void readData(int at, byte[] guest) {
        long place = at;
        if (isCompact()) {
            long physical = table[(int) (at / chunkSize())];
            if (physical == EMPTY) {
                return;
            }
            place = physical * chunkSize() + at % chunkSize();
        }
        place += dataStart();
        int n = Math.clamp(data.capacity() - place, 0, SECTOR);
        data.get((int) Math.min(place, data.capacity()), guest, at, n);
    }

    /** Chunks that have storage. */
    public long chunks() {
        long count = 0;
        for (long physical : table) {
            count += physical == EMPTY ? 0 : 1;
        }
        return count;
    }

    /** Whether the block with this byte of the base image is not read from there any more. */
    public boolean has(long offset) {
        return bits[(int) (offset / blockSize())];
    }

    /** What is wrong: two chunks in one place, a place that is not there, areas in one another. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        Map<Long, Integer> owners = new HashMap<>();
        long storage = ceil(Math.max(0, data.capacity() - dataStart()), isCompact() ? chunkSize() : 1);
        for (int chunk = 0; chunk < table.length; chunk++) {
            if (table[chunk] == EMPTY) {
                continue;
            }
            Integer other = owners.put(table[chunk], chunk);
            if (other != null) {
                problems.add("chunks " + other + " and " + chunk + " share place " + table[chunk]);
            }
            if (table[chunk] >= storage) {
                problems.add("chunk " + chunk + " is beyond the storage");
            }
        }
        checkAreas(problems);
        return problems;
    }

    private void checkAreas(List<String> problems) {
        TreeMap<Long, Long> areas = new TreeMap<>();
        areas.put(0L, first ? 4336L : 7412L);
        put(areas, usesBase(), number(1076, 2112), number(1084, 2120));
        put(areas, isCompact(), number(2212, 2136), ceil(table.length * 4L, 4096) * 4096);
        put(areas, journalSize() > 0, number(4284, 3192), journalSize());
        long end = 0;
        for (Map.Entry<Long, Long> area : areas.entrySet()) {
            if (area.getKey() < end) {
                problems.add("areas overlap at " + area.getKey());
            }
            end = area.getKey() + area.getValue();
        }
        if (dataFile().isEmpty() && end > dataOffset()) {
            problems.add("metadata reaches into the data");
        }
    }

    private static void put(TreeMap<Long, Long> areas, boolean present, long offset, long size) {
        if (present) {
            areas.put(offset, size);
        }
    }
}
