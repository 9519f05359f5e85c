// SPDX-License-Identifier: Apache-2.0
package io.loomblock.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IncrementalBackupTest {
    private static final int SIZE = 4 << 20;
    private static final int GRANULE = 64 << 10;

    @TempDir
    Path directory;

    private BlockDevice disk;

    @BeforeEach
    void makeDisk() throws BlockException {
        String image = directory.resolve("disk.qed").toString();
        BlockDevice.create("qed", image, CreateOptions.ofSize(SIZE), OpenOptions.readWrite());
        disk = BlockDevice.open(image, OpenOptions.readWrite());
    }

    @AfterEach
    void close() throws BlockException {
        disk.close();
    }

    @Test
    void theFirstBackupIsWholeAndLaterOnesHoldChanges() throws Exception {
        IncrementalBackup backup = new IncrementalBackup(disk);
        write(GRANULE, 'a');
        write(3 * GRANULE, 'b');
        assertThat(backup.backUp(directory, "0.qed")).isEqualTo(SIZE);
        byte[] first = content(disk);
        write(GRANULE, 'c');
        disk.writeZeroes(3 * GRANULE, GRANULE, 0);
        assertThat(backup.backUp(directory, "1.qed")).isEqualTo(2 * GRANULE);
        assertThat(contentOf("0.qed")).isEqualTo(first);
        assertThat(contentOf("1.qed")).isEqualTo(content(disk));
    }

    @Test
    void aBackupThatFailedIsMadeUpForByTheNext() throws Exception {
        IncrementalBackup backup = new IncrementalBackup(disk);
        backup.backUp(directory, "0.qed");
        write(GRANULE, 'a');
        assertThatExceptionOfType(BlockException.class)
                .isThrownBy(() -> backup.backUp(directory.resolve("missing"), "1.qed"));
        assertThat(backup.backUp(directory, "1.qed")).isEqualTo(GRANULE);
        assertThat(contentOf("1.qed")).isEqualTo(content(disk));
        assertThat(disk.dirtyBitmaps()).as("bitmaps kept").hasSize(1);
    }

    @Test
    void theProgramMakesAChain() throws Exception {
        Path made = directory.resolve("made");
        IncrementalBackup.main(new String[] {made.toString()});
        try (BlockDevice last = BlockDevice.open(made.resolve("day2.qed").toString(), OpenOptions.readOnly())) {
            assertThat(last.info().backingFilename()).isEqualTo("day1.qed");
        }
        assertThat(Files.size(made.resolve("day2.qed"))).isLessThan(1 << 20);
    }

    private void write(long offset, char value) throws BlockException {
        disk.write(offset, ByteBuffer.wrap(String.valueOf(value).repeat(100).getBytes()));
    }

    private byte[] contentOf(String name) throws BlockException {
        try (BlockDevice backup = BlockDevice.open(directory.resolve(name).toString(), OpenOptions.readOnly())) {
            return content(backup);
        }
    }

    private static byte[] content(BlockDevice device) throws BlockException {
        byte[] bytes = new byte[SIZE];
        device.read(0, ByteBuffer.wrap(bytes));
        return bytes;
    }
}
