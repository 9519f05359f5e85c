// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.Main;
import io.loomblock.iotests.support.FvdReader;
import io.loomblock.testkit.Pattern;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The tools read an image that asks for copy-on-read and prefetching without doing either: spec sections 7 and 11, F44. */
@Timeout(60)
class OfflineToolTest {
    private static final int SIZE = 1 << 20;
    private static final byte[] BASE = Pattern.bytes(5, 0, SIZE);

    @TempDir
    Path directory;

    private Path image;

    @BeforeEach
    void createOverlayThatWantsCopies() throws Exception {
        Files.write(directory.resolve("base.raw"), BASE);
        image = directory.resolve("disk.fvd");
        CreateOptions create = CreateOptions.ofSize(SIZE)
                .withBacking("base.raw", "raw")
                .with("block_size", 16384)
                .with("chunk_size", 65536)
                .with("copy_on_read", "on")
                .with("prefetch_start_delay", 1);
        BlockDevice.create("fvd", image.toString(), create, OpenOptions.readWrite());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "io -f fvd -c 'read 0 512k' -c 'sleep 1500' -c 'read 512k 512k' IMAGE",
                "img convert -f fvd -O raw IMAGE COPY",
                "img compare -f fvd -F raw IMAGE BASE",
                "img check -f fvd -r all IMAGE",
                "img bench -f fvd -c 20 -d 2 -s 32k IMAGE"
            })
    void nothingIsCopied(String command) throws Exception {
        assertThat(run(command)).as(command).isZero();
        FvdReader reader = new FvdReader(Files.readAllBytes(image));
        assertThat(reader.copyOnRead()).isTrue();
        assertThat(reader.chunks()).as("chunks with storage").isZero();
        for (int at = 0; at < SIZE; at += 16384) {
            assertThat(reader.has(at)).as("block at %d", at).isFalse();
        }
        assertThat(reader.content(BASE)).isEqualTo(BASE);
    }

    private int run(String command) {
        List<String> words = Arrays.stream(command.split(" (?=(?:[^']*'[^']*')*[^']*$)"))
                .map(word -> word.replace("'", ""))
                .map(word -> switch (word) {
                    case "IMAGE" -> image.toString();
                    case "BASE" -> directory.resolve("base.raw").toString();
                    case "COPY" -> directory.resolve("copy.raw").toString();
                    default -> word;
                })
                .toList();
        PrintStream sink = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
        Console console = new Console("loomblock", false, InputStream.nullInputStream(), sink, sink);
        return Main.run(words.toArray(String[]::new), console);
    }
}
