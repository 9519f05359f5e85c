// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.SparseBytes;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * One image is written to, killed and recovered over and over, so that journals wrap, epochs rise and storage is taken anew over what earlier
 * lives have left: nothing is ever lost that a life was promised.
 *
 * <p>A kill is that of a process: what it has written is in the files, flushed or not. A loss of power, which takes some of that away, is
 * {@link CrashTest}'s.
 */
@Timeout(120)
class KillLoopTest {
    private static final int LIVES = Boolean.getBoolean("loomblock.soak") ? 2000 : 60;
    private static final int SIZE = 240 << 10;
    private static final int TINY_JOURNAL = 4096;
    private static final int SECTOR = 512;

    private final FakeTimers timers = new FakeTimers();
    private Random random;
    private int patterns;

    /** What the disk may read as after a kill: each sector as in any of these, which follow one another. */
    private final List<byte[]> states = new ArrayList<>();

    @ParameterizedTest(name = "version {0}, chunk {1}, block {2}, data file {3}, {4}")
    @CsvSource({
        "1, 4096, 8192, false, write-through",
        "1, 16384, 7680, true, buffered",
        "1, 16384, 0, false, buffered",
        "2, 16384, 4096, true, write-through",
        "2, 0, 8192, true, buffered",
        "2, 512, 131072, false, write-through",
        "2, 2048, 65536, false, buffered",
        "2, 16384, 0, false, buffered"
    })
    void whatWasPromisedIsThereAfterEveryKill(int version, int chunk, int block, boolean dataFile, String mode)
            throws Exception {
        byte[] base = block == 0 ? new byte[0] : Pattern.bytes(3, 0, SIZE - 50_000);
        FvdImages images = new FvdImages(new Shape(version, SIZE, chunk, block, TINY_JOURNAL, dataFile), base);
        OpenOptions options = FvdImages.readWrite(mode).withTimers(timers);
        boolean everyWriteCounts = mode.equals("write-through");
        random = new Random(version + chunk + block);
        states.add(Arrays.copyOf(base, SIZE));
        MemoryDriver image = images.image();
        MemoryDriver data = images.data();
        for (int life = 0; life < LIVES; life++) {
            BlockDevice device = images.open(options);
            byte[] content = Guest.bytes(device);
            expectAnyState(content, life);
            promise(content);
            for (int i = random.nextInt(12); i > 0; i--) {
                request(device, everyWriteCounts);
            }
            SparseBytes imageThen = image.snapshot();
            SparseBytes dataThen = data.snapshot();
            device.close();
            image = new MemoryDriver(imageThen);
            data = new MemoryDriver(dataThen);
            images.with(image, data);
        }
        byte[] content;
        try (BlockDevice device = images.open(options)) {
            content = Guest.bytes(device);
            expectAnyState(content, LIVES);
        }
        images.expectSound(image, data, content);
    }

    /** From now on the disk reads as this, and nothing else. */
    private void promise(byte[] content) {
        states.clear();
        states.add(content);
    }

    private void request(BlockDevice device, boolean counts) throws BlockException {
        byte[] next = states.getLast().clone();
        int length = SECTOR * (1 + random.nextInt(70));
        int offset = random.nextInt(SIZE - length) & -SECTOR;
        switch (random.nextInt(8)) {
            case 0 -> {
                device.flush();
                promise(next);
                return;
            }
            case 1 -> {
                timers.advance(Duration.ofSeconds(2));
                return;
            }
            case 2 -> {
                device.writeZeroes(offset, length, 0);
                Arrays.fill(next, offset, offset + length, (byte) 0);
            }
            default -> {
                byte[] bytes = Pattern.bytes(100 + patterns++, offset, length);
                device.write(offset, ByteBuffer.wrap(bytes));
                System.arraycopy(bytes, 0, next, offset, length);
            }
        }
        if (counts) {
            promise(next);
        } else {
            states.add(next);
        }
    }

    private void expectAnyState(byte[] content, int life) {
        for (int at = 0; at < SIZE; at += SECTOR) {
            int start = at;
            assertThat(states)
                    .as("life %d, sector at %d", life, start)
                    .anyMatch(state -> Arrays.equals(state, start, start + SECTOR, content, start, start + SECTOR));
        }
    }
}
