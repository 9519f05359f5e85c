// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import io.loomblock.iotests.support.FvdReader;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.GoldenImages;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Every image of the manifest, made by the program of 2011, gives what the manifest says, column by column. */
@Tag("jars")
class GoldenFvdTest {
    private static final GoldenImages IMAGES = new GoldenImages(GoldenFvdTest.class, "/golden/fvd");

    private static final int HEADER = 4336;
    private static final int CLEAN_SHUTDOWN = 4300;

    /** Cells that no test looks at, each with the reason; anything else without a test is an error. */
    private static final Map<String, String> UNASSERTED = new TreeMap<>(Map.of(
            "s25-cow-qcow2-base.fvd CONTENT", "waits for a reader of qcow2, in which its base image is",
            "s25-cow-qcow2-base.fvd RECOVERY", "waits for a reader of qcow2, in which its base image is"));

    /** Columns of the manifest, those that are asserted together taken together. */
    enum Column {
        /** Size, parameters and state, as our header shows them. */
        PARAMETERS,
        /** The content, read-only: nothing is written, and a journal replayed in memory. */
        CONTENT,
        /** The content after a writable open and a close, and what a second reader makes of that. */
        RECOVERY
    }

    /** A row of the manifest. */
    record Row(
            String file,
            long virtualSize,
            Map<String, String> parameters,
            String base,
            boolean clean,
            String sha256,
            String description) {
        static Row of(String[] c) {
            Map<String, String> parameters = new TreeMap<>();
            for (String parameter : c[2].split(";")) {
                parameters.put(parameter.split("=")[0], parameter.split("=")[1]);
            }
            return new Row(name(c[0]), Long.parseLong(c[1]), parameters, name(c[3]), c[4].equals("clean"), c[5], c[6]);
        }

        private static String name(String packed) {
            return packed.endsWith(".gz") ? packed.substring(0, packed.length() - 3) : packed;
        }

        boolean hasBase() {
            return !base.equals("-");
        }

        String data() {
            return name(parameters.get("data_file"));
        }

        boolean hasData() {
            return !data().equals("-");
        }

        long number(String parameter) {
            return Long.parseLong(parameters.get(parameter));
        }

        /** The journal is missing, and with it what it would have told. */
        boolean isLost() {
            return !clean && number("journal_size") == 0;
        }

        /** The base image is of a format that we do not have. */
        boolean waits() {
            return base.endsWith(".qcow2");
        }
    }

    @TempDir
    Path directory;

    private static List<Row> rows() throws IOException {
        return IMAGES.table("manifest.tsv").stream().map(Row::of).toList();
    }

    @TestFactory
    Stream<DynamicTest> parametersAsInTheManifest() throws IOException {
        return tests(Column.PARAMETERS);
    }

    @TestFactory
    Stream<DynamicTest> contentReadOnly() throws IOException {
        return tests(Column.CONTENT);
    }

    @TestFactory
    Stream<DynamicTest> contentAfterRecovery() throws IOException {
        return tests(Column.RECOVERY);
    }

    private Stream<DynamicTest> tests(Column column) throws IOException {
        return rows().stream()
                .filter(row -> test(row, column) != null)
                .map(row -> DynamicTest.dynamicTest(row.file(), test(row, column)));
    }

    private Executable test(Row row, Column column) {
        return switch (column) {
            case PARAMETERS -> () -> parameters(row);
            case CONTENT -> row.waits() ? null : () -> content(row);
            case RECOVERY -> row.waits() ? null : () -> recovery(row);
        };
    }

    @Test
    void everyCellIsAssertedOrListedWithItsReason() throws IOException {
        TreeSet<String> missing = new TreeSet<>();
        for (Row row : rows()) {
            for (Column column : Column.values()) {
                if (test(row, column) == null) {
                    missing.add(row.file() + " " + column);
                }
            }
        }
        assertThat(missing).isEqualTo(UNASSERTED.keySet());
    }

    @Test
    void everyGoldenFileHasARow() throws IOException {
        TreeSet<String> named = new TreeSet<>();
        for (Row row : rows()) {
            named.add(row.file() + ".gz");
            named.add(row.base() + ".gz");
            named.add(row.data() + ".gz");
        }
        Path resources = Path.of("src/test/resources/golden/fvd");
        if (Files.isDirectory(resources)) {
            try (Stream<Path> files = Files.list(resources)) {
                files.map(f -> f.getFileName().toString())
                        .filter(f -> f.endsWith(".gz"))
                        .forEach(f -> assertThat(named).contains(f));
            }
        }
    }

    private Path unpack(Row row) throws IOException {
        if (row.hasBase()) {
            IMAGES.unpack(row.base(), directory);
        }
        if (row.hasData()) {
            IMAGES.unpack(row.data(), directory);
        }
        return IMAGES.unpack(row.file(), directory);
    }

    private static OpenOptions readOnly() {
        return OpenOptions.readOnly().withFormat("fvd");
    }

    private static OpenOptions readWrite() {
        return OpenOptions.readWrite().withFormat("fvd");
    }

    private static BlockDevice open(Path file, OpenOptions options) throws BlockException {
        return BlockDevice.open(file.toString(), options);
    }

    private void parameters(Row row) throws IOException {
        Path image = unpack(row);
        try (BlockDevice device = open(image, readOnly().withNoBacking(true))) {
            assertThat(device.length()).isEqualTo(row.virtualSize());
            Map<String, Object> facts = device.info().formatSpecific();
            assertThat(facts).isNotNull();
            assertThat(facts.get("version")).isEqualTo(1);
            assertThat(facts.getOrDefault("block-size", 0L)).isEqualTo(row.number("block_size"));
            assertThat(facts.get("compact-image")).isEqualTo(row.number("compact") == 1);
            assertThat(facts.getOrDefault("chunk-size", 0L)).isEqualTo(row.number("chunk_size"));
            assertThat(facts.get("journal-size")).isEqualTo(row.number("journal_size"));
            assertThat(facts.getOrDefault("storage-grow-unit", 0L)).isEqualTo(row.number("storage_grow_unit"));
            assertThat(facts.getOrDefault("base-image-size", 0L)).isEqualTo(row.number("base_img_size"));
            assertThat(facts.get("all-data-in-image")).isEqualTo(row.number("all_data_in_fvd_img") == 1);
            assertThat(facts.getOrDefault("copy-on-read", false)).isEqualTo(row.number("copy_on_read") == 1);
            assertThat(facts.getOrDefault("need-zero-init", false)).isEqualTo(row.number("need_zero_init") == 1);
            assertThat(facts.getOrDefault("data-file", "-")).isEqualTo(row.data());
            assertThat(facts.get("clean-shutdown")).isEqualTo(row.clean());
        }
    }

    private void content(Row row) throws IOException {
        Path image = unpack(row);
        byte[] before = Files.readAllBytes(image);
        try (BlockDevice device = open(image, readOnly())) {
            assertThat(Guest.sha256(device)).isEqualTo(row.sha256());
        }
        assertThat(Files.readAllBytes(image)).isEqualTo(before);
        assertThat(sha256(read(row).content(base(row)))).isEqualTo(row.sha256());
    }

    private void recovery(Row row) throws IOException {
        Path image = unpack(row);
        byte[] before = Files.readAllBytes(image);
        if (row.isLost()) {
            assertThatThrownBy(() -> open(image, readWrite())).hasMessageContaining("not closed in order");
            assertThat(Files.readAllBytes(image)).isEqualTo(before);
        }
        NodeOptions force = NodeOptions.of(Map.of("force", "on"));
        OpenOptions options = row.isLost() ? readWrite().withNodeOptions(force) : readWrite();
        try (BlockDevice device = open(image, options)) {
            assertThat(Guest.sha256(device)).isEqualTo(row.sha256());
        }
        FvdReader reader = read(row);
        assertThat(reader.isClean()).isTrue();
        assertThat(reader.problems()).isEmpty();
        assertThat(sha256(reader.content(base(row)))).isEqualTo(row.sha256());
        expectHeaderAsBefore(before, Files.readAllBytes(image));
        try (BlockDevice device = open(image, readOnly())) {
            assertThat(Guest.sha256(device)).isEqualTo(row.sha256());
        }
    }

    /** Nothing of the header changes but the mark of a clean shutdown, unused fields and what stands behind strings included. */
    private static void expectHeaderAsBefore(byte[] before, byte[] after) {
        byte[] expected = Arrays.copyOf(before, HEADER);
        ByteBuffer.wrap(expected).put(CLEAN_SHUTDOWN, (byte) 1);
        assertThat(Arrays.copyOf(after, HEADER)).isEqualTo(expected);
    }

    /** Our creation writes the header that the program wrote, byte by byte; and of a new image everything. */
    @TestFactory
    Stream<DynamicTest> createdAsByTheProgram() throws IOException {
        // One image had its base fetched, so that its header says other things than at the beginning.
        return rows().stream()
                .filter(row -> !row.waits() && !row.file().startsWith("s24"))
                .map(row -> DynamicTest.dynamicTest(row.file(), () -> created(row)));
    }

    private void created(Row row) throws IOException {
        Path golden = unpack(row);
        Path ours = directory.resolve("ours.fvd");
        if (row.hasData()) {
            // It is full of what the image was given later.
            Files.write(directory.resolve(row.data()), new byte[0]);
        }
        BlockDevice.create("fvd", ours.toString(), options(row), OpenOptions.readWrite());
        byte[] expected = Files.readAllBytes(golden);
        byte[] made = Files.readAllBytes(ours);
        expected[CLEAN_SHUTDOWN] = 1;
        assertThat(Arrays.copyOf(made, 8192)).isEqualTo(Arrays.copyOf(expected, 8192));
        if (row.description().startsWith("created only")) {
            assertThat(made).isEqualTo(expected);
        }
    }

    private static CreateOptions options(Row row) {
        CreateOptions options = CreateOptions.ofSize(row.virtualSize())
                .with("version", 1)
                .with("compact_image", row.number("compact") == 1 ? "on" : "off")
                .with("journal_size", row.number("journal_size") == 0 ? -1 : row.number("journal_size"));
        if (row.number("compact") == 1) {
            options = options.with("chunk_size", row.number("chunk_size"))
                    .with("storage_grow_unit", row.number("storage_grow_unit"));
        }
        if (row.hasBase()) {
            options = options.withBacking(row.base(), null)
                    .with("block_size", row.number("block_size"))
                    .with("copy_on_read", row.number("copy_on_read") == 1 ? "on" : "off")
                    .with("detect_sparse_hole", row.number("need_zero_init") * 8192);
        }
        return row.hasData() ? options.with("data_file", row.data()).with("data_file_fmt", "raw") : options;
    }

    private FvdReader read(Row row) throws IOException {
        byte[] data = row.hasData() ? Files.readAllBytes(directory.resolve(row.data())) : null;
        return new FvdReader(Files.readAllBytes(directory.resolve(row.file())), data);
    }

    private byte[] base(Row row) throws IOException {
        return row.hasBase() ? Files.readAllBytes(directory.resolve(row.base())) : new byte[0];
    }

    private static String sha256(byte[] bytes) {
        return HexFormat.of().formatHex(Guest.digest().digest(bytes));
    }
}
