// SPDX-License-Identifier: Apache-2.0
package io.loomblock.examples.masked;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.Call;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Writes that begin inside a word: neither the rest of it nor the masked copy may take memory that another request waits for. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SmallPoolTest {
    private static final int MIB = 1 << 20;
    private static final int WRITERS = 16;
    private static final int SIZE = 2 * WRITERS * MIB;
    /** With the words that it begins and ends in, a whole megabyte. */
    private static final int LENGTH = MIB - Mask.WORD;

    @TempDir
    Path directory;

    @Test
    void writersInsideOfWordsWriteSideBySide() throws Exception {
        String image = directory.resolve("disk.masked").toString();
        make("masked", image, SIZE);
        OpenOptions options = OpenOptions.readWrite().withPool(new BufferPool(4 * MIB, 2 * MIB));
        try (BlockDevice disk = BlockDevice.open(image, options)) {
            List<Call> calls = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                int number = i;
                calls.add(Call.of(() -> disk.write(start(number), memory(number + 1))));
            }
            for (Call call : calls) {
                call.join();
            }
            for (int i = 0; i < WRITERS; i++) {
                assertHolds(disk, start(i), i + 1);
            }
        }
    }

    /** What is left of the pool is enough for the metadata of an image, and less than the write. */
    @ParameterizedTest
    @ValueSource(strings = {"file", "qed", "masked"})
    void guestDataTakesNothingOfTheOpenersPool(String below) throws Exception {
        String image = directory.resolve("disk").toString();
        makeInside(below, image);
        BufferPool pool = new BufferPool(2 * MIB, 0);
        OpenOptions options = OpenOptions.readWrite().withPool(pool).withNodeOptions(description(below, image));
        try (BlockDevice disk = BlockDevice.open(options);
                AlignedBuffer first = pool.acquire(MIB);
                AlignedBuffer second = pool.acquire(MIB / 2);
                AlignedBuffer third = pool.acquire(MIB / 4)) {
            disk.write(1, memory(5));
            assertHolds(disk, 1, 5);
        }
    }

    private static NodeOptions description(String below, String image) {
        NodeOptions masked = NodeOptions.NONE.with("driver", "masked");
        return below.equals("file")
                ? masked.with("file.filename", image)
                : masked.with("file.driver", below).with("file.file.filename", image);
    }

    /** A masked disk on the disk of an image, or on a file: what makes it one is its header. */
    private void makeInside(String below, String image) throws BlockException {
        String model = directory.resolve("model").toString();
        make("masked", model, SIZE);
        byte[] header = new byte[MaskedHeader.BYTES];
        try (BlockDevice disk = BlockDevice.open(model, OpenOptions.readOnly().withFormat("raw"))) {
            disk.read(0, ByteBuffer.wrap(header));
        }
        String format = below.equals("file") ? "raw" : below;
        make(format, image, MaskedHeader.BYTES + SIZE);
        try (BlockDevice disk = BlockDevice.open(image, OpenOptions.readWrite().withFormat(format))) {
            disk.write(0, ByteBuffer.wrap(header));
        }
    }

    private static void make(String format, String image, long size) throws BlockException {
        BlockDevice.create(format, image, CreateOptions.ofSize(size), OpenOptions.readWrite());
    }

    private static long start(int writer) {
        return 2L * writer * MIB + 1;
    }

    private static IoVector memory(int value) throws BlockException {
        IoVector memory = IoVector.of(AlignedBuffer.allocate(LENGTH));
        memory.fill(0, LENGTH, (byte) value);
        return memory;
    }

    private static void assertHolds(BlockDevice disk, long offset, int value) throws BlockException {
        IoVector read = IoVector.of(AlignedBuffer.allocate(LENGTH));
        disk.read(offset, read);
        byte[] found = new byte[LENGTH];
        read.copyTo(0, ByteBuffer.wrap(found));
        byte[] expected = new byte[LENGTH];
        Arrays.fill(expected, (byte) value);
        assertThat(Arrays.mismatch(found, expected)).isEqualTo(-1);
    }
}
