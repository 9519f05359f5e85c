// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.CrashStates;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A process is killed, another one recovers the image, and then the power is lost: what was read in between has not been there by chance. */
class RecoveredDataTest {
    private static final int SIZE = 256 << 10;
    private static final int WRITTEN = SIZE - 40_000;
    private static final byte[] BASE = Pattern.bytes(1, 0, SIZE / 2);

    /** With a base image the write is behind its end: no bit of it waits for the data. */
    @ParameterizedTest(name = "version {0}, block {1}, data file {2}, {3}")
    @CsvSource({
        "1, 0, true, write-through",
        "2, 0, true, write-through",
        "2, 4096, true, write-through",
        "2, 4096, true, buffered",
        "2, 0, false, write-through"
    })
    void whatARecoveredImageShowsIsDurable(int version, int block, boolean dataFile, String mode) throws Exception {
        FvdImages images = new FvdImages(new Shape(version, SIZE, 16_384, block, 8192, dataFile), BASE);
        RequestLog log = new RequestLog();
        RecordingDriver image = new RecordingDriver(FvdImages.IMAGE, images.image(), log);
        RecordingDriver data = new RecordingDriver(FvdImages.DATA, images.data(), log);
        images.with(image, data);
        BlockDevice killed = images.open(FvdImages.readWrite(mode));
        byte[] written = Pattern.bytes(2, 0, 20_000);
        killed.write(WRITTEN, ByteBuffer.wrap(written));
        // All that it has is in the files, and nobody has asked for more.
        killed.drain().close();

        byte[] shown = Guest.bytes(images.open(FvdImages.readWrite(mode)));
        assertThat(Arrays.copyOfRange(shown, WRITTEN, WRITTEN + written.length)).isEqualTo(written);
        CrashStates.State lost = new CrashStates(log, List.of(image, data)).nothingButFlushed();
        images.with(new MemoryDriver(lost.file(FvdImages.IMAGE)), new MemoryDriver(lost.file(FvdImages.DATA)));
        try (BlockDevice device = images.open(FvdImages.readWrite(mode))) {
            assertThat(Guest.bytes(device)).isEqualTo(shown);
        }
    }
}
