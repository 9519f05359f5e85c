// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.testkit.Pattern;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** E15: behind the records of a sector there are zeros, not what the memory had held before. */
class JournalContentTest {
    private static final int SIZE = 1 << 20;
    private static final int CHUNK = 8192;
    private static final int BLOCK = 4096;
    private static final int JOURNAL = 64 << 10;
    private static final int SECTOR = 512;
    private static final int BITMAP_RECORD = 0x3F2AB8ED;
    private static final int TABLE_RECORD = 0xB4E6F7AC;

    @ParameterizedTest(name = "layout {0}, {1}")
    @CsvSource({"1, write-through", "2, write-through", "1, buffered", "2, buffered"})
    void sectorsAreZeroBehindTheirRecords(int version, String mode) throws Exception {
        FvdImages images =
                new FvdImages(new Shape(version, SIZE, CHUNK, BLOCK, JOURNAL, true), Pattern.bytes(3, 0, SIZE));
        BufferPool pool = new BufferPool(8L * BufferPool.MAX_BUFFER, 4L * BufferPool.MAX_BUFFER);
        try (BlockDevice device = images.open(FvdImages.readWrite(mode).withPool(pool))) {
            soil(pool);
            // Long groups first: a buffer that is used again has held more than what comes next.
            Guest.write(device, 0, SIZE / 2, 1);
            device.flush();
            for (int i = 0; i < 20; i++) {
                Guest.write(device, SIZE / 2 + 3L * i * BLOCK + 512, 512, 1);
                if (i % 5 == 0) {
                    device.flush();
                }
            }
            device.flush();
            byte[] bytes = images.image().snapshot().toByteArray();
            ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            int journal = (int) file.getLong(version == 1 ? 4284 : 3192);
            int used = 0;
            for (int at = journal; at < journal + JOURNAL; at += SECTOR) {
                int end = endOfRecords(file, at, version);
                used += end > at ? 1 : 0;
                assertThat(Arrays.copyOfRange(bytes, end, at + SECTOR))
                        .as("behind the records of the sector at %d", at)
                        .containsOnly(end < at + SECTOR ? new byte[] {0} : new byte[0]);
            }
            assertThat(used).isGreaterThan(5);
        }
    }

    /** Leaves something in memory that is handed out again. */
    private static void soil(BufferPool pool) throws Exception {
        List<AlignedBuffer> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            AlignedBuffer buffer = pool.acquireReserved(1 << 20);
            buffer.fill(0, buffer.capacity(), (byte) 0xaa);
            all.add(buffer);
        }
        all.forEach(AlignedBuffer::close);
    }

    private static int endOfRecords(ByteBuffer file, int sector, int version) {
        int at = sector;
        while (at <= sector + SECTOR - 4) {
            int type = file.getInt(at);
            if (type == BITMAP_RECORD) {
                at += 16;
            } else if (type == TABLE_RECORD) {
                at += version == 1 ? 12 + 4 * file.getInt(at + 8) : 20 + 4 * file.getInt(at + 12);
            } else {
                break;
            }
        }
        return at;
    }
}
