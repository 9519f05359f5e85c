// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.SectorBatch;
import io.loomblock.driver.WriteGuard;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.qed.TestDisk.Running;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Pages of tables come from the file once, are looked up without a lock, and leave only when the file has their changes. */
@Tag("jars")
class L2CacheTest {
    private static final int PAGE = 4096;
    /** The least that a cache holds: two sets of eight. */
    private static final int PAGES = 16;

    private final MemoryDriver memory = new MemoryDriver();
    private final RequestLog log = new RequestLog();
    private final FaultDriver faults = new FaultDriver(new RecordingDriver("tables", memory, log));
    private final BlockingDriver blocking = new BlockingDriver(faults);
    private final QedLayout layout = new QedLayout(PAGE, 16, 1, PAGE);
    private final WriteGuard guard = new WriteGuard();
    private final EntryRules rules = new EntryRules(layout, 1L << 50, () -> 1L << 51, () -> new long[0], guard);
    private final Node node;
    private final ReentrantLock writer = new ReentrantLock();

    L2CacheTest() throws BlockException {
        SparseBytes bytes = new SparseBytes();
        bytes.truncate(1L << 30);
        memory.replace(bytes);
        node = TestImages.node("tables", blocking, OpenOptions.readWrite());
    }

    private L2Cache cache(long budget) {
        return new L2Cache(node, layout, rules, budget);
    }

    /** A valid entry. */
    private static long data(long number) {
        return (1L << 30) + number * 4096;
    }

    /** Where the first entry of a page stands; pages begin behind header and L1 table. */
    private static long at(int page) {
        return (17L + page) * PAGE;
    }

    private long get(L2Cache cache, long at) throws BlockException {
        while (true) {
            long entry = cache.lookup(at);
            if (entry != L2Cache.ABSENT) {
                return entry;
            }
            if (!cache.load(at)) {
                writeBack(cache);
            }
            entry = cache.lookupSuspect(at);
            if (entry != L2Cache.ABSENT) {
                return entry;
            }
        }
    }

    private void set(L2Cache cache, long at, long value) throws BlockException {
        while (!cache.set(at, 1, value, 0)) {
            if (!cache.load(at)) {
                writeBack(cache);
            }
        }
    }

    private void writeBack(L2Cache cache) throws BlockException {
        writer.lock();
        try (AlignedBuffer buffer = AlignedBuffer.allocate(4 * cache.pageSize())) {
            for (int place = 0; place < cache.places(); ) {
                SectorBatch batch = cache.takeDirty(place, buffer);
                batch.write(node, DebugEvent.L2_UPDATE);
                cache.written(batch);
                place = batch.nextPlace();
            }
        } finally {
            writer.unlock();
        }
    }

    private long fileReads() {
        return log.entries().stream().filter(e -> e.kind() == Kind.READ).count();
    }

    @Test
    void aPageIsReadOnce() throws Exception {
        L2Cache cache = cache(1 << 20);
        assertThat(cache.lookup(at(0))).isEqualTo(L2Cache.ABSENT);
        assertThat(cache.load(at(0))).isTrue();
        assertThat(cache.lookup(at(0))).isZero();
        assertThat(cache.lookup(at(0) + PAGE - 8)).isZero();
        assertThat(cache.load(at(0) + 8)).isTrue();
        assertThat(fileReads()).isEqualTo(1);
    }

    @Test
    void memoryStaysWithinTheBudget() {
        for (long budget : new long[] {-5, 0, 64 << 10, 1 << 20, 64 << 20}) {
            for (int cluster = 4096; cluster <= 64 << 20; cluster <<= 1) {
                L2Cache cache = new L2Cache(node, new QedLayout(cluster, 1, 1, cluster), rules, budget);
                long bytes = (long) cache.places() * cache.pageSize();
                assertThat(bytes).isLessThanOrEqualTo(Math.max(budget, PAGES * PAGE));
                assertThat(cache.places()).isGreaterThanOrEqualTo(PAGES);
                assertThat(cache.pageSize()).isBetween(4096, Math.min(cluster, 16 << 10));
            }
        }
    }

    @Test
    void manyMorePagesThanFitComeAndGo() throws Exception {
        L2Cache cache = cache(0);
        for (int page = 0; page < 500; page++) {
            set(cache, at(page) + 8 * (page % 512), data(page));
        }
        writeBack(cache);
        assertThat(cache.isClean()).isTrue();
        for (int page = 0; page < 500; page++) {
            assertThat(get(cache, at(page) + 8 * (page % 512))).isEqualTo(data(page));
        }
    }

    @Test
    void aPageInUseStaysWhileOthersGo() throws Exception {
        L2Cache cache = cache(0);
        get(cache, at(0));
        for (int page = 1; page < 400; page++) {
            get(cache, at(0));
            get(cache, at(page));
        }
        long touched = log.entries().stream().filter(e -> e.offset() == at(0)).count();
        assertThat(touched)
                .as("reads of the page that is looked up all the time")
                .isLessThan(80);
    }

    @Test
    void changesAreWrittenSectorBySectorNeighboursTogether() throws Exception {
        L2Cache cache = cache(1 << 20);
        cache.load(at(3));
        int before = log.size();
        cache.set(at(3) + 504, 2, data(1), 4096);
        cache.set(at(3) + 2048, 1, 1, 0);
        cache.set(at(3) + 4088, 1, 1, 0);
        assertThat(cache.isClean()).isFalse();
        writeBack(cache);
        assertThat(log.since(before).stream().map(Object::toString))
                .containsExactly(
                        "write tables 1024@" + at(3),
                        "write tables 512@" + (at(3) + 2048),
                        "write tables 512@" + (at(3) + 3584));
        assertThat(cache.isClean()).isTrue();
    }

    @Test
    void whatIsSetDuringAWriteIsWrittenByTheNext() throws Exception {
        L2Cache cache = cache(1 << 20);
        cache.load(at(0));
        cache.set(at(0), 1, data(1), 0);
        try (AlignedBuffer buffer = AlignedBuffer.allocate(PAGE)) {
            SectorBatch batch = cache.takeDirty(0, buffer);
            cache.set(at(0), 1, data(2), 0);
            batch.write(node, DebugEvent.L2_UPDATE);
            cache.written(batch);
        }
        assertThat(cache.isClean()).isFalse();
        assertThat(cache.lookup(at(0))).isEqualTo(data(2));
        writeBack(cache);
        assertThat(get(cache(0), at(0))).isEqualTo(data(2));
        assertThat(cache.isClean()).isTrue();
    }

    @Test
    void whatCouldNotBeWrittenIsWrittenAgain() throws Exception {
        L2Cache cache = cache(1 << 20);
        cache.load(at(0));
        cache.set(at(0), 1, data(1), 0);
        try (AlignedBuffer buffer = AlignedBuffer.allocate(PAGE)) {
            cache.notWritten(cache.takeDirty(0, buffer));
        }
        assertThat(cache.isClean()).isFalse();
        writeBack(cache);
        assertThat(get(cache(0), at(0))).isEqualTo(data(1));
    }

    @Test
    void pagesWithChangesAreNotReplaced() throws Exception {
        L2Cache cache = cache(0);
        List<Integer> refused = new ArrayList<>();
        for (int page = 0; page < 100; page++) {
            if (cache.load(at(page))) {
                cache.set(at(page), 1, data(1), 0);
            } else {
                refused.add(page);
            }
        }
        assertThat(refused).hasSize(100 - PAGES);
        assertThat(cache.isCrowded()).isTrue();
        for (int page = 0; page < 100; page++) {
            assertThat(cache.lookup(at(page))).isEqualTo(refused.contains(page) ? L2Cache.ABSENT : data(1));
        }
        writeBack(cache);
        assertThat(cache.isCrowded()).isFalse();
        assertThat(cache.load(at(refused.get(0)))).isTrue();
    }

    @Test
    void pagesBeingWrittenAreNotReplacedEither() throws Exception {
        L2Cache cache = cache(0);
        for (int page = 0; page < 100; page++) {
            if (cache.load(at(page))) {
                cache.set(at(page), 1, data(1), 0);
            }
        }
        try (AlignedBuffer buffer = AlignedBuffer.allocate(PAGES * PAGE)) {
            SectorBatch batch = cache.takeDirty(0, buffer);
            Running load = TestDisk.start(() -> cache.load(at(1000))).awaitParked();
            assertThat(load.isDone()).isFalse();
            cache.written(batch);
            load.end();
        }
    }

    @Test
    void threadsThatNeedOnePageReadItOnceTogether() throws Exception {
        L2Cache cache = cache(1 << 20);
        List<Running> loads = new ArrayList<>();
        try (BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.READ))) {
            loads.add(TestDisk.start(() -> cache.load(at(0))));
            hold.awaitHeld();
            for (int i = 0; i < 5; i++) {
                loads.add(TestDisk.start(() -> cache.load(at(0) + 512)).awaitParked());
            }
            assertThat(cache.lookup(at(0))).isEqualTo(L2Cache.ABSENT);
            // Others are not held up.
            assertThat(cache.load(at(1))).isTrue();
        }
        for (Running load : loads) {
            load.end();
        }
        assertThat(fileReads()).isEqualTo(2);
    }

    @Test
    void aPageThatCouldNotBeReadIsNotKept() throws Exception {
        L2Cache cache = cache(1 << 20);
        faults.arm(Fault.once(Request.of(Kind.READ)));
        TestDisk.failure(Errno.EIO, () -> cache.load(at(0)));
        assertThat(cache.lookup(at(0))).isEqualTo(L2Cache.ABSENT);
        assertThat(cache.load(at(0))).isTrue();
        assertThat(cache.lookup(at(0))).isZero();
    }

    @Test
    void aPageWithAnInvalidEntryIsLookedAtEntryByEntryAndNotChanged() throws Exception {
        L2Cache cache = cache(1 << 20);
        byte[] bad = {3};
        SparseBytes bytes = memory.snapshot();
        bytes.write(at(0) + 8, bad, 0, 1);
        memory.replace(bytes);
        cache.load(at(0));
        cache.load(at(1));
        assertThat(cache.lookup(at(0))).isEqualTo(L2Cache.ABSENT);
        assertThat(cache.lookupSuspect(at(0))).isZero();
        TestDisk.failure(Errno.EIO, () -> cache.lookupSuspect(at(0) + 8));
        assertThat(cache.isChangeable(at(0))).isFalse();
        assertThat(cache.isChangeable(at(1))).isTrue();
        assertThat(cache.isChangeable(at(2))).isNull();
    }

    @Test
    void itIsKnownWhichPagesThisOpeningHasChanged() throws Exception {
        L2Cache cache = cache(0);
        for (int page = 0; page < 200; page += 3) {
            set(cache, at(page) + 16, data(1));
        }
        for (int page = 0; page < 200; page++) {
            assertThat(cache.isChanged(at(page) + 4000)).as("page %d", page).isEqualTo(page % 3 == 0);
        }
    }

    /**
     * Readers, writers, eviction and write-back at once, in a cache far too small. Each entry has one writer, whose values only go up; a
     * reader must see a value that is no older than the newest one that was set before it looked.
     */
    @Test
    void lookupsNeverSeeAnythingStale() throws Exception {
        long seed = System.nanoTime();
        L2Cache cache = cache(0);
        int pages = 64;
        int perPage = 8;
        AtomicLongArray newest = new AtomicLongArray(pages * perPage);
        AtomicBoolean stop = new AtomicBoolean();
        List<Running> writers = new ArrayList<>();
        List<Running> others = new ArrayList<>();
        for (int w = 0; w < 4; w++) {
            int self = w;
            writers.add(TestDisk.start(() -> {
                Random random = new Random(seed + self);
                for (int i = 1; i <= 4000; i++) {
                    int slot = random.nextInt(pages * perPage / 4) * 4 + self;
                    long value = newest.get(slot) + 1;
                    set(cache, place(slot, perPage), data(value));
                    newest.set(slot, value);
                }
            }));
        }
        for (int r = 0; r < 4; r++) {
            int self = r;
            others.add(TestDisk.start(() -> {
                Random random = new Random(seed + 100 + self);
                while (!stop.get()) {
                    int slot = random.nextInt(pages * perPage);
                    long before = newest.get(slot);
                    long seen = number(get(cache, place(slot, perPage)));
                    // A value is set in the cache just before it is noted down here.
                    assertThat(seen).as("seed %d slot %d", seed, slot).isBetween(before, newest.get(slot) + 1);
                }
            }));
        }
        for (Running writer : writers) {
            writer.end();
        }
        stop.set(true);
        for (Running other : others) {
            other.end();
        }
        writeBack(cache);
        L2Cache fresh = cache(1 << 20);
        for (int slot = 0; slot < newest.length(); slot++) {
            assertThat(number(get(fresh, place(slot, perPage))))
                    .as("seed %d slot %d", seed, slot)
                    .isEqualTo(newest.get(slot));
        }
    }

    private static long number(long entry) {
        return entry == 0 ? 0 : (entry - data(0)) / 4096;
    }

    /** Entries of a page that share sectors. */
    private static long place(int slot, int perPage) {
        return at(slot / perPage) + slot % perPage * 264L;
    }
}
