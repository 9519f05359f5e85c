// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.ImageInfo;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.QedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Every image of the manifest gives, column by column, what the manifest says. */
@Tag("jars")
class GoldenQedTest {
    /** Columns of the manifest, those that are asserted together taken together. */
    enum Column {
        HEADER,
        CONTENT,
        CHECK,
        REPAIR,
        OPEN_CLOSE,
        MAP
    }

    /** Cells that no test looks at, each with the reason; anything else without a test is an error. */
    private static final Map<String, String> UNASSERTED = Map.of();

    private static final long NEED_CHECK = 2;

    @TempDir
    Path directory;

    private final JsonNode maps = readMaps();

    private static JsonNode readMaps() {
        try {
            return new ObjectMapper().readTree(GoldenRow.IMAGES.text("maps.json"));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @TestFactory
    Stream<DynamicTest> headerAsInTheManifest() throws IOException {
        return tests(Column.HEADER);
    }

    @TestFactory
    Stream<DynamicTest> contentOrRefusal() throws IOException {
        return tests(Column.CONTENT);
    }

    @TestFactory
    Stream<DynamicTest> checkCounts() throws IOException {
        return tests(Column.CHECK);
    }

    @TestFactory
    Stream<DynamicTest> repairAndContentAfterwards() throws IOException {
        return tests(Column.REPAIR);
    }

    @TestFactory
    Stream<DynamicTest> writableOpenAndClose() throws IOException {
        return tests(Column.OPEN_CLOSE);
    }

    @TestFactory
    Stream<DynamicTest> map() throws IOException {
        return tests(Column.MAP);
    }

    @Test
    void everyCellIsAssertedOrListedWithItsReason() throws IOException {
        TreeSet<String> missing = new TreeSet<>();
        TreeSet<String> names = new TreeSet<>();
        for (GoldenRow row : GoldenRow.all()) {
            names.add(row.file());
            for (Column column : Column.values()) {
                if (isFilled(row, column) && test(row, column) == null) {
                    missing.add(row.file() + " " + column);
                }
            }
        }
        assertThat(missing).isEqualTo(UNASSERTED.keySet());
        maps.fieldNames().forEachRemaining(name -> assertThat(names).contains(name));
    }

    @Test
    void everyGoldenFileHasARow() throws IOException {
        TreeSet<String> named = new TreeSet<>();
        for (GoldenRow row : GoldenRow.all()) {
            named.add(row.file());
            // Fails where the file is missing.
            GoldenRow.IMAGES.unpack(row.file(), directory);
        }
        Path resources = Path.of("src/test/resources/golden/qed");
        if (Files.isDirectory(resources)) {
            try (Stream<Path> files = Files.list(resources)) {
                files.map(f -> f.getFileName().toString())
                        .filter(f -> f.endsWith(".gz"))
                        .forEach(f -> assertThat(named).contains(f.substring(0, f.length() - 3)));
            }
        }
    }

    private Stream<DynamicTest> tests(Column column) throws IOException {
        return GoldenRow.all().stream()
                .filter(row -> test(row, column) != null)
                .map(row -> DynamicTest.dynamicTest(row.file(), test(row, column)));
    }

    /** Whether the manifest says anything in this column. */
    private boolean isFilled(GoldenRow row, Column column) {
        return switch (column) {
            case HEADER -> !row.virtualSize().equals("-");
            case CONTENT -> !row.content().equals("-");
            case CHECK -> !row.check().equals("-");
            case REPAIR -> !row.checkRepair().equals("-");
            case OPEN_CLOSE -> !row.afterOpenClose().equals("-");
            case MAP -> maps.has(row.file());
        };
    }

    /** The test of a cell, or null. */
    private Executable test(GoldenRow row, Column column) {
        if (!isFilled(row, column)) {
            return null;
        }
        if (row.isRaw()) {
            return column == Column.HEADER || column == Column.CONTENT ? () -> rawFile(row) : null;
        }
        if (row.refused()) {
            return () -> refusal(row);
        }
        return switch (column) {
            case HEADER -> () -> header(row);
            case CONTENT -> row.unreadableParts() ? () -> readablePartsReadAndOthersFail(row) : () -> content(row);
            case CHECK -> () -> check(row);
            case REPAIR -> () -> repair(row);
            case OPEN_CLOSE -> () -> openClose(row);
            case MAP -> () -> map(row);
        };
    }

    /** Unpacks an image and the raw and QED files below it. */
    private Path unpack(GoldenRow row) throws IOException {
        List<String> below =
                switch (row.backingFile()) {
                    case "-", "base-q.raw" -> List.of();
                    case "chain-mid.qed" -> List.of("chain-mid.qed", "base-a.raw");
                    default -> List.of(row.backingFile());
                };
        List<String> present = new ArrayList<>(below);
        if (row.file().startsWith("x-back-nul")) {
            present.add("base-a.raw");
        }
        for (String name : present) {
            GoldenRow.IMAGES.unpack(name, directory);
        }
        return GoldenRow.IMAGES.unpack(row.file(), directory);
    }

    private static OpenOptions readOnly() {
        return OpenOptions.readOnly().withFormat("qed");
    }

    private static OpenOptions readWrite() {
        return OpenOptions.readWrite().withFormat("qed");
    }

    private static BlockDevice open(Path file, OpenOptions options) throws BlockException {
        return BlockDevice.open(file.toString(), options);
    }

    private void rawFile(GoldenRow row) throws IOException {
        byte[] bytes = GoldenRow.IMAGES.bytes(row.file());
        assertThat((long) bytes.length).isEqualTo(Long.parseLong(row.virtualSize()));
        assertThat(row.content())
                .endsWith(HexFormat.of().formatHex(Guest.digest().digest(bytes)));
    }

    private void header(GoldenRow row) throws IOException {
        Path file = unpack(row);
        QedReader reader = QedReader.of(file);
        try (BlockDevice device = open(file, readOnly())) {
            ImageInfo info = device.info();
            assertThat(device.length()).isEqualTo(Long.parseLong(row.virtualSize()));
            assertThat(info.format()).isEqualTo("qed");
            assertThat(info.clusterSize()).isEqualTo(Long.parseLong(row.clusterSize()));
            assertThat((long) reader.tableSize()).isEqualTo(Long.parseLong(row.tableSize()));
            assertThat(reader.features()).isEqualTo(Long.decode(row.features()));
            assertThat(info.dirty()).isEqualTo((reader.features() & NEED_CHECK) != 0);
            boolean named = !row.backingFile().equals("-");
            assertThat(info.backingFilename()).isEqualTo(named ? row.backingFile() : null);
            assertThat(info.backingFormat())
                    .isEqualTo(named && row.backingFormat().equals("raw") ? "raw" : null);
            if (named) {
                assertThat(info.fullBackingFilename())
                        .isEqualTo(directory.resolve(row.backingFile()).toString());
            }
        }
    }

    private void refusal(GoldenRow row) throws IOException {
        Path file = unpack(row);
        byte[] before = Files.readAllBytes(file);
        for (OpenOptions options : List.of(readOnly(), readWrite(), readWrite().withCheck(true), probed())) {
            BlockException e = catchThrowableOfType(
                    BlockException.class, () -> open(file, options).close());
            if (options.format() == null && row.file().equals("x-bad-magic.qed")) {
                // Without magic it is a raw file like any other.
                assertThat(e).isNull();
                continue;
            }
            assertThat(e).as("%s opened with %s", row, options).isNotNull();
            assertThat(e.reason()).doesNotContain("\n").isEqualTo(reason(row));
            assertThat(e.errno()).isEqualTo(errno(row));
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    private static OpenOptions probed() {
        return OpenOptions.readWrite();
    }

    /** QEMU's words where it refuses the image too. */
    private String reason(GoldenRow row) {
        return switch (row.file()) {
            case "x-hs-zero.qed" -> "QED header size is invalid";
            case "x-back-nul.qed" -> "QED backing filename contains a NUL byte";
            case "c-trunc-hdr.qed" -> "Failed to read QED header: the file is too short";
            // QEMU's largest size wraps to 0 for such clusters (E3).
            case "x-cs-max.qed" -> "QED table offset is invalid";
            case "x-back-missing.qed" ->
                row.refusal().replace("'base-q.raw'", "'" + directory.resolve("base-q.raw") + "'");
            default -> row.refusal();
        };
    }

    private static Errno errno(GoldenRow row) {
        if (row.file().startsWith("x-feat")) {
            return Errno.ENOTSUP;
        }
        return row.file().equals("x-back-missing.qed") ? Errno.ENOENT : Errno.EINVAL;
    }

    private void content(GoldenRow row) throws IOException {
        Path file = unpack(row);
        byte[] before = Files.readAllBytes(file);
        try (BlockDevice device = open(file, readOnly())) {
            assertThat(Guest.sha256(device)).isEqualTo(row.sha256());
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    /** Compares with an independent reader, cluster by cluster. */
    private void readablePartsReadAndOthersFail(GoldenRow row) throws IOException {
        Path file = unpack(row);
        byte[] before = Files.readAllBytes(file);
        QedReader reader = new QedReader(before);
        byte[] expected = reader.content(new byte[0]);
        int failed = 0;
        try (BlockDevice device = open(file, readOnly())) {
            for (int at = 0; at < expected.length; at += reader.clusterSize()) {
                int offset = at;
                int n = Math.min(reader.clusterSize(), expected.length - at);
                if (reader.state(at) == QedReader.State.INVALID) {
                    failed++;
                    BlockException e = catchThrowableOfType(BlockException.class, () -> Guest.read(device, offset, n));
                    assertThat(e).as("read at %d", at).isNotNull();
                    assertThat(e.errno()).isEqualTo(Errno.EIO);
                } else {
                    assertThat(Guest.read(device, at, n))
                            .as("cluster at %d", at)
                            .isEqualTo(java.util.Arrays.copyOfRange(expected, at, at + n));
                }
            }
        }
        assertThat(failed).isPositive();
        if (row.file().equals("c-trunc-run.qed")) {
            assertThat(reader.state(52 << 10)).isEqualTo(QedReader.State.INVALID);
            assertThat(reader.state(56 << 10)).isEqualTo(QedReader.State.INVALID);
            assertThat(failed).isEqualTo(2);
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    private void check(GoldenRow row) throws IOException {
        Path file = unpack(row);
        byte[] before = Files.readAllBytes(file);
        try (BlockDevice device = open(file, readOnly().withCheck(true))) {
            CheckResult result = device.check(FixMode.NONE);
            assertThat(GoldenRow.words(result)).isEqualTo(expectedCheck(row));
            assertThat(GoldenRow.exit(result)).isEqualTo(expectedExit(row));
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    /** QEMU counts phantom leaks in files above 16 MiB with 4 KiB clusters, and cannot open tables of one cluster. */
    private static boolean isReferenceBug(GoldenRow row) {
        return row.description().contains("REFBUG");
    }

    private static String expectedCheck(GoldenRow row) {
        return isReferenceBug(row) ? "clean" : row.check();
    }

    private static int expectedExit(GoldenRow row) {
        return isReferenceBug(row) ? 0 : Integer.parseInt(row.checkExit());
    }

    private void repair(GoldenRow row) throws IOException {
        Path file = unpack(row);
        String untouched = row.unreadableParts() ? null : fingerprint(file);
        try (BlockDevice device = open(file, readWrite().withCheck(true))) {
            CheckResult first = device.check(FixMode.ALL);
            CheckResult second = device.check(FixMode.NONE);
            assertThat(said(first, second) + " then " + GoldenRow.words(second) + exit(second))
                    .isEqualTo(expectedRepair(row));
        }
        QedReader reader = QedReader.of(file);
        assertThat(reader.features()).isEqualTo(featuresAfterRepair(row));
        if (row.file().startsWith("c-data-is-l")) {
            // Nothing can be repaired there, so the cluster stays unreadable.
            assertThat(row.contentAfterRepair()).isEqualTo(row.content());
            assertThat(reader.corruptions()).isPositive();
        } else if (row.contentAfterRepair().equals(row.content())) {
            assertThat(fingerprint(file)).isEqualTo(untouched);
        } else {
            try (BlockDevice device = open(file, readOnly())) {
                assertThat(Guest.sha256(device)).isEqualTo(row.contentAfterRepair());
            }
        }
    }

    /** What a repair prints: what is left after it, and what it fixed. */
    private static String said(CheckResult first, CheckResult second) {
        CheckResult both = new CheckResult(
                second.corruptions(), second.leaks(), second.checkErrors(), first.corruptionsFixed(), 0, 0, 0, 0, 0, 0);
        return GoldenRow.words(both) + exit(both);
    }

    private static String exit(CheckResult result) {
        return " (exit " + GoldenRow.exit(result) + ")";
    }

    private static String expectedRepair(GoldenRow row) {
        String withoutFeatures = row.checkRepair().replaceAll(", features 0x[0-9a-f]+$", "");
        return isReferenceBug(row) ? "clean (exit 0) then clean (exit 0)" : withoutFeatures;
    }

    private static long featuresAfterRepair(GoldenRow row) {
        if (row.file().equals("c-dirty-dup.qed")) {
            // QEMU drops the mark although corruption is left (E10).
            return NEED_CHECK;
        }
        return Long.decode(row.checkRepair().replaceAll(".*features ", ""));
    }

    private void openClose(GoldenRow row) throws IOException {
        Path file = unpack(row);
        byte[] before = Files.readAllBytes(file);
        QedReader old = new QedReader(before);
        if (row.file().equals("c-dirty-dup.qed")) {
            BlockException e = catchThrowableOfType(
                    BlockException.class, () -> open(file, readWrite()).close());
            assertThat(e).isNotNull();
            assertThat(e.reason()).isEqualTo("Image corrupted");
            assertThat(Files.readAllBytes(file)).isEqualTo(before);
            return;
        }
        String untouched = row.unreadableParts() ? null : fingerprint(file);
        open(file, readWrite()).close();
        QedReader reader = QedReader.of(file);
        String[] words = row.afterOpenClose().split("[ ,]+", 6);
        assertThat(reader.features()).isEqualTo(Long.decode(words[1]));
        assertThat(reader.autoclearFeatures()).isEqualTo(Long.decode(words[3]));
        assertThat(reader.compatFeatures()).isEqualTo(old.compatFeatures());
        String content = words[5];
        if (content.equals("unchanged") || content.startsWith("exit 1")) {
            if (untouched == null) {
                assertThat(reader.content(new byte[0])).isEqualTo(old.content(new byte[0]));
            } else {
                assertThat(fingerprint(file)).isEqualTo(untouched);
            }
        } else {
            try (BlockDevice device = open(file, readOnly())) {
                assertThat(Guest.sha256(device)).isEqualTo(content);
            }
        }
    }

    private static String fingerprint(Path file) throws BlockException {
        try (BlockDevice device = open(file, readOnly())) {
            return Guest.fingerprint(device);
        }
    }

    private void map(GoldenRow row) throws IOException {
        Path file = unpack(row);
        if (row.unreadableParts()) {
            mapOfUnreadable(row, file);
            return;
        }
        List<Guest.Extent> expected = new ArrayList<>();
        for (JsonNode e : maps.get(row.file())) {
            if (e.get("length").asLong() == 0) {
                // The tool's way of printing an empty disk.
                continue;
            }
            expected.add(new Guest.Extent(
                    e.get("start").asLong(),
                    e.get("length").asLong(),
                    e.get("depth").asInt(),
                    e.get("present").asBoolean(),
                    e.get("zero").asBoolean(),
                    e.get("data").asBoolean(),
                    e.has("offset") ? e.get("offset").asLong() : -1));
        }
        try (BlockDevice device = open(file, readOnly())) {
            assertThat(Guest.map(device)).isEqualTo(expected);
        }
    }

    /** QEMU maps clusters that must not be followed; the others are mapped alike, and these give EIO. */
    private void mapOfUnreadable(GoldenRow row, Path file) throws IOException {
        QedReader reader = QedReader.of(file);
        try (BlockDevice device = open(file, readOnly())) {
            for (JsonNode e : maps.get(row.file())) {
                long end = e.get("start").asLong() + e.get("length").asLong();
                for (long at = e.get("start").asLong(); at < end; at += reader.clusterSize()) {
                    long offset = at;
                    if (reader.state(at) == QedReader.State.INVALID) {
                        BlockException failure = catchThrowableOfType(
                                BlockException.class, () -> device.blockStatus(offset, reader.clusterSize()));
                        assertThat(failure).as("status at %d", at).isNotNull();
                        assertThat(failure.errno()).isEqualTo(Errno.EIO);
                    } else {
                        var status =
                                device.layeredStatus(at, reader.clusterSize()).status();
                        assertThat(status.isData()).isEqualTo(e.get("data").asBoolean());
                        assertThat(status.isZero()).isEqualTo(e.get("zero").asBoolean());
                    }
                }
            }
        }
    }
}
