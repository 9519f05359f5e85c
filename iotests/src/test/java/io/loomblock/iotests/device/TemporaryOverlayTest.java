// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.Pattern;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A temporary overlay takes what is written, whatever else the options say, and the image below it stays as it is. */
@Timeout(120)
class TemporaryOverlayTest {
    private static final int REQUESTS = Boolean.getBoolean("loomblock.soak") ? 3000 : 60;
    private static final int SIZE = 5 << 20;
    private static final OpenOptions SNAPSHOT = OpenOptions.readWrite().withSnapshot(true);

    @TempDir
    Path directory;

    private Path image() throws Exception {
        return Files.write(directory.resolve("disk.raw"), Pattern.bytes(1, 0, SIZE));
    }

    private static NodeOptions described(String... pairs) {
        NodeOptions options = NodeOptions.NONE;
        for (int i = 0; i < pairs.length; i += 2) {
            options = options.with(pairs[i], pairs[i + 1]);
        }
        return options;
    }

    private void unchanged(Path image) throws Exception {
        assertThat(Files.mismatch(image, Files.write(directory.resolve("before"), Pattern.bytes(1, 0, SIZE))))
                .isEqualTo(-1);
    }

    @ParameterizedTest(name = "copy on read {0}, detecting zeros {1}, seed {2}")
    @CsvSource({"false, off, 1", "true, off, 2", "false, on, 3", "true, on, 4"})
    void aModelOfManyThreadsSeesNoDifference(boolean copyOnRead, String detectZeroes, long seed) throws Exception {
        Path image = image();
        OpenOptions options = SNAPSHOT.withCopyOnRead(copyOnRead)
                .withNodeOptions(described("driver", "raw", "detect-zeroes", detectZeroes));
        DiskModel model = new DiskModel(SIZE, DiskModel.Content.of(Pattern.bytes(1, 0, SIZE)), 1);
        try (BlockDevice device = BlockDevice.open(image.toString(), options)) {
            new ModelRun(device, model, ModelRun.Plan.of(seed, REQUESTS)).run();
            ModelRun.verify(device, model, seed);
        }
        unchanged(image);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void itIsClosedUnderLoad(boolean copyOnRead) throws Exception {
        Path image = image();
        BlockDevice device =
                BlockDevice.open(image.toString(), SNAPSHOT.withFormat("raw").withCopyOnRead(copyOnRead));
        CountDownLatch begun = new CountDownLatch(8);
        List<Call> calls = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            int place = i * 65536;
            calls.add(Call.of(() -> {
                while (true) {
                    try {
                        Guest.write(device, place, 4096, 3);
                        Guest.read(device, place + 32768, 4096);
                        begun.countDown();
                    } catch (BlockException e) {
                        assertThat(e.errno()).isEqualTo(Errno.EBADF);
                        return;
                    }
                }
            }));
        }
        begun.await();
        device.close();
        for (Call call : calls) {
            call.join();
        }
        unchanged(image);
        // All is given back.
        BlockDevice.open(image.toString(), OpenOptions.readWrite().withFormat("raw"))
                .close();
    }

    @Test
    void optionsThatAskForAWritableImageMeanTheOverlay() throws Exception {
        Path image = image();
        String json = "json:{\"driver\":\"raw\",\"read-only\":false,\"file\":{\"filename\":\"" + image + "\"}}";
        OpenOptions named = SNAPSHOT.withNodeOptions(described("driver", "raw", "read-only", "off"));
        OpenOptions namedAlone = named.withWritable(false);
        OpenOptions auto = named.withNodeOptions(named.nodeOptions().with("auto-read-only", "on"));
        for (OpenOptions options : List.of(named, namedAlone, auto, SNAPSHOT, SNAPSHOT.withWritable(false))) {
            boolean isNamed = options.nodeOptions().get("driver") != null;
            try (BlockDevice device = BlockDevice.open(isNamed ? image.toString() : json, options)) {
                assertThat(device.readOnly()).isFalse();
                assertThat(device.node().backing()).isNotNull().satisfies(node -> {
                    assertThat(node.readOnly()).isTrue();
                    assertThat(node.keepReadOnly()).isTrue();
                });
                Guest.write(device, 0, SIZE, 5);
                Guest.expect(device, 0, SIZE, 5);
            }
            unchanged(image);
        }
    }

    @Test
    void whatIsOnlyReadNeedsNone() throws Exception {
        Path image = image();
        OpenOptions options = SNAPSHOT.withNodeOptions(described("driver", "raw", "read-only", "on"));
        try (BlockDevice device = BlockDevice.open(image.toString(), options)) {
            assertThat(device.readOnly()).isTrue();
            assertThat(device.node().backing()).isNull();
        }
    }

    /** Discards and writes of zeros are the overlay's to see. */
    @Test
    void theOverlayHasTheOptionsThatWereNamed() throws Exception {
        Path image = image();
        OpenOptions options =
                SNAPSHOT.withNodeOptions(described("driver", "raw", "detect-zeroes", "unmap", "discard", "unmap"));
        try (BlockDevice device = BlockDevice.open(image.toString(), options)) {
            Guest.write(device, 0, 65536, 0);
            assertThat(device.blockStatus(0, 65536).isZero()).isTrue();
            byte[] rest = Arrays.copyOfRange(Pattern.bytes(1, 0, SIZE), 65536, 65536 + 512);
            assertThat(Guest.read(device, 65536, 512)).isEqualTo(rest);
        }
        unchanged(image);
    }

    /** The failure is told, not what came of it. */
    @Test
    void anOverlayThatCannotBeMadeSaysWhy() throws Exception {
        String json = "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"null-co\",\"size\":" + (1L << 62) + "}}";
        assertThatThrownBy(() -> BlockDevice.open(json, SNAPSHOT)).isInstanceOfSatisfying(BlockException.class, e -> {
            assertThat(e.errno()).isEqualTo(Errno.EINVAL);
            assertThat(e.reason()).doesNotContain("Could not delete");
        });
        Path image = image();
        OpenOptions bad = SNAPSHOT.withNodeOptions(described("driver", "raw", "detect-zeroes", "unmap"));
        assertThatThrownBy(() -> BlockDevice.open(image.toString(), bad)).isInstanceOf(BlockException.class);
        BlockDevice.create("qed", directory.resolve("disk.qed").toString(), CreateOptions.ofSize(SIZE), SNAPSHOT);
        try (BlockDevice device = BlockDevice.open(directory.resolve("disk.qed").toString(), SNAPSHOT)) {
            Guest.expect(device, 0, SIZE, 0);
        }
        BlockDevice.open(image.toString(), OpenOptions.readWrite().withFormat("raw"))
                .close();
    }
}
