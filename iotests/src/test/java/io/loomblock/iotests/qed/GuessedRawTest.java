// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A guest cannot turn an image that was only guessed to be raw into one of another format, which would name files of its choice. */
class GuessedRawTest {
    @TempDir
    Path directory;

    private String file() throws Exception {
        Path path = directory.resolve("disk.raw");
        Files.write(path, new byte[65536]);
        return path.toString();
    }

    private static IoVector text(String text) throws BlockException {
        AlignedBuffer buffer = AlignedBuffer.allocate(text.length());
        for (int i = 0; i < text.length(); i++) {
            buffer.putByte(i, (byte) text.charAt(i));
        }
        return IoVector.of(buffer);
    }

    private static void assertRefused(ThrowingCallable write) {
        assertThatThrownBy(write)
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
    }

    @Test
    void theHeaderOfAnotherFormatIsRefusedInOnePieceAndInTwo() throws Exception {
        String name = file();
        try (BlockDevice device = BlockDevice.open(name, OpenOptions.readWrite())) {
            assertRefused(() -> device.write(0, text("QED\0")));
            device.write(0, text("QE"));
            assertRefused(() -> device.write(2, text("D\0")));
            device.writeZeroes(0, 512, 0);
            device.write(4096, text("QED\0"));
        }
        try (BlockDevice device = BlockDevice.open(name, OpenOptions.readOnly())) {
            assertThat(device.node().driver().formatName()).isEqualTo("raw");
        }
    }

    @Test
    void whoSaysThatItIsRawMayWriteAnything() throws Exception {
        try (BlockDevice device =
                BlockDevice.open(file(), OpenOptions.readWrite().withFormat("raw"))) {
            device.write(0, text("QED\0"));
        }
    }
}
