// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.CheckResult;
import io.loomblock.FixMode;
import io.loomblock.ImageInfo;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Drivers;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.GoldenImages;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every add-cow image of the manifest gives, column by column, what the manifest says; version 20 of the format's reference wrote them. */
@Tag("jars")
class GoldenAddCowTest {
    private static final GoldenImages IMAGES = new GoldenImages(GoldenAddCowTest.class, "/golden/addcow");

    /** Rows that nothing here can read yet, each with the reason; a row that is neither readable nor here is an error. */
    private static final Map<String, String> WAITING = new TreeMap<>(Map.of(
            "a02-qcow2-4k.add-cow", "its backing file is qcow2",
            "a06-short-qcow2-4k.add-cow", "its backing file is qcow2",
            "a11-many-4k.add-cow", "its backing file is qcow2",
            "a15-imgqcow2-64k.add-cow", "its backing file and its data file are qcow2",
            "a19-dot-512k.add-cow", "its backing file is qcow2"));

    /** A row of the manifest. */
    private record Row(
            String file,
            String image,
            String imageFormat,
            String backing,
            String backingFormat,
            String backingSize,
            long virtualSize,
            int clusterSize,
            String features,
            String compatFeatures,
            String bits,
            String sha256) {
        boolean allAllocated() {
            return compatFeatures.equals("0x1");
        }

        boolean hasBacking() {
            return !backing.equals("-");
        }

        private boolean isReadable() {
            return Drivers.find(imageFormat) != null && (!hasBacking() || Drivers.find(backingFormat) != null);
        }
    }

    @TempDir
    Path directory;

    private static List<Row> rows() throws IOException {
        List<Row> rows = new ArrayList<>();
        for (String[] c : IMAGES.table("manifest.tsv")) {
            rows.add(new Row(
                    c[0],
                    c[1],
                    c[2],
                    c[3],
                    c[4],
                    c[5],
                    Long.parseLong(c[6]),
                    Integer.parseInt(c[7]),
                    c[8],
                    c[9],
                    c[10],
                    c[11]));
        }
        return rows;
    }

    /** A test of one row. */
    private interface RowTest {
        void run(Row row) throws Exception;
    }

    private static Stream<DynamicTest> eachReadable(RowTest test) throws IOException {
        return rows().stream()
                .filter(row -> !WAITING.containsKey(row.file))
                .map(row -> DynamicTest.dynamicTest(row.file, () -> test.run(row)));
    }

    @Test
    void whatWaitsForAFormatIsListed() throws IOException {
        Set<String> unreadable = new TreeSet<>();
        for (Row row : rows()) {
            if (!row.isReadable()) {
                unreadable.add(row.file);
            }
        }
        assertThat(unreadable).isEqualTo(WAITING.keySet());
        assertThat(rows()).hasSize(20);
    }

    @Test
    void everyGoldenFileBelongsToARow() throws IOException {
        Set<String> named = new TreeSet<>();
        for (Row row : rows()) {
            named.addAll(List.of(row.file, plain(row.image), row.backing));
        }
        named.add("a14-root.raw");
        Path resources = Path.of("src/test/resources/golden/addcow");
        if (Files.isDirectory(resources)) {
            try (Stream<Path> files = Files.list(resources)) {
                files.map(f -> f.getFileName().toString())
                        .filter(f -> f.endsWith(".gz"))
                        .forEach(f -> assertThat(named).contains(f.substring(0, f.length() - 3)));
            }
        }
    }

    private static String plain(String name) {
        return name.startsWith("./") ? name.substring(2) : name;
    }

    /** All header fields and the number of bits, also of the images that cannot be read yet. */
    @TestFactory
    Stream<DynamicTest> headerAndBitsAsInTheManifest() throws IOException {
        return rows().stream().map(row -> DynamicTest.dynamicTest(row.file, () -> headerAndBits(row)));
    }

    private void headerAndBits(Row row) throws IOException {
        byte[] bytes = IMAGES.bytes(row.file);
        ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int cluster = row.clusterSize;
        assertThat(b.getInt(0)).isEqualTo(0x574f4341);
        assertThat(1 << b.getInt(20)).isEqualTo(cluster);
        assertThat("0x" + Long.toHexString(b.getLong(24))).isEqualTo(row.features);
        assertThat("0x" + Long.toHexString(b.getLong(32))).isEqualTo(row.compatFeatures);
        assertThat(b.getInt(40)).isEqualTo(Math.max(4096, cluster));
        assertThat(name(bytes, b.getInt(12), b.getInt(16))).isEqualTo(row.image);
        assertThat(name(bytes, b.getInt(4), b.getInt(8))).isEqualTo(row.hasBacking() ? row.backing : "");
        long clusters = (row.virtualSize + cluster - 1) / cluster;
        BitSet set = BitSet.valueOf(Arrays.copyOfRange(bytes, b.getInt(40), bytes.length));
        assertThat(set.cardinality() + "/" + clusters).isEqualTo(row.allAllocated() ? "0/" + clusters : row.bits);
    }

    private static String name(byte[] bytes, int offset, int size) {
        return new String(bytes, offset, size, java.nio.charset.StandardCharsets.UTF_8);
    }

    /** Unpacks an image and all that it names. */
    private Path unpack(Row row) throws IOException {
        IMAGES.unpack(plain(row.image), directory);
        if (row.hasBacking()) {
            for (Row below : rows()) {
                if (below.file.equals(row.backing)) {
                    unpack(below);
                }
            }
            IMAGES.unpack(row.backing, directory);
        }
        return IMAGES.unpack(row.file, directory);
    }

    private static BlockDevice open(Path file, OpenOptions options) throws IOException {
        return BlockDevice.open(file.toString(), options);
    }

    @TestFactory
    Stream<DynamicTest> contentIsBitExact() throws IOException {
        return eachReadable(row -> {
            Path file = unpack(row);
            // The format is found by probing, as the names say what they are themselves.
            try (BlockDevice device = open(file, OpenOptions.readOnly())) {
                assertThat(device.length()).isEqualTo(row.virtualSize);
                assertThat(Guest.sha256(device)).isEqualTo(row.sha256);
                // In one request of any size, which the reference cannot do for short backing files.
                ByteBuffer whole = ByteBuffer.wrap(Guest.bytes(device));
                java.security.MessageDigest digest = Guest.digest();
                digest.update(whole);
                assertThat(java.util.HexFormat.of().formatHex(digest.digest())).isEqualTo(row.sha256);
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> whatTheImageSaysOfItself() throws IOException {
        return eachReadable(row -> {
            Path file = unpack(row);
            try (BlockDevice device = open(file, OpenOptions.readOnly())) {
                ImageInfo info = device.info();
                assertThat(info.format()).isEqualTo("add-cow");
                assertThat(info.clusterSize()).isEqualTo(row.clusterSize);
                assertThat(info.backingFilename()).isEqualTo(row.hasBacking() ? row.backing : null);
                assertThat(info.backingFormat()).isEqualTo(row.hasBacking() ? row.backingFormat : null);
                assertThat(info.formatSpecific())
                        .containsEntry("data-file", row.image)
                        .containsEntry("data-file-format", row.imageFormat)
                        .containsEntry("all-allocated", row.allAllocated());
                if (row.hasBacking() && !row.backingSize.equals("-")) {
                    assertThat(device.node().backing().length()).isEqualTo(Long.parseLong(row.backingSize));
                }
                CheckResult check = device.check(FixMode.NONE);
                assertThat(check.isClean()).isTrue();
                String bits = check.allocatedClusters() + "/" + check.totalClusters();
                assertThat(bits)
                        .isEqualTo(row.allAllocated() ? check.totalClusters() + "/" + check.totalClusters() : row.bits);
            }
        });
    }

    /** A writable open and a close change no file. */
    @TestFactory
    Stream<DynamicTest> openingChangesNothing() throws IOException {
        return eachReadable(row -> {
            Path file = unpack(row);
            Map<String, byte[]> before = contents();
            try (BlockDevice device = open(file, OpenOptions.readWrite())) {
                assertThat(device.length()).isEqualTo(row.virtualSize);
            }
            Map<String, byte[]> after = contents();
            assertThat(after.keySet()).isEqualTo(before.keySet());
            after.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(before.get(name)));
        });
    }

    private Map<String, byte[]> contents() throws IOException {
        Map<String, byte[]> contents = new HashMap<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                contents.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        return contents;
    }

    /** Writes in every cluster, head and tail left to be copied: what is not written stays as it was. */
    @TestFactory
    Stream<DynamicTest> writesLeaveTheRestAsItWas() throws IOException {
        return eachReadable(row -> {
            Path file = unpack(row);
            byte[] expected;
            try (BlockDevice device = open(file, OpenOptions.readWrite())) {
                expected = Guest.bytes(device);
                int step = Math.max(row.clusterSize, 1 << 16);
                for (int at = 0; at < expected.length; at += step) {
                    int from = Math.min(expected.length - 512, at + 1000);
                    int length = Math.min(700, expected.length - from);
                    Arrays.fill(expected, from, from + length, (byte) 0x5a);
                    Guest.write(device, from, length, 0x5a);
                }
                assertThat(Guest.bytes(device)).isEqualTo(expected);
            }
            try (BlockDevice device = open(file, OpenOptions.readOnly())) {
                assertThat(Guest.bytes(device)).isEqualTo(expected);
            }
        });
    }
}
