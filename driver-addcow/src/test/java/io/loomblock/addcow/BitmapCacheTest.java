// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import static io.loomblock.addcow.TestDisk.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.memory.BufferPool;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Bits are found, set and written as a plain set of numbers would have them, and only behind a flush of the data file. */
@Tag("jars")
class BitmapCacheTest {
    private static final int HEADER = 4096;
    private static final int PAGE_CLUSTERS = 4096 * 8;

    private final RequestLog log = new RequestLog();
    private final MemoryDriver fileBytes = new MemoryDriver();
    private final FaultDriver faults = new FaultDriver(new RecordingDriver("file", fileBytes, log));
    private final FaultDriver dataFaults = new FaultDriver(new RecordingDriver("data", new MemoryDriver(), log));
    private final BlockingDriver dataBlocking = new BlockingDriver(dataFaults);
    private final AddCowLayout layout = new AddCowLayout(12);
    private final Node file;
    private final Node data;

    BitmapCacheTest() throws BlockException {
        file = TestImages.node("file", faults, OpenOptions.readWrite());
        data = TestImages.node("data", dataBlocking, OpenOptions.readWrite());
    }

    /** A cache for so many clusters, whose bits are in the file, with room for 16 pages if {@code small}. */
    private BitmapCache cache(long clusters, BitSet set, boolean small) {
        long size = layout.start(clusters);
        byte[] bits = set.toByteArray();
        SparseBytes bytes = new SparseBytes();
        bytes.write(HEADER, bits, 0, bits.length);
        bytes.truncate(layout.fileLength(size));
        fileBytes.replace(bytes);
        return new BitmapCache(new AddCowFiles(file, data), layout, size, small ? 0 : 64 << 20);
    }

    private BitSet inFile(long clusters) {
        byte[] bytes = new byte[(int) (clusters / 8)];
        fileBytes.snapshot().read(HEADER, bytes, 0, bytes.length);
        return BitSet.valueOf(bytes);
    }

    /** The data file has been written, so that a flush of it does something. */
    private void touchData() throws BlockException {
        data.coWritev(0, 512, BufferPool.shared().zeros(), 0, 0);
    }

    private static BitSet random(Random random, int clusters) {
        BitSet set = new BitSet(clusters);
        for (int at = 0; at < clusters; ) {
            int run = 1 + random.nextInt(random.nextBoolean() ? 3 : 900);
            if (random.nextBoolean()) {
                set.set(at, Math.min(clusters, at + run));
            }
            at += run;
        }
        return set;
    }

    /** R3 */
    @Test
    void runsEndWhereANaiveModelSays() throws Exception {
        int clusters = 3 * PAGE_CLUSTERS + 77;
        Random random = new Random(5);
        BitSet model = random(random, clusters);
        model.set(PAGE_CLUSTERS - 40, PAGE_CLUSTERS + 40);
        model.clear(2 * PAGE_CLUSTERS - 40, 2 * PAGE_CLUSTERS + 40);
        BitmapCache cache = cache(clusters, model, false);
        for (int i = 0; i < 20_000; i++) {
            int from = i % 3 == 0 ? (1 + i % 2) * PAGE_CLUSTERS - 50 + random.nextInt(100) : random.nextInt(clusters);
            int limit = Math.min(clusters, from + 1 + random.nextInt(i % 5 == 0 ? clusters : 100));
            boolean set = model.get(from);
            assertThat(cache.isSet(from)).isEqualTo(set);
            int end = Math.min(limit, set ? model.nextClearBit(from) : next(model, from, clusters));
            assertThat(cache.endOfRun(from, limit, set))
                    .as("%d..%d", from, limit)
                    .isEqualTo(end);
            assertThat(cache.endOfLongRun(from, limit, set)).isEqualTo(end);
            assertThat(cache.endOfRun(from, limit, !set)).isEqualTo(from);
        }
    }

    private static int next(BitSet model, int from, int clusters) {
        int next = model.nextSetBit(from);
        return next < 0 ? clusters : next;
    }

    @Test
    void holesOfTheFileAreNotRead() throws Exception {
        long clusters = 1L << 40;
        long far = 1L << 39;
        long written = layout.byteOffset(far);
        BlockDriver holes = new ForwardingDriver(faults) {
            @Override
            public BlockStatus blockStatus(long offset, long bytes) {
                return offset < written
                        ? BlockStatus.of(BlockStatus.ZERO, Math.min(bytes, written - offset))
                        : BlockStatus.of(BlockStatus.DATA | BlockStatus.ALLOCATED, bytes);
            }
        };
        fileBytes.replace(new SparseBytes());
        Node sparse = TestImages.node("sparse", holes, OpenOptions.readWrite());
        BitmapCache cache = new BitmapCache(new AddCowFiles(sparse, data), layout, layout.start(clusters), 1 << 20);
        sparse.truncate(layout.fileLength(layout.start(clusters)), true, PreallocationMode.OFF);
        assertThat(cache.endOfLongRun(0, clusters, false)).isGreaterThan(far);
        cache.set(far, far + 1);
        cache.writeBack();
        log.clear();
        assertThat(cache.endOfLongRun(0, clusters, false)).isEqualTo(far);
        assertThat(log.entries()).noneMatch(e -> e.kind() == Kind.READ);
    }

    /** Bits are looked at by the byte, and a hole goes on behind the last one asked for. */
    @Test
    void aHoleEndsWithWhatWasAskedFor() throws Exception {
        long clusters = PAGE_CLUSTERS;
        BlockDriver holes = new ForwardingDriver(faults) {
            @Override
            public BlockStatus blockStatus(long offset, long bytes) {
                return BlockStatus.of(BlockStatus.ZERO, bytes);
            }
        };
        fileBytes.replace(new SparseBytes());
        Node sparse = TestImages.node("sparse", holes, OpenOptions.readWrite());
        sparse.truncate(layout.fileLength(layout.start(clusters)), true, PreallocationMode.OFF);
        BitmapCache cache = new BitmapCache(new AddCowFiles(sparse, data), layout, layout.start(clusters), 1 << 20);
        for (long limit = clusters - 8; limit <= clusters; limit++) {
            assertThat(cache.endOfLongRun(0, limit, false)).isEqualTo(limit);
        }
    }

    @Test
    void bitsAreSetAsInAModelWithMemoryForFewPages() throws Exception {
        int clusters = 64 * PAGE_CLUSTERS;
        BitSet model = random(new Random(6), clusters);
        BitmapCache cache = cache(clusters, model, true);
        Random random = new Random(7);
        for (int i = 0; i < 3000; i++) {
            int from = random.nextInt(clusters - 1);
            int end = Math.min(clusters, from + 1 + random.nextInt(i % 10 == 0 ? 2 * PAGE_CLUSTERS : 70));
            cache.set(from, end);
            model.set(from, end);
            int probe = random.nextInt(clusters);
            assertThat(cache.isSet(probe)).isEqualTo(model.get(probe));
        }
        cache.writeBack();
        assertThat(cache.isClean()).isTrue();
        assertThat(inFile(clusters)).isEqualTo(model);
    }

    /** C1, C3, C4: for a flush as for room in the cache. */
    @Test
    void everyBitmapWriteComesAfterAFlushOfTheData() throws Exception {
        int clusters = 64 * PAGE_CLUSTERS;
        BitmapCache cache = cache(clusters, new BitSet(), true);
        for (int i = 0; i < 200; i++) {
            touchData();
            cache.set((long) i * 7919 % clusters, (long) i * 7919 % clusters + 1);
        }
        touchData();
        cache.writeBack();
        boolean dirty = false;
        int writes = 0;
        for (RequestLog.Entry entry : log.entries()) {
            if (entry.file().equals("data")) {
                dirty = entry.kind() == Kind.WRITE || entry.kind() != Kind.FLUSH && dirty;
            } else if (entry.kind() == Kind.WRITE) {
                assertThat(dirty).as("%s", entry).isFalse();
                writes++;
            }
        }
        assertThat(writes).isGreaterThan(20);
    }

    /** C7 */
    @Test
    void noBitIsWrittenThatWasSetAfterTheFlushBegan() throws Exception {
        BitmapCache cache = cache(PAGE_CLUSTERS, new BitSet(), false);
        touchData();
        cache.set(3, 4);
        try (BlockingDriver.Hold hold = dataBlocking.hold(Request.of(Kind.FLUSH))) {
            TestDisk.Running flush = TestDisk.start(cache::writeBack);
            hold.awaitHeld();
            cache.set(4, 6);
            assertThat(cache.isSet(5)).isTrue();
            hold.release();
            flush.end();
        }
        BitSet one = new BitSet();
        one.set(3);
        assertThat(inFile(PAGE_CLUSTERS)).isEqualTo(one);
        assertThat(cache.isClean()).isFalse();
        cache.writeBack();
        one.set(4, 6);
        assertThat(inFile(PAGE_CLUSTERS)).isEqualTo(one);
    }

    /** C5 */
    @Test
    void whatCannotBeWrittenStaysAndIsWrittenLater() throws Exception {
        BitmapCache cache = cache(PAGE_CLUSTERS, new BitSet(), false);
        cache.set(100, 200);
        faults.arm(Fault.always(Request.of(Kind.WRITE)).with(Errno.ENOSPC));
        failure(Errno.ENOSPC, cache::writeBack);
        failure(Errno.ENOSPC, cache::writeBack);
        assertThat(cache.isClean()).isFalse();
        assertThat(cache.endOfRun(100, PAGE_CLUSTERS, true)).isEqualTo(200);
        faults.disarm();
        cache.writeBack();
        assertThat(inFile(PAGE_CLUSTERS).cardinality()).isEqualTo(100);
    }

    @Test
    void aFlushOfTheDataThatFailsLeavesTheBitsUnwritten() throws Exception {
        BitmapCache cache = cache(PAGE_CLUSTERS, new BitSet(), false);
        touchData();
        cache.set(1, 2);
        dataFaults.arm(Fault.once(Request.of(Kind.FLUSH)));
        failure(Errno.EIO, cache::writeBack);
        // The system may have dropped what it could not write: later flushes of that file fail alike.
        failure(Errno.EIO, cache::writeBack);
        assertThat(inFile(PAGE_CLUSTERS).isEmpty()).isTrue();
        assertThat(cache.isSet(1)).isTrue();
    }

    @Test
    void readsGoOnWhereNoPageCanBeReplaced() throws Exception {
        int clusters = 64 * PAGE_CLUSTERS;
        BitSet model = new BitSet();
        for (int page = 0; page < 64; page++) {
            model.set(page * PAGE_CLUSTERS + page);
        }
        BitmapCache cache = cache(clusters, model, true);
        faults.arm(Fault.always(Request.of(Kind.WRITE)));
        AtomicInteger set = new AtomicInteger();
        BlockException full = failure(Errno.EIO, () -> {
            for (int page = 0; page < 64; page++) {
                cache.set((long) page * PAGE_CLUSTERS + 5000, (long) page * PAGE_CLUSTERS + 5001);
                set.incrementAndGet();
            }
        });
        assertThat(full.errno()).isEqualTo(Errno.EIO);
        assertThat(set.get()).isBetween(8, 16);
        for (int page = 0; page < 64; page++) {
            assertThat(cache.isSet((long) page * PAGE_CLUSTERS + page)).isTrue();
            assertThat(cache.isSet((long) page * PAGE_CLUSTERS + page + 1))
                    .isEqualTo(model.get(page * PAGE_CLUSTERS + page + 1));
        }
    }

    @Test
    void aPageThatCannotBeReadFailsTheLookupAndIsReadAgain() throws Exception {
        BitSet model = new BitSet();
        model.set(9);
        BitmapCache cache = cache(PAGE_CLUSTERS, model, false);
        faults.arm(Fault.once(Request.of(Kind.READ)).with(Errno.ENXIO));
        failure(Errno.ENXIO, () -> cache.isSet(9));
        assertThat(cache.isSet(9)).isTrue();
    }

    /** R2: pages come and go, bits are set and looked up by many threads; none is lost, none appears. */
    @Test
    void manyThreadsSeeWhatTheySetAndNothingElse() throws Exception {
        int pages = 40;
        BitmapCache cache = cache((long) pages * PAGE_CLUSTERS, new BitSet(), true);
        int threads = 16;
        AtomicBoolean stop = new AtomicBoolean();
        List<TestDisk.Running> readers = IntStream.range(0, 4)
                .mapToObj(n -> TestDisk.start(() -> {
                    Random random = new Random(n);
                    while (!stop.get()) {
                        // Nobody sets the last bit of a word.
                        long cluster = 32L * random.nextInt(pages * PAGE_CLUSTERS / 32) + 31;
                        assertThat(cache.isSet(cluster)).isFalse();
                        Thread.onSpinWait();
                    }
                }))
                .toList();
        List<TestDisk.Running> writers = IntStream.range(0, threads)
                .mapToObj(n -> TestDisk.start(() -> {
                    Random random = new Random(100 + n);
                    for (int i = 0; i < 400; i++) {
                        long cluster = 32L * random.nextInt(pages * PAGE_CLUSTERS / 32) + n;
                        cache.set(cluster, cluster + 1);
                        assertThat(cache.isSet(cluster)).isTrue();
                    }
                }))
                .toList();
        for (TestDisk.Running writer : writers) {
            writer.end();
        }
        stop.set(true);
        for (TestDisk.Running reader : readers) {
            reader.end();
        }
        cache.writeBack();
        BitSet expected = new BitSet();
        for (int n = 0; n < threads; n++) {
            Random random = new Random(100 + n);
            for (int i = 0; i < 400; i++) {
                expected.set(32 * random.nextInt(pages * PAGE_CLUSTERS / 32) + n);
            }
        }
        assertThat(inFile((long) pages * PAGE_CLUSTERS)).isEqualTo(expected);
    }

    /** A driver that does something of the test's own where it is asked for its status, and counts barriers. */
    private static final class Hooked extends ForwardingDriver {
        private final AtomicInteger barriers = new AtomicInteger();
        private volatile @Nullable Step onStatus;

        Hooked(BlockDriver below) {
            super(below);
        }

        @Override
        public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
            Step step = onStatus;
            if (step != null) {
                step.run();
            }
            return super.blockStatus(offset, bytes);
        }

        @Override
        public boolean hearsEvents() {
            return true;
        }

        @Override
        public void debugEvent(DebugEvent event) {
            if (event == DebugEvent.DATA_BARRIER) {
                barriers.incrementAndGet();
            }
        }
    }

    /** Part of a test that may fail. */
    private interface Step {
        void run() throws BlockException;
    }

    private BitmapCache cacheOn(Hooked hooked, long clusters, BitSet set) throws BlockException {
        cache(clusters, set, false);
        Node node = TestImages.node("file", hooked, OpenOptions.readWrite());
        return new BitmapCache(new AddCowFiles(node, data), layout, layout.start(clusters), 64 << 20);
    }

    @Test
    void aRunIsNeverEmptyThoughItsFirstBitIsSetMeanwhile() throws Exception {
        Hooked hooked = new Hooked(faults);
        BitSet some = new BitSet();
        some.set(9);
        BitmapCache cache = cacheOn(hooked, PAGE_CLUSTERS, some);
        assertThat(cache.isSet(0)).isFalse();
        hooked.onStatus = () -> cache.set(0, 2);
        assertThat(cache.endOfLongRun(0, PAGE_CLUSTERS, false)).isEqualTo(1);
        assertThat(cache.isSet(0)).isTrue();
    }

    @Test
    void aWriteBackOfManyPagesWaitsForTheDataOnce() throws Exception {
        Hooked hooked = new Hooked(faults);
        long clusters = 64L * PAGE_CLUSTERS;
        BitmapCache cache = cacheOn(hooked, clusters, new BitSet());
        cache.set(0, clusters);
        cache.writeBack();
        assertThat(hooked.barriers).hasValue(1);
        assertThat(inFile(clusters).cardinality()).isEqualTo((int) clusters);
    }

    /** Those who waited for the one that made room do not write what has become dirty since. */
    @Test
    void whoWaitedForRoomWritesNothingIfThereIsSomeNow() throws Exception {
        BitmapCache cache = cache(16L * PAGE_CLUSTERS, new BitSet(), true);
        for (long page = 0; page < 9; page++) {
            cache.set(page * PAGE_CLUSTERS, page * PAGE_CLUSTERS + 1);
        }
        touchData();
        try (BlockingDriver.Hold hold = dataBlocking.hold(Request.of(Kind.FLUSH))) {
            TestDisk.Running first = TestDisk.start(cache::relieve);
            hold.awaitHeld();
            TestDisk.Running second = TestDisk.start(cache::relieve).awaitParked();
            cache.set(5, 6);
            hold.release();
            first.end();
            second.end();
        }
        assertThat(cache.isClean()).isFalse();
    }

    @Test
    void aFileLongerThanAnyBitmapHasAnEnd() throws Exception {
        fileBytes.truncate(1L << 62, true, PreallocationMode.OFF);
        BitsInFile bits = new BitsInFile(file, layout, BufferPool.shared());
        assertThat(bits.end()).isEqualTo(Long.MAX_VALUE - 7);
    }
}
