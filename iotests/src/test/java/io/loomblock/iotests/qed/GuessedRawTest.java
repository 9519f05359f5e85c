// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
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
    void zerosDoNotCompleteAHeader() throws Exception {
        String name = file();
        try (BlockDevice device = BlockDevice.open(name, OpenOptions.readWrite().withUnmap(true))) {
            device.write(0, text("QEDx"));
            assertRefused(() -> device.writeZeroes(3, 1, 0));
            device.discard(3, 1);
            device.writeZeroes(0, 512, 0);
        }
        try (BlockDevice device = BlockDevice.open(name, OpenOptions.readOnly())) {
            assertThat(device.node().driver().formatName()).isEqualTo("raw");
        }
    }

    @Test
    void whatLiesPastTheEndOfTheFileCountsAsZeros() throws Exception {
        BufferPool pool = new BufferPool(4 << 20, 2 << 20);
        try (AlignedBuffer used = pool.acquireReserved(Drivers.PROBE_BYTES)) {
            // A header in memory that the pool hands out next.
            text("QED\0").copyTo(0, used, 0, 4);
        }
        String name = file();
        try (BlockDevice device = BlockDevice.open(name, OpenOptions.readWrite().withPool(pool))) {
            device.node().child(Node.FILE).truncate(0, true, PreallocationMode.OFF);
            device.write(512, text("innocent"));
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
