// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdReader;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.GoldenImages;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.TestFiles;
import java.io.IOException;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Images of the second layout that were made when it was frozen: today's driver and the second reader read them as they were.
 *
 * <p>No other program writes that layout, so these are what {@code docs/fvd-v2.md} is held to.
 */
class GoldenFvdV2Test {
    private static final GoldenImages IMAGES = new GoldenImages(GoldenFvdV2Test.class, "/golden/fvd-v2");

    /** A row of the manifest. */
    private record Row(
            String file,
            String base,
            String data,
            long size,
            String units,
            String state,
            long epoch,
            int records,
            String sha256) {
        @Override
        public String toString() {
            return file;
        }
    }

    static Stream<Row> rows() throws IOException {
        return IMAGES.table("manifest.tsv").stream()
                .map(c -> new Row(
                        c[0],
                        c[1],
                        c[2],
                        Long.parseLong(c[3]),
                        c[4],
                        c[5],
                        Long.parseLong(c[6]),
                        Integer.parseInt(c[7]),
                        c[8]));
    }

    private static byte[] bytes(String name) throws IOException {
        return name.equals("-") ? new byte[0] : IMAGES.bytes(name);
    }

    private static TestFiles files(Row row) throws IOException {
        TestFiles files = new TestFiles();
        files.put(FvdImages.IMAGE, bytes(row.file));
        files.put(FvdImages.DATA, bytes(row.data));
        files.put(FvdImages.BASE, bytes(row.base));
        return files;
    }

    private static String sha256(byte[] content) {
        return HexFormat.of().formatHex(Guest.digest().digest(content));
    }

    private static BlockDevice open(TestFiles files, OpenOptions options) throws Exception {
        return files.open(FvdImages.IMAGE, null, options.withFormat(null));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rows")
    void theSecondReaderReadsIt(Row row) throws Exception {
        FvdReader reader = reader(row);
        assertThat(reader.version()).isEqualTo(2);
        assertThat(reader.virtualSize()).isEqualTo(row.size);
        assertThat(reader.isClean()).isEqualTo(row.state.equals("clean"));
        assertThat(reader.stableEpoch()).isEqualTo(row.epoch);
        assertThat(reader.journalRecords()).isEqualTo(row.records);
        assertThat((reader.isCompact() ? reader.chunkSize() : 0) + "/" + (reader.allData() ? 0 : reader.blockSize()))
                .isEqualTo(row.units);
        assertThat(reader.problems()).isEmpty();
        assertThat(sha256(reader.content(bytes(row.base)))).isEqualTo(row.sha256);
    }

    private static FvdReader reader(Row row) throws IOException {
        byte[] image = bytes(row.file);
        return row.data.equals("-") ? new FvdReader(image) : new FvdReader(image, bytes(row.data));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rows")
    void contentReadOnly(Row row) throws Exception {
        TestFiles files = files(row);
        try (BlockDevice device = open(files, FvdImages.readOnly())) {
            assertThat(sha256(Guest.bytes(device))).isEqualTo(row.sha256);
            assertThat(device.check(FixMode.NONE).corruptions()).isZero();
        }
        assertThat(files.memory(FvdImages.IMAGE).snapshot().toByteArray()).isEqualTo(bytes(row.file));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rows")
    void contentAfterRecovery(Row row) throws Exception {
        TestFiles files = files(row);
        for (int session = 0; session < 2; session++) {
            try (BlockDevice device = open(files, FvdImages.readWrite())) {
                assertThat(sha256(Guest.bytes(device))).isEqualTo(row.sha256);
            }
        }
        MemoryDriver image = files.memory(FvdImages.IMAGE);
        byte[] bytes = image.snapshot().toByteArray();
        FvdReader reader = row.data.equals("-")
                ? new FvdReader(bytes)
                : new FvdReader(bytes, files.memory(FvdImages.DATA).snapshot().toByteArray());
        assertThat(reader.isClean()).isTrue();
        assertThat(sha256(reader.content(bytes(row.base)))).isEqualTo(row.sha256);
    }
}
