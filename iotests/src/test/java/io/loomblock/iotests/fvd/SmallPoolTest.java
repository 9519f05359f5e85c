// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.Guest;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.BlockingDriver.Hold;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Images that stand on one another share a pool: who holds memory while the image below works must not have taken it from there. That of an
 * image's own may be short as well.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SmallPoolTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 4 * MIB;
    private static final int WRITTEN = 4096;

    private static final byte[] BASE = Pattern.bytes(1, 0, SIZE);

    private final TestFiles files = new TestFiles();
    private final BlockingDriver base = new BlockingDriver(new MemoryDriver(SparseBytes.of(BASE)));

    private void makeImages() throws BlockException {
        files.put("base.raw", base);
        files.put("other.raw", Pattern.bytes(2, 0, SIZE));
        // Its blocks are larger, so that each write to it is one beside which it has to copy, too.
        files.create("fvd", "data.fvd", image(2 * MIB).withBacking("other.raw", "raw"));
        CreateOptions options = image(MIB).withBacking("base.raw", "raw");
        files.create("fvd", "test.fvd", options.with("data_file", "data.fvd").with("data_file_fmt", "fvd"));
    }

    private static CreateOptions image(int blockSize) {
        return CreateOptions.ofSize(SIZE).with("compact_image", "off").with("block_size", blockSize);
    }

    @Test
    void copiesAroundWritesWaitForNoMemoryThatOthersOfTheirKindHold() throws Exception {
        makeImages();
        OpenOptions options = FvdImages.readWrite().withPool(new BufferPool(BufferPool.MAX_BUFFER, 0));
        byte[] expected = BASE.clone();
        try (BlockDevice device = files.open("test.fvd", "fvd", options)) {
            List<Hold> holds = new ArrayList<>();
            List<Call> writes = new ArrayList<>();
            for (int block = 0; block < 2; block++) {
                int start = block * MIB;
                int at = start + MIB / 2;
                holds.add(base.hold(Request.of(Kind.READ, start, start + MIB)));
                writes.add(Call.of(() -> device.write(at, bytes())));
                // It has its memory by now, all that it will need: half of the pool.
                holds.get(block).awaitHeld();
                Arrays.fill(expected, at, at + WRITTEN, (byte) 9);
            }
            holds.forEach(Hold::release);
            for (Call write : writes) {
                write.join();
            }
            assertThat(Guest.read(device, 0, SIZE)).isEqualTo(expected);
        }
    }

    /** Its chunk is in the table by then, and what lies before the guest's data may be stored. */
    @Test
    void aWriteThatWaitsForMemoryToCopyIsNotGivenUpForAnInterrupt() throws Exception {
        int copies = 8;
        byte[] expected = Pattern.bytes(1, 0, (copies + 1) * MIB);
        BlockingDriver shown = new BlockingDriver(new MemoryDriver(SparseBytes.of(expected)));
        files.put("base.raw", shown);
        files.create(
                "fvd",
                "test.fvd",
                CreateOptions.ofSize(expected.length)
                        .with("chunk_size", MIB)
                        .with("block_size", MIB)
                        .withBacking("base.raw", "raw"));
        try (BlockDevice device = files.open("test.fvd", "fvd", FvdImages.readWrite())) {
            List<Hold> holds = new ArrayList<>();
            List<Call> writes = new ArrayList<>();
            for (int block = 0; block < copies; block++) {
                int start = block * MIB;
                holds.add(shown.hold(Request.of(Kind.READ, start, start + MIB)));
                writes.add(Call.of(() -> device.write(start + MIB / 2, bytes())));
                holds.get(block).awaitHeld();
            }
            Call last = Call.thatWaits(() -> device.write(copies * MIB + MIB / 2, bytes()));
            last.thread().interrupt();
            holds.forEach(Hold::release);
            writes.add(last);
            for (Call write : writes) {
                write.join();
            }
            for (int block = 0; block <= copies; block++) {
                int at = block * MIB + MIB / 2;
                Arrays.fill(expected, at, at + WRITTEN, (byte) 9);
            }
            assertThat(Guest.read(device, 0, expected.length)).isEqualTo(expected);
        }
    }

    private static IoVector bytes() throws BlockException {
        IoVector vector = IoVector.of(AlignedBuffer.allocate(WRITTEN));
        vector.fill(0, WRITTEN, (byte) 9);
        return vector;
    }
}
