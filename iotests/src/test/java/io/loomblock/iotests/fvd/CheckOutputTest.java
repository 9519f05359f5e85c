// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.FvdReader;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.Img;
import io.loomblock.testkit.FakeTimers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code img check} on FVD says what QEMU's tool says of the same findings, in text and in JSON, and ends with the same codes. */
@Timeout(60)
class CheckOutputTest {
    private static final int CHUNK = 64 << 10;
    private static final int SIZE = 32 * CHUNK;
    /** Where the header of the second layout says where the data begins, where the table lies, and whether the image was closed in order. */
    private static final int DATA_OFFSET = 16;

    private static final int TABLE_OFFSET = 2136;
    private static final int CLEAN = 3216;

    private static final String CLUSTERS = "8/32 = 25.00%% allocated, %s fragmented, 0.00%% compressed clusters\n";
    private static final String CORRUPTED =
            " errors were found on the image.\nData may be corrupted, or further writes to the image may corrupt it.\n";
    private static final String LEAKED =
            " leaked clusters were found on the image.\nThis means waste of disk space, but no harm to data.\n";
    private static final String REPAIRED = "The following inconsistencies were found and repaired:\n\n"
            + "    %d leaked clusters\n    %d corruptions\n\nDouble checking the fixed image now...\n";
    private static final String CLEAN_TEXT = "No errors were found on the image.\n";

    @TempDir
    Path directory;

    private Path image;

    @BeforeEach
    void createAndFillAQuarter() throws Exception {
        image = create("disk.fvd");
        try (BlockDevice device = BlockDevice.open(image.toString(), options())) {
            Guest.write(device, 0, 8 * CHUNK, 1);
        }
    }

    private Path create(String name) throws Exception {
        Path path = directory.resolve(name);
        CreateOptions create = CreateOptions.ofSize(SIZE)
                .with("chunk_size", CHUNK)
                .with("storage_grow_unit", CHUNK)
                .with("journal_size", 64 << 10);
        BlockDevice.create("fvd", path.toString(), create, OpenOptions.readWrite());
        return path;
    }

    private static OpenOptions options() {
        return OpenOptions.readWrite().withFormat("fvd").withTimers(new FakeTimers());
    }

    private ByteBuffer bytes() throws Exception {
        return ByteBuffer.wrap(Files.readAllBytes(image)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private void setEntry(int chunk, int entry) throws Exception {
        ByteBuffer bytes = bytes();
        bytes.putInt((int) bytes.getLong(TABLE_OFFSET) + Integer.BYTES * chunk, entry);
        Files.write(image, bytes.array());
    }

    private void addStorage(int chunks) throws Exception {
        ByteBuffer bytes = bytes();
        long end = bytes.getLong(DATA_OFFSET) + (8L + chunks) * CHUNK;
        Files.write(image, Arrays.copyOf(bytes.array(), (int) end));
    }

    /** Where the storage in use ends, which the tool calls the end of the image. */
    private long end() throws Exception {
        return bytes().getLong(DATA_OFFSET) + 8L * CHUNK;
    }

    private String clusters(String fragmented) throws Exception {
        return CLUSTERS.formatted(fragmented) + "Image end offset: " + end() + "\n";
    }

    private Img.Result check(String... options) {
        Object[] words = new Object[options.length + 2];
        words[0] = "check";
        System.arraycopy(options, 0, words, 1, options.length);
        words[options.length + 1] = image;
        return Img.run(words);
    }

    private void expect(int exit, String out, String... options) {
        Img.Result result = check(options).expectExit(exit);
        assertThat(result.out()).isEqualTo(out);
        assertThat(result.err()).isEmpty();
    }

    /** QEMU prints fields in an order of its own, which its QED tests pin; here it is their presence that matters. */
    private void expectJson(int exit, String fields, String... options) throws Exception {
        String[] all = new String[options.length + 1];
        all[0] = "--output=json";
        System.arraycopy(options, 0, all, 1, options.length);
        Img.Result result = check(all).expectExit(exit);
        String common = ("\"filename\": \"%s\", \"format\": \"fvd\", \"check-errors\": 0, \"image-end-offset\": %d, "
                        + "\"total-clusters\": 32, \"allocated-clusters\": 8")
                .formatted(image, end());
        assertThat(result.out().lines().map(line -> line.strip().replace(",", "")))
                .containsExactlyInAnyOrder(
                        ("{, " + common + (fields.isEmpty() ? "" : ", " + fields) + ", }").split(", "));
        assertThat(result.err()).isEmpty();
    }

    @Test
    void aSoundImage() throws Exception {
        byte[] before = Files.readAllBytes(image);
        expect(0, CLEAN_TEXT + clusters("0.00%"));
        expect(0, CLEAN_TEXT + clusters("0.00%"), "-r", "all");
        expect(0, "", "-q");
        expectJson(0, "");
        expectJson(0, "", "-r", "leaks");
        assertThat(Files.readAllBytes(image)).isEqualTo(before);
    }

    /** As QEMU's, which is quiet about JSON too. */
    @Test
    void aQuietCheckSaysNothingAtAll() throws Exception {
        setEntry(1, 0);
        expect(2, "", "-q");
        expect(2, "", "-q", "--output=json");
        expect(3, "", "-q", "-r", "all", "--output=json");
    }

    @Test
    void anImageWithoutData() throws Exception {
        image = create("empty.fvd");
        expect(0, CLEAN_TEXT + "Image end offset: " + bytes().getLong(DATA_OFFSET) + "\n");
    }

    @Test
    void storageBehindTheLastChunkLeaksBeyondTheUnitOfGrowth() throws Exception {
        addStorage(4);
        expect(3, "\n3" + LEAKED + clusters("0.00%"));
        expectJson(3, "\"leaks\": 3");
        expectJson(0, "\"leaks-fixed\": 3", "-r", "leaks");
        expect(0, CLEAN_TEXT + clusters("0.00%"));
        addStorage(4);
        expect(0, REPAIRED.formatted(3, 0) + CLEAN_TEXT + clusters("0.00%"), "-r", "leaks");
        assertThat(Files.size(image)).isEqualTo(end());
    }

    @Test
    void chunksThatShareStorageAreDamageAndAreSeparated() throws Exception {
        setEntry(1, 0);
        String found = "\n1" + CORRUPTED + "\n1" + LEAKED;
        expect(2, found + clusters("25.00%"));
        expectJson(2, "\"corruptions\": 1, \"leaks\": 1, \"fragmented-clusters\": 2");
        expect(2, found + clusters("25.00%"), "-r", "leaks");
        Img.Result repaired = check("-r", "all").expectExit(3);
        assertThat(repaired.out()).startsWith(REPAIRED.formatted(0, 1) + "\n1" + LEAKED + "8/32 = 25.00% allocated");
        FvdReader reader = new FvdReader(Files.readAllBytes(image));
        assertThat(reader.isClean()).isTrue();
        assertThat(reader.problems()).isEmpty();
        check().expectExit(3);
    }

    @Test
    void anEntryBeyondTheStorageIsDamageAndIsEmptied() throws Exception {
        setEntry(7, 99);
        expect(2, "\n1" + CORRUPTED + CLUSTERS.formatted("12.50%") + "Image end offset: " + (end() - CHUNK) + "\n");
        Img.Result repaired = check("-r", "all", "--output=json").expectExit(0);
        assertThat(repaired.out())
                .contains("\"corruptions-fixed\": 1")
                .contains("\"allocated-clusters\": 7")
                .doesNotContain("\"corruptions\":");
    }

    /** What the journal says counts; a repair, which may write, recovers the image for good. */
    @Test
    void anImageThatWasNotClosedInOrder() throws Exception {
        byte[] killed;
        image = create("killed.fvd");
        try (BlockDevice device = BlockDevice.open(image.toString(), options())) {
            Guest.write(device, 0, 8 * CHUNK, 1);
            device.flush();
            killed = Files.readAllBytes(image);
        }
        Files.write(image, killed);
        assertThat(bytes().getInt(CLEAN)).isZero();
        assertThat(new FvdReader(killed).isClean()).isFalse();
        expect(0, CLEAN_TEXT + clusters("0.00%"));
        expectJson(0, "");
        assertThat(Files.readAllBytes(image)).isEqualTo(killed);
        expect(0, CLEAN_TEXT + clusters("0.00%"), "-r", "leaks");
        assertThat(new FvdReader(Files.readAllBytes(image)).isClean()).isTrue();
        expect(0, CLEAN_TEXT + clusters("0.00%"));
    }

    /** What repairs no more than leaks, or nothing, leaves entries without storage to the next opening for writing, which empties them. */
    @ParameterizedTest
    @ValueSource(strings = {"check -r leaks", "amend -f fvd -o size=2M", "check -r all"})
    void anImageWhoseDataFileWasLostInPartByACrashOpensAfterwards(String command) throws Exception {
        Path data = Files.createFile(directory.resolve("lost.data"));
        image = directory.resolve("lost.fvd");
        CreateOptions create = CreateOptions.ofSize(SIZE)
                .with("chunk_size", CHUNK)
                .with("storage_grow_unit", CHUNK)
                .with("data_file", "lost.data")
                .with("data_file_fmt", "raw");
        BlockDevice.create("fvd", image.toString(), create, OpenOptions.readWrite());
        byte[] killed;
        try (BlockDevice device = BlockDevice.open(image.toString(), options())) {
            Guest.write(device, 0, 8 * CHUNK, 1);
            device.flush();
            killed = Files.readAllBytes(image);
        }
        Files.write(image, killed);
        Files.write(data, Arrays.copyOf(Files.readAllBytes(data), 5 * CHUNK));
        List<Object> words = new ArrayList<>(List.of((Object[]) command.split(" ")));
        words.add(image);
        Img.run(words.toArray());
        assertThat(new FvdReader(Files.readAllBytes(image), Files.readAllBytes(data)).journalRecords())
                .isZero();
        try (BlockDevice device = BlockDevice.open(image.toString(), options())) {
            Guest.expect(device, 0, 5 * CHUNK, 1);
            assertThat(Guest.read(device, 5 * CHUNK, 3 * CHUNK)).isEqualTo(new byte[3 * CHUNK]);
            Guest.write(device, 6 * CHUNK, CHUNK, 2);
        }
        FvdReader reader = new FvdReader(Files.readAllBytes(image), Files.readAllBytes(data));
        assertThat(reader.isClean()).isTrue();
        assertThat(reader.problems()).isEmpty();
    }

    /** Nobody can tell what it lacks: a repair does not declare that nothing is missing. */
    @Test
    void anImageWithoutAJournalThatWasNotClosedInOrderStaysSo() throws Exception {
        image = directory.resolve("bare.fvd");
        CreateOptions create =
                CreateOptions.ofSize(SIZE).with("chunk_size", CHUNK).with("journal_size", -1);
        BlockDevice.create("fvd", image.toString(), create, OpenOptions.readWrite());
        ByteBuffer bytes = bytes();
        bytes.putInt(CLEAN, 0);
        Files.write(image, bytes.array());
        check("-r", "all").expectExit(0);
        assertThat(bytes().getInt(CLEAN)).isZero();
    }
}
