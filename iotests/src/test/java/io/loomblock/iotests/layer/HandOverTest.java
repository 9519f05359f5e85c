// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.Pattern;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two processes hand one image to and fro, as in live migration on shared storage: each sees every byte that the other has written, and
 * writes nothing while it does not own it.
 */
@Timeout(120)
class HandOverTest {
    private static final int TURNS = Boolean.getBoolean("loomblock.soak") ? 400 : 24;

    @TempDir
    Path directory;

    private String create(String format) throws IOException {
        String image = directory.resolve("disk." + format).toString();
        CreateOptions options = CreateOptions.ofSize(HandOverPlayer.FIRST_SIZE);
        if (format.equals("add-cow")) {
            // Stale bytes that never show, and a backing file, or else there would be no bits to hand over.
            Files.write(directory.resolve("disk.data"), Pattern.bytes(99, 0, HandOverPlayer.FIRST_SIZE));
            Files.write(directory.resolve("base.raw"), new byte[HandOverPlayer.FIRST_SIZE]);
            options = options.with("image_file", "disk.data").withBacking("base.raw", "raw");
        }
        BlockDevice.create(format, image, options, OpenOptions.readWrite());
        return image;
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "add-cow"})
    void twoProcessesOwnAnImageByTurns(String format) throws Exception {
        String image = create(format);
        Process other = start(image, format);
        try (HandOverPlayer here = new HandOverPlayer(image, format);
                BufferedReader answers = other.inputReader(StandardCharsets.US_ASCII);
                PrintStream orders = new PrintStream(other.getOutputStream(), true, StandardCharsets.US_ASCII)) {
            assertThat(answers.readLine()).isEqualTo("ready");
            for (int turn = 1; turn <= TURNS; turn += 2) {
                here.play(turn);
                expectPassive(here.device());
                orders.println(turn + 1);
                assertThat(answers.readLine()).as("turn %d", turn + 1).isEqualTo("played");
            }
            here.play(TURNS + 1);
            orders.close();
            assertThat(other.waitFor()).isZero();
        } finally {
            other.destroyForcibly();
        }
        if (!format.equals("raw")) {
            try (BlockDevice device =
                    BlockDevice.open(image, OpenOptions.readOnly().withFormat(format))) {
                CheckResult result = device.check(FixMode.NONE);
                assertThat(result.isClean()).as("%s", result).isTrue();
                assertThat(device.info().dirty()).isFalse();
            }
        }
    }

    private static void expectPassive(BlockDevice device) {
        assertThatThrownBy(() -> Guest.write(device, 0, 512, 1))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
    }

    /** Two that own an image at once are kept apart by its locks. */
    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "add-cow"})
    void nobodyTakesWhatAnotherHas(String format) throws Exception {
        String image = create(format);
        try (BlockDevice owner = BlockDevice.open(image, OpenOptions.readWrite().withFormat(format));
                BlockDevice heir = BlockDevice.open(
                        image, OpenOptions.readWrite().withFormat(format).withInactive(true))) {
            Guest.write(owner, 0, 4096, 1);
            assertThatThrownBy(() -> heir.invalidateCache(true))
                    .isInstanceOfSatisfying(
                            BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EAGAIN));
            Guest.write(owner, 4096, 4096, 2);
            owner.inactivate();
            heir.invalidateCache(true);
            Guest.expect(heir, 0, 4096, 1);
            Guest.expect(heir, 4096, 4096, 2);
            assertThatThrownBy(() -> owner.invalidateCache(true))
                    .isInstanceOfSatisfying(
                            BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EAGAIN));
        }
    }

    /** What it was opened as is past: a reopening takes the locks of whoever owns the image now. */
    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "add-cow"})
    void reopeningGoesByWhoOwnsTheImageNow(String format) throws Exception {
        String image = create(format);
        OpenOptions options = OpenOptions.readWrite().withFormat(format);
        try (BlockDevice heir = BlockDevice.open(image, options.withInactive(true))) {
            heir.invalidateCache(true);
            heir.reopen(false);
            heir.reopen(true);
            Guest.write(heir, 0, 4096, 1);
            assertThatThrownBy(() -> BlockDevice.open(image, options).close())
                    .isInstanceOfSatisfying(
                            BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EAGAIN));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "add-cow"})
    void whoGaveAnImageAwayHasNoClaimToItAfterAReopening(String format) throws Exception {
        String image = create(format);
        OpenOptions options = OpenOptions.readWrite().withFormat(format);
        try (BlockDevice former = BlockDevice.open(image, options)) {
            former.inactivate();
            try (BlockDevice owner = BlockDevice.open(image, options)) {
                former.reopen(false);
                Guest.write(owner, 0, 4096, 1);
            }
            try (BlockDevice owner = BlockDevice.open(image, options)) {
                Guest.expect(owner, 0, 4096, 1);
            }
        }
    }

    private static Process start(String image, String format) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String argument : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (argument.startsWith("--add-")
                    || argument.startsWith("--enable-native")
                    || argument.startsWith("-Dloomblock")) {
                command.add(argument);
            }
        }
        command.addAll(
                List.of("-cp", System.getProperty("java.class.path"), HandOverPlayer.class.getName(), image, format));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }
}
