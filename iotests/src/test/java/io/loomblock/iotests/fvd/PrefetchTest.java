// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.Timers;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
import io.loomblock.memory.BufferPool;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.BlockingDriver.Hold;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.HurriedTimers;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.Waits;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The base image is fetched behind the scenes, and then not needed any more. */
class PrefetchTest {
    private static final int SIZE = 4 << 20;
    private static final int CHUNK = 65536;
    private static final int BLOCK = 16384;
    private static final int UNIT = 65536;
    private static final byte[] BASE = Pattern.bytes(3, 0, SIZE - 100 * 512);
    private static final Shape SHAPE = new Shape(2, SIZE, CHUNK, BLOCK, 8192, true);

    /** Where the header of layout 2 says how long a pause may last: never here, however slow the machine is. */
    private static final int THROTTLE_TIME = 3288;

    private final FakeTimers timers = new FakeTimers();
    private final RequestLog log = new RequestLog();
    private FvdImages images;
    private BlockingDriver image;
    private BlockingDriver data;
    private FaultDriver dataFaults;
    private BlockingDriver baseBlocker;
    private FaultDriver baseFaults;

    @BeforeEach
    void makeImage() throws BlockException {
        makeImage(SHAPE);
    }

    private void makeImage(Shape shape) throws BlockException {
        CreateOptions create = shape.options().with("prefetch_start_delay", 5);
        images = new FvdImages(shape, BASE, create);
        if (shape.version() == 2) {
            images.withField(THROTTLE_TIME, 0);
        }
        images.withPrefetchUnit(Math.ceilDiv(UNIT, shape.blockSize()) * shape.blockSize());
        dataFaults = new FaultDriver(new RecordingDriver("data", images.data(), log));
        data = new BlockingDriver(dataFaults);
        image = new BlockingDriver(new RecordingDriver("image", images.image(), log));
        images.with(image, data);
        BlockDriver base = new RecordingDriver("base", images.files().memory(FvdImages.BASE), log);
        baseBlocker = new BlockingDriver(base);
        baseFaults = new FaultDriver(baseBlocker);
        images.files().put(FvdImages.BASE, baseFaults);
    }

    private BlockDevice open(Timers clock) throws BlockException {
        return images.open(options(clock));
    }

    private static OpenOptions options(Timers clock) {
        return FvdImages.readWrite("buffered").withTimers(clock);
    }

    private void awaitStart() {
        timers.advance(Duration.ofSeconds(5));
    }

    private static byte[] disk() {
        return Arrays.copyOf(BASE, SIZE);
    }

    private static String state(BlockDevice device) throws BlockException {
        return (String) device.info().formatSpecific().get("prefetch-state");
    }

    private static long fetched(BlockDevice device) throws BlockException {
        return (Long) device.info().formatSpecific().get("base-data-in-image");
    }

    private long baseReads(int start) {
        return log.since(start).stream()
                .filter(e -> e.file().equals("base") && e.kind() == Kind.READ)
                .count();
    }

    private List<String> changes(int start) {
        return log.since(start).stream()
                .filter(e -> e.kind() != Kind.READ)
                .map(e -> e.kind() + " " + e.file())
                .toList();
    }

    @ParameterizedTest(name = "layout {0}, chunk {1}, block {2}, journal {3}, data file {4}")
    @CsvSource({
        "1, 65536, 16384, 0, false",
        "2, 65536, 16384, 8192, true",
        "2, 0, 7680, 8192, false",
        "2, 4096, 512, -1, false",
        "1, 0, 65536, -1, true",
        "2, 65536, 3145728, 8192, false"
    })
    void everythingIsFetchedAndTheBaseIsNotReadAnyMore(
            int version, int chunk, int block, long journal, boolean dataFile) throws Exception {
        makeImage(new Shape(version, SIZE, chunk, block, journal, dataFile));
        try (BlockDevice device = open(timers)) {
            timers.advance(Duration.ofMillis(4999));
            assertThat(state(device)).isEqualTo("waiting");
            assertThat(baseReads(0)).isZero();
            timers.advance(Duration.ofMillis(1));
            assertThat(state(device)).isEqualTo("finished");
            assertThat(fetched(device)).isEqualTo(BASE.length);
            int start = log.size();
            assertThat(Guest.bytes(device)).isEqualTo(disk());
            device.write(100, ByteBuffer.wrap(Pattern.bytes(9, 100, 1000)));
            assertThat(baseReads(start)).isZero();
        }
        assertThat(images.read().allData()).isTrue();
        byte[] expected = disk();
        System.arraycopy(Pattern.bytes(9, 100, 1000), 0, expected, 100, 1000);
        images.expectSound(expected);
        images.files().put(FvdImages.BASE, new byte[0]);
        try (BlockDevice device = open(timers)) {
            assertThat(Guest.bytes(device)).isEqualTo(expected);
            assertThat(device.info().formatSpecific())
                    .containsEntry("all-data-in-image", true)
                    .containsEntry("base-image", FvdImages.BASE);
            timers.advance(Duration.ofHours(1));
            assertThat(state(device)).isEqualTo("off");
        }
    }

    /** Section 12: data, table, bitmap, and only then the word of the header, each durable before the next. */
    @Test
    void theHeaderSpeaksLast() throws Exception {
        try (BlockDevice device = open(timers)) {
            awaitStart();
            List<String> all = changes(0);
            int last = all.lastIndexOf("WRITE data");
            assertThat(all.subList(last + 1, all.size()))
                    .containsExactly(
                            "FLUSH data",
                            "WRITE image",
                            "FLUSH image",
                            "WRITE image",
                            "FLUSH image",
                            "WRITE image",
                            "FLUSH image");
            assertThat(state(device)).isEqualTo("finished");
        }
    }

    @Test
    void theReaderIsAheadByTheSlots() throws Exception {
        Hold hold = data.hold(Request.of(Kind.WRITE));
        try (BlockDevice device = open(new HurriedTimers())) {
            try (hold) {
                hold.awaitHeld();
                Waits.until("two slots are full", () -> baseReads(0) == 2);
                assertThat(log.entries().stream().filter(e -> e.file().equals("data") && e.kind() == Kind.WRITE))
                        .as("one store at a time")
                        .isEmpty();
                byte[] content = Guest.read(device, SIZE / 2, 512);
                assertThat(content).isEqualTo(Pattern.bytes(3, SIZE / 2, 512));
                assertThat(baseReads(0))
                        .as("the guest's, and none of the reader's")
                        .isEqualTo(3);
            }
            awaitFinished(device);
        }
        images.expectSound(disk());
    }

    private static void awaitFinished(BlockDevice device) {
        Waits.until("everything is fetched", () -> {
            try {
                return state(device).equals("finished");
            } catch (BlockException e) {
                throw new AssertionError(e);
            }
        });
    }

    /** E21: who held the block has failed; the program set its bit all the same, over data that nobody had stored. */
    @Test
    void aBlockThatWasHeldByAWriteThatFailedIsFetchedBeforeTheEnd() throws Exception {
        try (BlockDevice device = open(timers)) {
            try (Hold hold = data.hold(Request.of(Kind.WRITE, 0, SIZE))) {
                Call write = Call.of(() -> device.write(5 * BLOCK, ByteBuffer.wrap(Pattern.bytes(9, 0, BLOCK))));
                hold.awaitHeld();
                dataFaults.arm(Fault.once(Request.of(Kind.WRITE)));
                hold.release();
                failQuietly(write);
            }
            awaitStart();
            assertThat(state(device)).isEqualTo("finished");
            assertThat(Guest.bytes(device)).isEqualTo(disk());
        }
        images.expectSound(disk());
    }

    private static void failQuietly(Call write) throws Exception {
        try {
            write.join();
            throw new AssertionError("the write succeeds");
        } catch (BlockException e) {
            assertThat(e.errno()).isEqualTo(Errno.EIO);
        }
    }

    @Test
    void blocksThatGuestsHoldAreLeftOutAndTheEndWaitsForThem() throws Exception {
        try (BlockDevice device = open(timers)) {
            byte[] expected = disk();
            System.arraycopy(Pattern.bytes(9, 0, 512), 0, expected, 5 * BLOCK, 512);
            try (Hold hold = baseHold()) {
                Call write = Call.of(() -> device.write(5 * BLOCK, ByteBuffer.wrap(Pattern.bytes(9, 0, 512))));
                hold.awaitHeld();
                awaitStart();
                assertThat(fetched(device)).isEqualTo(BASE.length - BLOCK);
                assertThat(state(device)).isEqualTo("paused");
                hold.release();
                write.join();
            }
            timers.advance(Duration.ofMillis(100));
            assertThat(state(device)).isEqualTo("finished");
            assertThat(Guest.bytes(device)).isEqualTo(expected);
        }
    }

    /** Holds up the read that a copy-on-write needs. */
    private Hold baseHold() {
        return baseBlocker.hold(Request.of(Kind.READ, 5L * BLOCK + 512, 6L * BLOCK));
    }

    @ParameterizedTest(name = "{0} of the base image fails")
    @CsvSource({"READ", "WRITE", "TRUNCATE"})
    void anErrorEndsFetchingForTheSessionAndNothingElse(Kind kind) throws Exception {
        try (BlockDevice device = open(timers)) {
            FaultDriver faults = kind == Kind.READ ? baseFaults : dataFaults;
            faults.arm(Fault.once(Request.of(kind)).at(1));
            awaitStart();
            assertThat(faults.failures()).isEqualTo(1);
            assertThat(state(device)).isEqualTo("disabled");
            long done = fetched(device);
            assertThat(done).isBetween((long) UNIT, BASE.length - 1L);
            timers.advance(Duration.ofHours(1));
            assertThat(fetched(device)).isEqualTo(done);
            assertThat(Guest.bytes(device)).isEqualTo(disk());
            device.write(0, ByteBuffer.wrap(new byte[512]));
        }
        assertThat(images.read().allData()).isFalse();
        assertThat(images.read().has(0)).as("what was fetched is kept").isTrue();
        try (BlockDevice device = open(timers)) {
            awaitStart();
            assertThat(state(device)).as("the next session goes on").isEqualTo("finished");
        }
    }

    @Test
    void aHeaderThatCannotBeWrittenLeavesTheBaseInUse() throws Exception {
        FaultDriver faults = new FaultDriver(image);
        try (BlockDevice device = images.with(faults, data).open(options(timers))) {
            faults.arm(Fault.once(Request.of(Kind.WRITE, 0, 8192)));
            awaitStart();
            assertThat(faults.failures()).isEqualTo(1);
            assertThat(state(device)).isEqualTo("disabled");
            assertThat(Guest.bytes(device)).isEqualTo(disk());
        }
        assertThat(images.read().allData()).isFalse();
        images.expectSound(disk());
    }

    @Test
    void aDrainStopsItAndWhatWasStoredStays() throws Exception {
        Hold hold = data.hold(Request.of(Kind.WRITE, 300_000, SIZE));
        try (BlockDevice device = open(new HurriedTimers())) {
            hold.awaitHeld();
            List<BlockDevice.Drained> section = new ArrayList<>();
            Call drain = Call.thatWaits(() -> section.add(device.drain()));
            hold.close();
            drain.join();
            long done = fetched(device);
            assertThat(done).isPositive().isLessThan(BASE.length);
            int start = log.size();
            assertThat(baseReads(start)).isZero();
            assertThat(fetched(device)).isEqualTo(done);
            section.get(0).close();
            awaitFinished(device);
        }
        images.expectSound(disk());
    }

    @Test
    void aCloseKeepsWhatWasFetched() throws Exception {
        Hold hold = data.hold(Request.of(Kind.WRITE, 300_000, SIZE));
        BlockDevice device = open(new HurriedTimers());
        hold.awaitHeld();
        Call close = Call.thatWaits(device::close);
        hold.close();
        close.join();
        assertThat(images.read().allData()).isFalse();
        assertThat(images.read().has(0)).isTrue();
        images.expectSound(disk());
    }

    /** E20, F44. */
    @Test
    void neitherReadOnlyImagesNorToolsNorThoseOfOthersFetch() throws Exception {
        OpenOptions all = options(timers);
        for (OpenOptions none : List.of(all.withWritable(false), all.withOffline(true), all.withInactive(true))) {
            try (BlockDevice device = images.open(none)) {
                int start = log.size();
                timers.advance(Duration.ofHours(1));
                assertThat(log.since(start)).isEmpty();
                assertThat(state(device)).isEqualTo("off");
            }
        }
    }

    @Test
    void anImageThatIsTakenOverIsFetchedFromThenOn() throws Exception {
        try (BlockDevice device = images.open(options(timers).withInactive(true))) {
            timers.advance(Duration.ofHours(1));
            device.invalidateCache(true);
            assertThat(state(device)).isEqualTo("waiting");
            awaitStart();
            assertThat(state(device)).isEqualTo("finished");
            device.inactivate();
            assertThat(state(device)).isEqualTo("off");
            assertThat(Guest.bytes(device)).isEqualTo(disk());
        }
    }

    @Test
    void anImageThatBecomesReadOnlyIsFetchedNoMore() throws Exception {
        try (BlockDevice device = open(timers)) {
            device.reopen(false);
            timers.advance(Duration.ofHours(1));
            assertThat(baseReads(0)).isZero();
            device.reopen(true);
            awaitStart();
            assertThat(state(device)).isEqualTo("finished");
        }
    }

    /** Who waits for storage waits for others, who need memory: with an image as data file, from the same pool. */
    @Test
    void nothingIsHeldOfTheMemoryOfOthersWhileStorageGrowsForALargeBlock() throws Exception {
        BufferPool pool = new BufferPool(16 << 20, 8 << 20);
        List<Long> held = new ArrayList<>();
        makeImage(new Shape(2, SIZE, CHUNK, 3 << 20, 8192, true));
        images.with(image, new ForwardingDriver(data) {
            @Override
            public void truncate(long bytes, boolean exact, PreallocationMode mode) throws BlockException {
                held.add(pool.outstanding());
                super.truncate(bytes, exact, mode);
            }
        });
        try (BlockDevice device = images.open(options(timers).withPool(pool))) {
            long before = pool.outstanding();
            awaitStart();
            assertThat(state(device)).isEqualTo("finished");
            assertThat(held).isNotEmpty().containsOnly(before);
        }
    }
}
