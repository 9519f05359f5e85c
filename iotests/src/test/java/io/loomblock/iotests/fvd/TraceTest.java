// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CacheMode;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.Node;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.FvdReader;
import io.loomblock.iotests.support.Guest;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Entry;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What single requests do to the files, in which order: in place, logged at once, logged together, recycled. */
class TraceTest {
    private static final int SIZE = 1 << 20;
    private static final int CHUNK = 65536;
    private static final int BLOCK = 16384;
    private static final byte[] BASE = Pattern.bytes(3, 0, SIZE / 2);

    private final FakeTimers timers = new FakeTimers();
    private final RequestLog log = new RequestLog();
    private FvdImages images;
    private FaultDriver faults;

    private BlockDevice open(Shape shape, String mode) throws BlockException {
        images = new FvdImages(shape, shape.blockSize() > 0 ? BASE : new byte[0]);
        faults = new FaultDriver(new RecordingDriver("image", images.image(), log));
        images.with(faults, new RecordingDriver("data", images.data(), log));
        return images.open(options(mode));
    }

    private OpenOptions options(String mode) {
        return FvdImages.readWrite(mode).withTimers(timers);
    }

    private static Shape both(int version) {
        return new Shape(version, SIZE, CHUNK, BLOCK, 8192, true);
    }

    private static void write(BlockDevice device, long offset, int length) throws BlockException {
        device.write(offset, ByteBuffer.wrap(Pattern.bytes(9, offset, length)));
    }

    /** Changes and flushes since {@code start}, each as its kind, file and length. */
    private List<String> changes(int start) {
        return log.since(start).stream()
                .filter(e -> e.kind() != Kind.READ)
                .map(e -> e.kind() + " " + e.file() + (e.kind() == Kind.WRITE ? " " + e.length() : ""))
                .toList();
    }

    @ParameterizedTest(name = "version {0}, {1}")
    @CsvSource({"1, write-through", "2, write-through", "2, buffered"})
    void aWriteInPlaceDoesNothingButThatWrite(int version, String mode) throws BlockException {
        try (BlockDevice device = open(both(version), mode)) {
            write(device, 0, CHUNK);
            device.flush();
            int start = log.size();
            write(device, 100, 30_000);
            assertThat(changes(start)).containsExactly("WRITE data 30000");
        }
    }

    /** F22: data, its flush, and then the one sector that makes both its place and its bit known. */
    @ParameterizedTest(name = "version {0}")
    @ValueSource(ints = {1, 2})
    void dataIsDurableBeforeTheSectorThatSetsItsBit(int version) throws BlockException {
        try (BlockDevice device = open(both(version), "write-through")) {
            int start = log.size();
            write(device, BLOCK, BLOCK);
            assertThat(changes(start))
                    .containsExactly("TRUNCATE data", "WRITE data 16384", "FLUSH data", "WRITE image 512");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"write-through", "buffered"})
    void whereTheBaseHasNothingButZerosBitsDoNotWaitForTheData(String mode) throws BlockException {
        byte[] base = BASE.clone();
        Arrays.fill(base, CHUNK, 3 * CHUNK, (byte) 0);
        images = new FvdImages(both(2), base);
        images.with(new RecordingDriver("image", images.image(), log), new RecordingDriver("data", images.data(), log));
        try (BlockDevice device = images.open(options(mode))) {
            int start = log.size();
            write(device, CHUNK + 1000, 3000);
            device.flush();
            assertThat(changes(start)).startsWith("TRUNCATE data", "WRITE data 3000", "WRITE image 512");
            assertThat(changes(start)).contains("FLUSH data");
            start = log.size();
            write(device, CHUNK + BLOCK, 3000);
            device.flush();
            assertThat(changes(start))
                    .as("storage that is there already may hold what was never acknowledged")
                    .startsWith("WRITE data " + BLOCK, "FLUSH data", "WRITE image 512");
        }
        byte[] expected = Arrays.copyOf(base, SIZE);
        for (int at : new int[] {CHUNK + 1000, CHUNK + BLOCK}) {
            System.arraycopy(Pattern.bytes(9, at, 3000), 0, expected, at, 3000);
        }
        images.expectSound(expected);
    }

    /** Of a large block whose rest copy-on-read has stored, which nothing has made durable. */
    @Test
    void whereTheRestOfTheBlockHasMoreBitsWaitForIt() throws BlockException {
        int mib = 1 << 20;
        byte[] base = Pattern.bytes(3, 0, 4 * mib);
        Arrays.fill(base, 0, mib, (byte) 0);
        Shape shape = new Shape(2, 4 * mib, mib, 2 * mib, 8192, true);
        images = new FvdImages(shape, base, shape.options().with("copy_on_read", "on"));
        images.with(new RecordingDriver("image", images.image(), log), new RecordingDriver("data", images.data(), log));
        try (BlockDevice device = images.open(options("write-through"))) {
            assertThat(Guest.read(device, mib, 4096)).isEqualTo(Arrays.copyOfRange(base, mib, mib + 4096));
            timers.advance(Duration.ZERO);
            assertThat(log.entries()).as("the copy").anyMatch(e -> e.kind() == Kind.WRITE && e.length() == mib);
            int start = log.size();
            write(device, 4096, 4096);
            assertThat(changes(start)).containsSubsequence("WRITE data 4096", "FLUSH data", "WRITE image 512");
        }
    }

    /** Zeros of the base image are looked for once, and again when somebody may have written there. */
    @Test
    void zerosOfABaseImageThatWasWritableAreNotBelieved() throws BlockException {
        int mib = 1 << 20;
        List<Long> asked = new ArrayList<>();
        images = new FvdImages(new Shape(2, 4 * mib, mib, 65_536, 8192, true), new byte[4 * mib]);
        images.files().put(FvdImages.BASE, new ForwardingDriver(images.files().memory(FvdImages.BASE)) {
            @Override
            public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
                asked.add(offset);
                return super.blockStatus(offset, bytes);
            }
        });
        try (BlockDevice device = images.open(options("write-through"))) {
            asked.clear();
            write(device, 0, 4096);
            write(device, mib, 4096);
            assertThat(asked).containsExactly(0L);
            Node base = device.node().children().get(Node.BACKING);
            base.reopen(true);
            byte[] committed = Pattern.bytes(5, 2 * mib + 8192, 4096);
            try (AlignedBuffer bytes = AlignedBuffer.allocate(committed.length)) {
                bytes.put(0, committed, 0, committed.length);
                base.coWritev(2 * mib + 8192, IoVector.of(bytes));
            }
            base.reopen(false);
            write(device, 2 * mib, 4096);
            assertThat(Guest.read(device, 2 * mib + 8192, 4096)).isEqualTo(committed);
        }
    }

    @Test
    void aPlaceAloneIsLoggedWithoutAFlush() throws BlockException {
        try (BlockDevice device = open(new Shape(2, SIZE, CHUNK, 0, 8192, true), "write-through")) {
            int start = log.size();
            write(device, 0, 512);
            assertThat(changes(start)).containsExactly("TRUNCATE data", "WRITE data 512", "WRITE image 512");
        }
    }

    @Test
    void theEdgesOfTheFirstAndTheLastBlockAreCopied() throws BlockException {
        try (BlockDevice device = open(both(2), "write-through")) {
            write(device, 1000, BLOCK);
            byte[] expected = Arrays.copyOf(BASE, 2 * BLOCK);
            System.arraycopy(Pattern.bytes(9, 1000, BLOCK), 0, expected, 1000, BLOCK);
            assertThat(Guest.read(device, 0, 2 * BLOCK)).isEqualTo(expected);
        }
        FvdReader reader = images.read();
        assertThat(reader.has(0)).isTrue();
        assertThat(reader.has(BLOCK)).isTrue();
        assertThat(reader.has(2 * BLOCK)).isFalse();
    }

    @Test
    void theEdgesAreStoredAlongWithASmallWriteAndBesideALargeOne() throws BlockException {
        try (BlockDevice device = open(new Shape(2, SIZE, 262_144, BLOCK, 8192, true), "write-through")) {
            int start = log.size();
            write(device, 1000, BLOCK);
            assertThat(changes(start))
                    .containsExactly("TRUNCATE data", "WRITE data 32768", "FLUSH data", "WRITE image 512");
            start = log.size();
            write(device, 3 * BLOCK + 1000, 70_000);
            assertThat(changes(start))
                    .containsExactly(
                            "WRITE data 1000", "WRITE data 10920", "WRITE data 70000", "FLUSH data", "WRITE image 512");
            assertThat(Guest.read(device, 7 * BLOCK, 2 * BLOCK))
                    .startsWith(Pattern.bytes(9, 7 * BLOCK, 1000 + 70_000 - 4 * BLOCK))
                    .endsWith(Arrays.copyOfRange(BASE, 8 * BLOCK, 9 * BLOCK));
        }
    }

    /** A chunk without storage reads as zeros once it has some, unless somebody has stored in it. */
    @ParameterizedTest(name = "{0} bytes")
    @ValueSource(ints = {512, 70_000})
    void zerosOfTheBaseImageAreNotCopiedToNewStorage(int length) throws BlockException {
        // Somewhere in the first blocks, so that they have to be read.
        byte[] base = new byte[SIZE];
        base[BLOCK + 5000] = 1;
        images = new FvdImages(new Shape(2, SIZE, 262_144, BLOCK, 8192, true), base);
        faults = new FaultDriver(new RecordingDriver("data", images.data(), log));
        images.with(new RecordingDriver("image", images.image(), log), faults);
        try (BlockDevice device = images.open(options("write-through"))) {
            int start = log.size();
            write(device, BLOCK + 4900, length);
            assertThat(changes(start))
                    .containsExactly("TRUNCATE data", "WRITE data " + length, "FLUSH data", "WRITE image 512");
            int other = 10 * BLOCK;
            start = log.size();
            write(device, other + 1000, 512);
            assertThat(changes(start)).as("the chunk has storage").contains("WRITE data " + BLOCK);
            byte[] expected = new byte[BLOCK];
            System.arraycopy(Pattern.bytes(9, other + 1000, 512), 0, expected, 1000, 512);
            assertThat(Guest.read(device, other, BLOCK)).isEqualTo(expected);
            assertThat(Guest.read(device, BLOCK, 4900)).containsOnly(0);
        }
        assertThat(images.read().has(BLOCK)).isTrue();
    }

    /** Nobody knows what a write that failed has left there. */
    @Test
    void zerosOfTheBaseImageAreCopiedToWhereAWriteHasFailed() throws BlockException {
        images = new FvdImages(new Shape(2, SIZE, 262_144, BLOCK, 8192, true), new byte[SIZE]);
        faults = new FaultDriver(new RecordingDriver("data", images.data(), log));
        images.with(new RecordingDriver("image", images.image(), log), faults);
        try (BlockDevice device = images.open(options("write-through"))) {
            faults.arm(Fault.once(request -> request.kind() == Kind.WRITE).with(FaultDriver.Effect.HALF));
            assertThat(catchThrowableOfType(BlockException.class, () -> write(device, 0, 4096)))
                    .isNotNull();
            write(device, 8192, 512);
            byte[] expected = new byte[BLOCK];
            System.arraycopy(Pattern.bytes(9, 8192, 512), 0, expected, 8192, 512);
            assertThat(Guest.read(device, 0, BLOCK)).isEqualTo(expected);
        }
    }

    /** E19: a write that ends where the base image does has no tail to copy. */
    @Test
    void nothingIsReadBehindTheEndOfTheBaseImage() throws BlockException {
        try (BlockDevice device = open(new Shape(2, SIZE, 0, 40960, 8192, false), "write-through")) {
            long end = BASE.length;
            write(device, end - 5000, 5000 + 700);
            assertThat(Guest.read(device, end - 6000, 1000))
                    .isEqualTo(Arrays.copyOfRange(BASE, (int) end - 6000, (int) end - 5000));
            assertThat(Guest.read(device, end + 700, 100)).containsOnly(0);
        }
    }

    @Test
    void recordsOfManyWritesAreWrittenTogetherWhenOneHasWaitedForASecond() throws BlockException {
        try (BlockDevice device = open(both(2), "buffered")) {
            int start = log.size();
            for (int i = 0; i < 10; i++) {
                write(device, (long) i * BLOCK, BLOCK);
            }
            assertThat(changes(start)).noneMatch(change -> change.contains("image"));
            timers.advance(Duration.ofMillis(1001));
            List<String> changes = changes(start);
            assertThat(changes.subList(changes.size() - 2, changes.size()))
                    .containsExactly("FLUSH data", "WRITE image 512");
            assertThat(changes).filteredOn(change -> change.contains("image")).hasSize(1);
        }
    }

    @Test
    void aFlushWritesWhatIsCollectedBehindItsData() throws BlockException {
        try (BlockDevice device = open(both(2), "buffered")) {
            write(device, 0, BLOCK);
            int start = log.size();
            device.flush();
            assertThat(changes(start)).containsExactly("FLUSH data", "WRITE image 512", "FLUSH image");
            int again = log.size();
            device.flush();
            assertThat(changes(again)).isEmpty();
        }
    }

    @Test
    void autoFollowsTheCacheMode() throws BlockException {
        images = new FvdImages(both(2), BASE);
        images.with(new RecordingDriver("image", images.image(), log), images.data());
        OpenOptions auto = FvdImages.readWrite().withTimers(timers);
        try (BlockDevice device = images.open(auto.withCache(CacheMode.WRITETHROUGH))) {
            int start = log.size();
            write(device, 0, BLOCK);
            assertThat(changes(start)).contains("WRITE image 512");
        }
        try (BlockDevice device = images.open(auto)) {
            int start = log.size();
            write(device, BLOCK, BLOCK);
            assertThat(changes(start)).doesNotContain("WRITE image 512");
        }
    }

    /** The table goes before the bitmap, each behind what it relies on; then the header, then the journal from its start (section 14). */
    @Test
    void aFullJournalStartsAnewBehindItsMetadata() throws BlockException {
        try (BlockDevice device = open(new Shape(2, SIZE, CHUNK, BLOCK, 4096, true), "write-through")) {
            FvdReader before = images.read();
            int start = log.size();
            for (int i = 0; i < 9; i++) {
                write(device, (long) i * BLOCK, BLOCK);
            }
            List<Entry> image = log.since(start).stream()
                    .filter(e -> e.file().equals("image") && e.kind() != Kind.READ)
                    .toList();
            assertThat(image.subList(8, image.size()).stream().map(Entry::kind).toList())
                    .containsExactly(
                            Kind.WRITE, Kind.FLUSH, Kind.WRITE, Kind.FLUSH, Kind.WRITE, Kind.FLUSH, Kind.WRITE);
            assertThat(image.get(12).offset()).isEqualTo(3072);
            assertThat(image.get(14).offset()).isEqualTo(image.get(0).offset());
            assertThat(images.read().stableEpoch()).isGreaterThan(before.stableEpoch());
        }
    }

    /** Section 15.6: reads go on, nothing else does, and the image is not said to be clean. */
    @Test
    void aJournalWriteThatFailsForbidsWritesAndNotReads() throws BlockException {
        BlockDevice device = open(both(2), "buffered");
        write(device, 0, CHUNK);
        device.flush();
        write(device, CHUNK, CHUNK);
        faults.arm(Fault.always(request -> request.kind() == Kind.WRITE));
        assertThat(failure(device::flush).errno()).isEqualTo(Errno.EIO);
        faults.disarm();
        assertThat(failure(() -> write(device, 0, 512)).errno()).isEqualTo(Errno.EIO);
        assertThat(failure(() -> write(device, 4L * CHUNK, 512)).errno()).isEqualTo(Errno.EIO);
        assertThat(failure(device::flush).errno()).isEqualTo(Errno.EIO);
        assertThat(Guest.read(device, CHUNK, CHUNK)).isEqualTo(Pattern.bytes(9, CHUNK, CHUNK));
        assertThat(failure(device::close)).isNotNull();
        assertThat(images.read().isClean()).isFalse();
        try (BlockDevice again = images.open(options("buffered"))) {
            assertThat(Guest.read(again, 0, CHUNK)).isEqualTo(Pattern.bytes(9, 0, CHUNK));
        }
    }

    private interface Step {
        void run() throws BlockException;
    }

    private static BlockException failure(Step step) {
        return catchThrowableOfType(BlockException.class, step::run);
    }

    @Test
    void zeroWritesTakeNoStorage() throws BlockException {
        try (BlockDevice device = open(both(2), "write-through")) {
            device.writeZeroes(0, SIZE, 0);
            assertThat(Guest.bytes(device)).containsOnly(0);
            assertThat(images.data().length()).isZero();
            assertThat(device.layeredStatus(0, SIZE).status().isZero()).isTrue();
        }
        assertThat(images.expectSound(new byte[SIZE]).chunks()).isZero();
    }

    @Test
    void discardsChangeNothing() throws BlockException {
        try (BlockDevice device = open(both(2), "write-through")) {
            write(device, 0, CHUNK);
            int start = log.size();
            device.discard(0, SIZE);
            assertThat(changes(start)).isEmpty();
            assertThat(Guest.read(device, 0, CHUNK)).isEqualTo(Pattern.bytes(9, 0, CHUNK));
        }
    }

    /** E23: data, zeros of our own, and what the base image has, never in one run. */
    @Test
    void statusTellsDataZerosAndBaseApart() throws BlockException {
        try (BlockDevice device = open(both(2), "write-through")) {
            write(device, 0, BLOCK);
            device.writeZeroes(2L * CHUNK, CHUNK, 0);
            BlockStatus data = device.node().blockStatus(0, SIZE);
            assertThat(data.isData() && data.isAllocated()).isTrue();
            assertThat(data.length()).isEqualTo(BLOCK);
            BlockStatus base = device.node().blockStatus(BLOCK, SIZE - BLOCK);
            assertThat(base.isAllocated()).isFalse();
            assertThat(base.length()).isEqualTo(2L * CHUNK - BLOCK);
            BlockStatus zeros = device.node().blockStatus(2L * CHUNK, CHUNK);
            assertThat(zeros.isAllocated() && zeros.isZero()).isTrue();
        }
    }

    /** F34: the unit of growth is three chunks; a disk that cannot grow fails the request and no other. */
    @Test
    void storageGrowsByItsUnitAndAFullDiskFailsTheRequest() throws BlockException {
        images = new FvdImages(both(2), BASE);
        FaultDriver data = new FaultDriver(images.data());
        images.with(images.image(), data);
        try (BlockDevice device = images.open(options("write-through"))) {
            write(device, 0, 512);
            assertThat(images.data().length()).isEqualTo(3L * CHUNK);
            data.arm(Fault.always(request -> request.kind() == Kind.TRUNCATE).with(Errno.ENOSPC));
            write(device, CHUNK, 2 * CHUNK);
            assertThat(failure(() -> write(device, 4L * CHUNK, 512)).errno()).isEqualTo(Errno.ENOSPC);
            data.disarm();
            write(device, 4L * CHUNK, 512);
            assertThat(images.data().length()).isEqualTo(6L * CHUNK);
        }
    }

    /** Section 13: others need not wait for storage that grows while there is some; who fails at that alone fails no request. */
    @Test
    void storageThatGrowsByManyChunksDoesSoBeforeItIsFull() throws BlockException {
        Shape shape = new Shape(2, 64L * CHUNK, CHUNK, 0, 8192, false);
        images = new FvdImages(shape, new byte[0], shape.options().with("storage_grow_unit", 16L * CHUNK));
        FaultDriver file = new FaultDriver(images.image());
        images.with(file, images.data());
        long start = images.image().length();
        try (BlockDevice device = images.open(options("buffered"))) {
            write(device, 0, 12 * CHUNK);
            assertThat(images.image().length()).isEqualTo(start + 16L * CHUNK);
            file.arm(Fault.always(request -> request.kind() == Kind.TRUNCATE).with(Errno.ENOSPC));
            write(device, 12L * CHUNK, CHUNK);
            assertThat(images.image().length()).isEqualTo(start + 16L * CHUNK);
            file.disarm();
            // What has failed is left to whoever finds no room.
            write(device, 13L * CHUNK, 3 * CHUNK);
            assertThat(images.image().length()).isEqualTo(start + 16L * CHUNK);
            write(device, 16L * CHUNK, CHUNK);
            assertThat(images.image().length()).isEqualTo(start + (16 + 16L) * CHUNK);
            write(device, 17L * CHUNK, 12 * CHUNK);
            // Behind the last chunk no more than one growth, or a check would call it leaked.
            assertThat(images.image().length()).isEqualTo(start + (29 + 16L) * CHUNK);
            assertThat(device.check(FixMode.NONE).leaks()).isZero();
        }
    }

    /** Section 13: what a crash has left behind the last chunk in use does not show in the next one. */
    @Test
    void storageThatIsReusedAfterACrashIsZero() throws BlockException {
        SparseBytes crashed;
        SparseBytes data;
        try (BlockDevice device = open(new Shape(2, SIZE, CHUNK, 0, 8192, true), "buffered")) {
            write(device, 0, CHUNK);
            device.flush();
            write(device, CHUNK, CHUNK);
            crashed = images.image().snapshot();
            data = images.data().snapshot();
        }
        images.with(new MemoryDriver(crashed), new MemoryDriver(data));
        try (BlockDevice device = images.open(options("buffered"))) {
            assertThat(Guest.read(device, CHUNK, CHUNK)).containsOnly(0);
            write(device, 3L * CHUNK + 512, 512);
            assertThat(Guest.read(device, 3L * CHUNK, 512)).containsOnly(0);
            assertThat(Guest.read(device, 3L * CHUNK + 1024, CHUNK - 1024)).containsOnly(0);
        }
    }

    @Test
    void infoTellsTheHeaderAndHowMuchStorageIsUsed() throws BlockException {
        try (BlockDevice device = open(both(2), "write-through")) {
            write(device, 0, 512);
            Map<String, Object> facts = device.info().formatSpecific();
            assertThat(facts).containsEntry("version", 2).containsEntry("chunk-size", (long) CHUNK);
            assertThat(facts).containsEntry("storage-used", (long) CHUNK).containsEntry("storage-length", 3L * CHUNK);
            assertThat(device.info().dirty()).isFalse();
        }
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            assertThat(device.info().formatSpecific()).containsEntry("storage-used", (long) CHUNK);
        }
    }

    /** Gigabytes, perhaps, to tell one number of which nobody keeps count. */
    @Test
    void infoDoesNotLookThroughALongTable() throws BlockException {
        images = new FvdImages(new Shape(2, (1L << 32) + 4096, 4096, 0, 0, false), new byte[0]);
        images.with(new RecordingDriver("image", images.image(), log), images.data());
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            Map<String, Object> facts = device.info().formatSpecific();
            assertThat(facts).doesNotContainKey("storage-used").containsKey("table-offset");
            long table = (long) facts.get("table-offset");
            assertThat(log.entries()).noneMatch(entry -> entry.offset() + entry.length() > table);
        }
    }

    /** A table that cannot be read is for a check to tell of. */
    @Test
    void infoLeavesOutWhatItCannotRead() throws BlockException {
        open(new Shape(2, SIZE, CHUNK, 0, 8192, true), "write-through").close();
        faults.arm(Fault.always(request -> request.kind() == Kind.READ && request.offset() >= 8192));
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            assertThat(device.info().formatSpecific())
                    .doesNotContainKey("storage-used")
                    .containsEntry("unreadable-metadata", "table")
                    .containsEntry("chunk-size", (long) CHUNK);
        }
    }

    /** Who waits for storage waits for others, who need memory: with an image as data file, from the same pool. */
    @ParameterizedTest(name = "{0} bytes")
    @ValueSource(ints = {512, 70_000})
    void nothingIsHeldOfTheMemoryForCopiesWhileStorageGrows(int length) throws BlockException {
        BufferPool pool = new BufferPool(16 << 20, 8 << 20);
        List<Long> held = new ArrayList<>();
        images = new FvdImages(new Shape(2, SIZE, CHUNK, BLOCK, 8192, true), BASE);
        images.with(images.image(), new ForwardingDriver(images.data()) {
            @Override
            public void truncate(long bytes, boolean exact, PreallocationMode mode) throws BlockException {
                held.add(pool.outstanding());
                super.truncate(bytes, exact, mode);
            }
        });
        try (BlockDevice device = images.open(options("write-through").withPool(pool))) {
            long before = pool.outstanding();
            AlignedBuffer bytes = AlignedBuffer.allocate(length);
            device.node().coWritev(1000, IoVector.of(bytes));
            assertThat(held).hasSize(1).containsOnly(before);
        }
    }

    /** Or what was committed into it could be lost on both sides. */
    @Test
    void theBaseImageIsFlushedBeforeTheImageIsEmptied() throws Exception {
        images = new FvdImages(both(2), BASE);
        images.files()
                .put(FvdImages.BASE, new RecordingDriver("base", images.files().memory(FvdImages.BASE), log));
        images.with(new RecordingDriver("image", images.image(), log), images.data());
        try (BlockDevice device = images.open(options("write-through"))) {
            Node base = device.node().children().get(Node.BACKING);
            base.reopen(true);
            base.coWriteZeroes(0, 4096, 0);
            int start = log.size();
            device.makeEmpty();
            Entry first = log.since(start).stream()
                    .filter(entry -> entry.kind() != Kind.READ)
                    .findFirst()
                    .orElseThrow();
            assertThat(first.file()).isEqualTo("base");
            assertThat(first.kind()).isEqualTo(Kind.FLUSH);
        }
    }
}
