// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.KIB;
import static io.loomblock.iotests.ports.PortImages.MIB;
import static io.loomblock.iotests.ports.Requests.expectAtOnce;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What cannot be opened is refused with the reason, and left as it is; what can be opened for reading is. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OpenFailureTest {
    @TempDir
    Path directory;

    private PortImages images(String format) {
        return new PortImages(directory, format);
    }

    @ForEveryFormat
    @DisplayName("iotest 012: a file that nobody may write")
    void iotest012ReadOnlyFile(String format) throws Exception {
        images(format).create("disk", 64L * MIB);
        assertThat(directory.resolve("disk").toFile().setReadOnly()).isTrue();
        try (BlockDevice device = images(format).openReadOnly("disk")) {
            expectAtOnce(device, 0, 512, 0);
            Requests.expectFailure(Errno.EPERM, () -> Requests.writeAtOnce(device, 0, 512, 1));
        }
        assertThat(ToolRun.io(format, images(format).path("disk"), "read 0 512").exit())
                .as("the tool, which opens for writing unless told otherwise, as root may")
                .isEqualTo(Files.isWritable(directory.resolve("disk")) ? 0 : 1);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 51454458, Image not in QED format",
        "4, ffffffff, QED cluster size is invalid",
        "8, ffffffff, QED table size is invalid",
        "12, ffffffff, QED table offset is invalid",
        "40, ffffffffffffffff, QED table offset is invalid",
        "48, ffffffffffffffff, QED image size is invalid"
    })
    @DisplayName("iotest 116: one wrong field in a header")
    void iotest116WrongHeaderField(int offset, String bytes, String reason) throws Exception {
        images("qed").create("disk", 128L * MIB);
        Path file = directory.resolve("disk");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(HexFormat.of().parseHex(bytes)), offset);
        }
        assertRefusedUntouched(file, reason);
    }

    @Test
    @DisplayName("iotest 116: a file that ends before its table")
    void iotest116CutBehindTheHeader() throws Exception {
        images("qed").create("disk", 128L * MIB);
        Path file = directory.resolve("disk");
        Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 512));
        assertRefusedUntouched(file, "QED table offset is invalid");
    }

    private static void assertRefusedUntouched(Path file, String reason) throws Exception {
        byte[] before = Files.readAllBytes(file);
        for (OpenOptions options : new OpenOptions[] {OpenOptions.readOnly(), OpenOptions.readWrite()}) {
            assertThatThrownBy(() -> BlockDevice.open(file.toString(), options.withFormat("qed")))
                    .isInstanceOf(BlockException.class)
                    .hasMessageContaining(reason);
        }
        ToolRun run = ToolRun.io("qed", file.toString(), "read 0 512");
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.all()).contains(reason);
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({"qed, Image not in QED format", "add-cow, Image not in add-cow format", "fvd, Image not in FVD format"})
    @DisplayName("iotest 174: a raw file is no image of another format")
    void iotest174AnotherFormat(String format, String reason) throws Exception {
        images("raw").create("disk", 256L * KIB);
        ToolRun run = ToolRun.io(format, images("raw").path("disk"), "read 0 512");
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.all()).contains("can't open device").contains(reason);
    }

    @ForEveryFormat
    @DisplayName("iotest 174: a file that is not there")
    void iotest174NoFile(String format) {
        ToolRun run = ToolRun.io(format, images(format).path("nothing"), "read 0 512");
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.all()).contains("can't open device").contains("No such file or directory");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @DisplayName("iotest 226: the file protocol takes regular files only")
    void iotest226NotARegularFile(boolean writable) throws Exception {
        OpenOptions options = OpenOptions.readOnly().withWritable(writable).withFormat("raw");
        assertThatThrownBy(() -> BlockDevice.open("file:" + directory, options)).isInstanceOf(BlockException.class);
        assertThatThrownBy(() -> BlockDevice.open(directory.toString(), options))
                .isInstanceOf(BlockException.class);
        assertThatThrownBy(() -> BlockDevice.open("file:/dev/null", options))
                .isInstanceOf(BlockException.class)
                .hasMessageContaining("'file' driver requires '/dev/null' to be a regular file");
    }

    @Test
    @DisplayName("iotest 226: a directory that is opened read-only")
    void iotest226DirectoryThroughTheTool() {
        ToolRun run = ToolRun.img("info", "-f", "raw", directory.toString());
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.err()).contains("'file' driver requires '" + directory + "' to be a regular file");
    }

    @Test
    @DisplayName("iotest 226: a block device has to be one")
    void iotest226HostDeviceThatIsAFile() throws Exception {
        Path file = Files.write(directory.resolve("file"), "no device".getBytes(StandardCharsets.US_ASCII));
        assertThatThrownBy(() -> BlockDevice.open(
                        "host_device:" + file, OpenOptions.readOnly().withFormat("raw")))
                .isInstanceOf(BlockException.class)
                .hasMessageContaining("'host_device' driver requires '" + file + "' to be");
    }
}
