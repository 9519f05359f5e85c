// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.layer;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeOptions;
import io.loomblock.iotests.support.Guest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An image that records no backing file may be opened with one: it shows where the format lets it, is not written to, and not recorded. */
@Timeout(60)
class UnrecordedBackingTest {
    private static final int SIZE = 1 << 20;

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"qed", "add-cow", "fvd"})
    void aBackingFileThatIsNamedAtOpeningIsThereForThatOpeningAlone(String format) throws Exception {
        byte[] below = new byte[SIZE];
        Arrays.fill(below, (byte) 7);
        Path backing = Files.write(directory.resolve("below.raw"), below);
        Path image = create(format);
        OpenOptions named = OpenOptions.readWrite()
                .withFormat(format)
                .withNodeOptions(
                        NodeOptions.of(Map.of("backing.driver", "raw", "backing.file.filename", backing.toString())));
        try (BlockDevice device = BlockDevice.open(image.toString(), named)) {
            Node node = device.node().backing();
            assertThat(node).isNotNull();
            assertThat(node.readOnly()).isTrue();
            // Images of the other two formats that were made without a backing file have everything themselves.
            Guest.expect(device, 0, SIZE, format.equals("qed") ? 7 : 0);
            Guest.write(device, 1000, 100, 9);
        }
        try (BlockDevice device = BlockDevice.open(image.toString(), OpenOptions.readOnly())) {
            assertThat(device.node().backing()).isNull();
            assertThat(device.info().backingFilename()).isNull();
            Guest.expect(device, 1000, 100, 9);
            Guest.expect(device, 1 << 17, 1 << 17, 0);
        }
        assertThat(Files.readAllBytes(backing)).isEqualTo(below);
    }

    private Path create(String format) throws BlockException {
        Path image = directory.resolve("disk");
        CreateOptions options = CreateOptions.ofSize(SIZE);
        if (format.equals("add-cow")) {
            String data = directory.resolve("data").toString();
            BlockDevice.create("raw", data, CreateOptions.ofSize(0), OpenOptions.readWrite());
            options = options.with("image_file", "data");
        }
        BlockDevice.create(format, image.toString(), options, OpenOptions.readWrite());
        return image;
    }
}
