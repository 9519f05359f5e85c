// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.FvdReader;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.BlockingDriver.Hold;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What guests read from the base image is kept: behind the scenes, within bounds, and never in the way of a write. */
class CopyOnReadTest {
    private static final int SIZE = 8 << 20;
    private static final int CHUNK = 65536;
    private static final int BLOCK = 16384;
    private static final byte[] BASE = Pattern.bytes(3, 0, SIZE);
    private static final Shape SHAPE = new Shape(2, SIZE, CHUNK, BLOCK, 8192, true);
    /** Where the header of layout 2 says how many bytes may wait. */
    private static final int MOST_OUTSTANDING = 3224;

    private final FakeTimers timers = new FakeTimers();
    private final RequestLog log = new RequestLog();
    private FvdImages images;
    private BlockingDriver image;
    private BlockingDriver data;
    private FaultDriver faults;
    private OpenOptions options;

    @BeforeEach
    void makeImage() throws BlockException {
        makeImage(SHAPE, "write-through");
    }

    private void makeImage(Shape shape, String mode) throws BlockException {
        CreateOptions create = shape.options().with("copy_on_read", "on");
        images = new FvdImages(shape, BASE, create);
        faults = new FaultDriver(new RecordingDriver("data", images.data(), log));
        data = new BlockingDriver(faults);
        image = new BlockingDriver(new RecordingDriver("image", images.image(), log));
        images.with(image, data);
        images.files()
                .put(FvdImages.BASE, new RecordingDriver("base", images.files().memory(FvdImages.BASE), log));
        options = FvdImages.readWrite(mode).withTimers(timers);
    }

    private void storeCopies() {
        timers.advance(Duration.ZERO);
    }

    private static byte[] base(int offset, int length) {
        return Arrays.copyOfRange(BASE, offset, offset + length);
    }

    private List<String> requests(int start, String file) {
        return log.since(start).stream()
                .filter(e -> e.file().equals(file))
                .map(e -> e.kind() + " " + e.offset() + " " + e.length())
                .toList();
    }

    private List<String> kinds(int start) {
        return log.since(start).stream()
                .filter(e -> e.kind() != Kind.READ)
                .map(e -> e.kind() + " " + e.file())
                .toList();
    }

    private static Map<String, Object> facts(BlockDevice device) throws BlockException {
        return device.info().formatSpecific();
    }

    @Test
    void aReadIsAnsweredBeforeItsBlocksAreStored() throws Exception {
        try (BlockDevice device = images.open(options)) {
            int start = log.size();
            assertThat(Guest.read(device, BLOCK + 512, 1024)).isEqualTo(base(BLOCK + 512, 1024));
            assertThat(requests(start, "base")).as("whole blocks").containsExactly("READ " + BLOCK + " " + BLOCK);
            assertThat(requests(start, "data")).isEmpty();
            storeCopies();
            assertThat(kinds(start)).as("nothing is logged").containsExactly("TRUNCATE data", "WRITE data");
            start = log.size();
            assertThat(Guest.read(device, BLOCK, BLOCK)).isEqualTo(base(BLOCK, BLOCK));
            assertThat(requests(start, "base")).as("has it by now").isEmpty();
            assertThat(facts(device)).containsEntry("base-data-in-image", (long) BLOCK);
        }
    }

    @ParameterizedTest(name = "blocks of {0}")
    @ValueSource(ints = {512, 7680, 16384, 1 << 20, 3 << 20})
    void allSizesOfBlocksAreCopied(int block) throws Exception {
        makeImage(new Shape(2, SIZE, CHUNK, block, 0, true), "buffered");
        try (BlockDevice device = images.open(options)) {
            for (int at = 0; at < SIZE; at += 1 << 20) {
                assertThat(Guest.read(device, at, 1 << 20)).isEqualTo(base(at, 1 << 20));
                storeCopies();
            }
            int start = log.size();
            assertThat(Guest.bytes(device)).isEqualTo(BASE);
            assertThat(requests(start, "base")).isEmpty();
        }
        images.expectSound(BASE);
    }

    @Test
    void copiesOutliveACloseButNotACrash() throws Exception {
        MemoryDriver crashed;
        try (BlockDevice device = images.open(options)) {
            Guest.read(device, 0, BLOCK);
            storeCopies();
            device.flush();
            crashed = new MemoryDriver(images.image().snapshot());
        }
        assertThat(images.read().has(0)).isTrue();
        assertThat(images.read().has(BLOCK)).isFalse();
        assertThat(new FvdReader(crashed.snapshot().toByteArray(), new byte[0]).has(0))
                .isFalse();
        try (BlockDevice device = images.with(crashed, data).open(options)) {
            assertThat(Guest.bytes(device)).isEqualTo(BASE);
        }
    }

    /** Section 9.4: the bit makes the copy visible that is around what the guest has written, so the copy has to be durable too. */
    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"write-through", "buffered"})
    void aWriteToACopiedBlockLogsItBehindItsData(String mode) throws Exception {
        makeImage(SHAPE, mode);
        MemoryDriver crashed;
        try (BlockDevice device = images.open(options)) {
            Guest.read(device, 0, BLOCK);
            storeCopies();
            int start = log.size();
            device.write(512, ByteBuffer.wrap(Pattern.bytes(9, 512, 512)));
            device.flush();
            assertThat(requests(start, "base")).as("the image has the rest").isEmpty();
            assertThat(kinds(start))
                    .containsSubsequence("WRITE data", "FLUSH data", "WRITE image")
                    .containsOnlyOnce("WRITE data");
            crashed = new MemoryDriver(images.image().snapshot());
            start = log.size();
            device.write(1024, ByteBuffer.wrap(Pattern.bytes(9, 1024, 512)));
            assertThat(kinds(start)).as("now it is in place").containsExactly("WRITE data");
        }
        byte[] expected = BASE.clone();
        System.arraycopy(Pattern.bytes(9, 512, 1024), 0, expected, 512, 1024);
        try (BlockDevice device = images.with(crashed, data).open(options)) {
            assertThat(Guest.bytes(device)).isEqualTo(expected);
        }
    }

    /** E27: the chunks beside that of the write were mapped by the copy, and nothing told the journal. */
    @Test
    void chunksThatACopyHasMappedAreLoggedWithTheirBlock() throws Exception {
        makeImage(new Shape(2, SIZE, 4096, 65536, 8192, true), "write-through");
        MemoryDriver crashed;
        try (BlockDevice device = images.open(options)) {
            Guest.read(device, 0, 512);
            storeCopies();
            device.write(20_480, ByteBuffer.wrap(Pattern.bytes(9, 20_480, 512)));
            crashed = new MemoryDriver(images.image().snapshot());
        }
        byte[] expected = BASE.clone();
        System.arraycopy(Pattern.bytes(9, 20_480, 512), 0, expected, 20_480, 512);
        try (BlockDevice device = images.with(crashed, data).open(options)) {
            assertThat(Guest.bytes(device)).isEqualTo(expected);
        }
    }

    @Test
    void zerosTakeNoStorage() throws Exception {
        images.files().put(FvdImages.BASE, new byte[SIZE]);
        try (BlockDevice device = images.open(options)) {
            Guest.read(device, 0, 1 << 20);
            storeCopies();
            assertThat(facts(device)).containsEntry("base-data-in-image", 1L << 20);
            assertThat(facts(device)).containsEntry("storage-used", 0L);
        }
        assertThat(images.read().chunks()).isZero();
    }

    @Test
    void whatWaitsIsBounded() throws Exception {
        images.withField(MOST_OUTSTANDING, 3 * BLOCK);
        try (BlockDevice device = images.open(options)) {
            int start = log.size();
            for (int i = 0; i < 5; i++) {
                Guest.read(device, 2L * i * BLOCK, 512);
            }
            assertThat(requests(start, "base"))
                    .containsExactly(
                            "READ 0 16384",
                            "READ 32768 16384",
                            "READ 65536 16384",
                            "READ 98304 512",
                            "READ 131072 512");
            storeCopies();
            start = log.size();
            Guest.read(device, 6L * BLOCK, 512);
            assertThat(requests(start, "base")).containsExactly("READ 98304 16384");
        }
    }

    @Test
    void lessThanTwoBlocksIsOneBlock() throws Exception {
        images.withField(MOST_OUTSTANDING, 2 * BLOCK - 1);
        try (BlockDevice device = images.open(options)) {
            int start = log.size();
            Guest.read(device, 0, 512);
            Guest.read(device, 2 * BLOCK, 512);
            assertThat(requests(start, "base")).containsExactly("READ 0 16384", "READ 32768 512");
        }
    }

    /** Section 10: the guest's data stays, and the copy is dropped without a word. */
    @Test
    void aCopyLeavesOutBlocksThatAreBeingWritten() throws Exception {
        try (BlockDevice device = images.open(options)) {
            Guest.read(device, 0, 3 * BLOCK);
            try (Hold hold = data.hold(Request.of(Kind.WRITE))) {
                Call write =
                        Call.of(() -> device.write(BLOCK + 512, ByteBuffer.wrap(Pattern.bytes(9, BLOCK + 512, 1024))));
                hold.awaitHeld();
                storeCopies();
                assertThat(facts(device)).containsEntry("base-data-in-image", 2L * BLOCK);
                int start = log.size();
                assertThat(Guest.read(device, 0, 3 * BLOCK)).isEqualTo(base(0, 3 * BLOCK));
                assertThat(requests(start, "base")).containsExactly("READ 16384 16384");
                hold.release();
                write.join();
            }
            byte[] expected = base(0, 3 * BLOCK);
            System.arraycopy(Pattern.bytes(9, BLOCK + 512, 1024), 0, expected, BLOCK + 512, 1024);
            assertThat(Guest.read(device, 0, 3 * BLOCK)).isEqualTo(expected);
            assertThat(facts(device)).containsEntry("base-data-in-image", 3L * BLOCK);
        }
    }

    @Test
    void aWriteWaitsForTheStoreOfItsBlockAlone() throws Exception {
        try (BlockDevice device = images.open(options)) {
            Guest.read(device, 0, BLOCK);
            try (Hold hold = data.hold(Request.of(Kind.WRITE, 0, BLOCK))) {
                Call copies = Call.of(this::storeCopies);
                hold.awaitHeld();
                Call same = Call.thatWaits(() -> device.write(512, ByteBuffer.wrap(Pattern.bytes(9, 512, 512))));
                device.write(BLOCK, ByteBuffer.wrap(Pattern.bytes(9, BLOCK, BLOCK)));
                assertThat(Guest.read(device, 0, BLOCK)).isEqualTo(base(0, BLOCK));
                hold.release();
                copies.join();
                same.join();
            }
            byte[] expected = base(0, BLOCK);
            System.arraycopy(Pattern.bytes(9, 512, 512), 0, expected, 512, 512);
            assertThat(Guest.read(device, 0, BLOCK)).isEqualTo(expected);
        }
    }

    @Test
    void aCopyThatCannotBeStoredIsNobodysError() throws Exception {
        try (BlockDevice device = images.open(options)) {
            faults.arm(Fault.once(Request.of(Kind.WRITE)));
            assertThat(Guest.read(device, 0, BLOCK)).isEqualTo(base(0, BLOCK));
            storeCopies();
            assertThat(faults.failures()).isEqualTo(1);
            assertThat(facts(device)).containsEntry("base-data-in-image", 0L);
            assertThat(Guest.read(device, 0, BLOCK)).isEqualTo(base(0, BLOCK));
            storeCopies();
            assertThat(facts(device)).containsEntry("base-data-in-image", (long) BLOCK);
        }
        images.expectSound(BASE);
    }

    @Test
    void theRestOfABlockThatCannotBeReadDoesNotFailTheRead() throws Exception {
        FaultDriver base = new FaultDriver(images.files().put(FvdImages.BASE, BASE));
        images.files().put(FvdImages.BASE, base);
        try (BlockDevice device = images.open(options)) {
            base.arm(Fault.once(Request.of(Kind.READ)));
            assertThat(Guest.read(device, 512, 512)).isEqualTo(base(512, 512));
            base.arm(Fault.always(Request.of(Kind.READ)));
            assertThatThrownBy(() -> Guest.read(device, 512, 512)).isInstanceOf(BlockException.class);
            base.disarm();
        }
    }

    @Test
    void aDrainStoresWhatWaits() throws Exception {
        try (BlockDevice device = images.open(options)) {
            Guest.read(device, 0, BLOCK);
            try (BlockDevice.Drained drained = device.drain()) {
                assertThat(facts(device)).containsEntry("base-data-in-image", (long) BLOCK);
                int start = log.size();
                storeCopies();
                assertThat(kinds(start)).as("nothing in the section").isEmpty();
            }
            Guest.read(device, BLOCK, BLOCK);
            storeCopies();
            assertThat(facts(device)).containsEntry("base-data-in-image", 2L * BLOCK);
        }
    }

    @Test
    void theBaseImageThatIsLeftOutIsNotCopiedAsZeros() throws Exception {
        try (BlockDevice device = images.open(options.withNoBacking(true))) {
            assertThat(Guest.read(device, 0, BLOCK)).containsOnly(0);
            storeCopies();
        }
        assertThat(images.read().has(0)).isFalse();
    }

    /** E20, F44. */
    @Test
    void neitherReadOnlyImagesNorToolsNorThoseOfOthersCopy() throws Exception {
        for (OpenOptions none :
                List.of(options.withWritable(false), options.withOffline(true), options.withInactive(true))) {
            try (BlockDevice device = images.open(none)) {
                int start = log.size();
                assertThat(Guest.read(device, 512, 512)).isEqualTo(base(512, 512));
                assertThat(requests(start, "base")).containsExactly("READ 512 512");
                storeCopies();
                assertThat(kinds(start)).isEmpty();
            }
        }
    }

    @Test
    void anImageThatIsTakenOverCopiesFromThenOn() throws Exception {
        try (BlockDevice device = images.open(options.withInactive(true))) {
            device.invalidateCache(true);
            Guest.read(device, 0, 512);
            storeCopies();
            assertThat(facts(device)).containsEntry("base-data-in-image", (long) BLOCK);
            device.inactivate();
            int start = log.size();
            Guest.read(device, BLOCK, 512);
            storeCopies();
            assertThat(kinds(start)).isEmpty();
        }
    }
}
