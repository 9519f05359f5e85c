// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.testkit.Call;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A dirty bitmap against a plain set of bits, and at its edges. */
class DirtyBitmapTest {
    private static final long ALL = Long.MAX_VALUE;

    private static DirtyBitmap bitmap(long granularity, long length) throws BlockException {
        return new DirtyBitmap(null, granularity, length);
    }

    @ParameterizedTest
    @CsvSource({"512, 1", "512, 511", "512, 3000001", "4096, 40000000", "65536, 536870912", "2147483648, 17592186044416"
    })
    void isWhatASetOfBitsIs(long granularity, long length) throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        DirtyBitmap bitmap = bitmap(granularity, length);
        int bits = (int) ((length + granularity - 1) / granularity);
        BitSet model = new BitSet(bits);
        for (int i = 0; i < 400; i++) {
            long offset = (long) (random.nextDouble() * length);
            long bytes = random.nextInt(4) == 0
                    ? (long) (random.nextDouble() * (length - offset)) + 1
                    : Math.min(length - offset, 1 + (long) (random.nextDouble() * 8 * granularity));
            int first = (int) (offset / granularity);
            int last = (int) ((offset + bytes - 1) / granularity);
            if (random.nextBoolean()) {
                bitmap.set(offset, bytes);
                model.set(first, last + 1);
            } else {
                bitmap.clear(offset, bytes);
                int from = (int) ((offset + granularity - 1) / granularity);
                int to = offset + bytes == length ? bits : (int) ((offset + bytes) / granularity);
                model.clear(from, Math.max(from, to));
            }
            assertThat(bitmap.count()).as("seed %d step %d", seed, i).isEqualTo(model.cardinality() * granularity);
            assertThat(bitmap.isDirty(offset)).as("seed %d step %d", seed, i).isEqualTo(model.get(first));
            if (i % 20 == 0) {
                assertThat(areas(bitmap)).as("seed %d step %d", seed, i).isEqualTo(areas(model, granularity, length));
            }
            int dirty = model.nextSetBit(first);
            int clean = model.nextClearBit(first);
            assertThat(bitmap.nextDirty(offset, ALL))
                    .as("seed %d step %d", seed, i)
                    .isEqualTo(dirty < 0 ? -1 : Math.max(offset, dirty * granularity));
            assertThat(bitmap.nextClean(offset, ALL))
                    .as("seed %d step %d", seed, i)
                    .isEqualTo(clean >= bits ? -1 : Math.max(offset, clean * granularity));
        }
    }

    private static List<DirtyBitmap.Area> areas(DirtyBitmap bitmap) throws BlockException {
        List<DirtyBitmap.Area> areas = new ArrayList<>();
        for (var area = bitmap.nextArea(0, ALL, ALL); area != null; area = bitmap.nextArea(area.end(), ALL, ALL)) {
            areas.add(area);
        }
        return areas;
    }

    private static List<DirtyBitmap.Area> areas(BitSet model, long granularity, long length) {
        List<DirtyBitmap.Area> areas = new ArrayList<>();
        for (int from = model.nextSetBit(0); from >= 0; ) {
            int to = model.nextClearBit(from);
            long start = from * granularity;
            areas.add(new DirtyBitmap.Area(start, Math.min(length, to * granularity) - start));
            from = model.nextSetBit(to);
        }
        return areas;
    }

    @Test
    void areasAreClippedToTheRangeAndNoLongerThanAsked() throws Exception {
        DirtyBitmap bitmap = bitmap(512, 10_000);
        bitmap.set(1024, 2048);
        assertThat(bitmap.nextArea(0, ALL, ALL)).isEqualTo(new DirtyBitmap.Area(1024, 2048));
        assertThat(bitmap.nextArea(1100, 1000, ALL)).isEqualTo(new DirtyBitmap.Area(1100, 1000));
        assertThat(bitmap.nextArea(0, ALL, 700)).isEqualTo(new DirtyBitmap.Area(1024, 700));
        assertThat(bitmap.nextArea(0, 1024, ALL)).isNull();
        assertThat(bitmap.nextArea(3072, ALL, ALL)).isNull();
        assertThat(bitmap.nextArea(20_000, ALL, ALL)).isNull();
        assertThat(bitmap.nextDirty(0, 1024)).isEqualTo(-1);
        assertThat(bitmap.nextClean(1024, 2048)).isEqualTo(-1);
        assertThat(bitmap.nextClean(10_000, 1)).isEqualTo(-1);
    }

    @Test
    void onlyWholeGranulesAreClearedAndTheLastOneCounts() throws Exception {
        DirtyBitmap bitmap = bitmap(4096, 3 * 4096 + 100);
        bitmap.set(0, ALL);
        assertThat(bitmap.count()).isEqualTo(4 * 4096);
        bitmap.clear(1, 8191);
        assertThat(bitmap.nextClean(0, ALL)).isEqualTo(4096);
        bitmap.clear(3 * 4096, 99);
        assertThat(bitmap.isDirty(3 * 4096)).isTrue();
        bitmap.clear(3 * 4096, 100);
        assertThat(bitmap.isDirty(3 * 4096)).isFalse();
        bitmap.clear();
        assertThat(bitmap.count()).isZero();
    }

    @Test
    void aLongerDiskIsCleanWhereItGrewAndAShorterOneForgets() throws Exception {
        DirtyBitmap bitmap = bitmap(512, 512 * 10);
        bitmap.set(0, ALL);
        bitmap.resized(512 * 1_000_000);
        assertThat(areas(bitmap)).containsExactly(new DirtyBitmap.Area(0, 512 * 10));
        bitmap.set(512 * 999_999, 512);
        bitmap.resized(512 * 4 + 1);
        assertThat(areas(bitmap)).containsExactly(new DirtyBitmap.Area(0, 512 * 4 + 1));
        assertThat(bitmap.count()).isEqualTo(512 * 5);
        bitmap.resized(512 * 1_000_000);
        assertThat(bitmap.count()).isEqualTo(512 * 5);
        assertThat(bitmap.isDirty(512 * 999_999)).isFalse();
    }

    @Test
    void writesPastTheEndMakeItLonger() throws Exception {
        DirtyBitmap bitmap = bitmap(512, 0);
        for (long end = 1; end < 1 << 28; end *= 3) {
            bitmap.written(end - 1, 1);
        }
        assertThat(bitmap.count()).isEqualTo(512 * 13);
    }

    @Test
    void recordsOnlyWhileEnabled() throws Exception {
        DirtyBitmap bitmap = bitmap(512, 8192);
        bitmap.written(0, 1);
        bitmap.disable();
        bitmap.written(4096, 1);
        bitmap.set(1024, 1);
        bitmap.enable();
        bitmap.written(2048, 0);
        assertThat(areas(bitmap)).containsExactly(new DirtyBitmap.Area(0, 512), new DirtyBitmap.Area(1024, 512));
    }

    @ParameterizedTest
    @CsvSource({"512, 512", "512, 65536", "65536, 512", "4096, 131072"})
    void mergingMakesDirtyWhatEitherHas(long into, long from) throws Exception {
        long length = 5_000_123;
        DirtyBitmap target = bitmap(into, length);
        DirtyBitmap source = bitmap(from, length);
        target.set(0, 1);
        source.set(700_000, 1);
        source.set(length - 1, 1);
        DirtyBitmap expected = bitmap(into, length);
        expected.set(0, 1);
        for (var area : areas(source)) {
            expected.set(area.offset(), area.length());
        }
        target.merge(source);
        assertThat(areas(target)).isEqualTo(areas(expected));
        target.merge(target);
        assertThat(areas(target)).isEqualTo(areas(expected));
        DirtyBitmap other = bitmap(into, length + 1);
        assertThatThrownBy(() -> target.merge(other))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
    }

    @Test
    void sixteenTebibytesAreSearchedWithoutLookingAtEachBit() throws Exception {
        long length = 16L << 40;
        DirtyBitmap bitmap = bitmap(64 << 10, length);
        bitmap.set(length - 1, 1);
        for (int i = 0; i < 10_000; i++) {
            assertThat(bitmap.nextDirty(0, ALL)).isEqualTo(length - (64 << 10));
        }
        bitmap.clear();
        assertThat(bitmap.nextDirty(0, ALL)).isEqualTo(-1);
    }

    @Test
    void memoryThatIsNotThereIsAnError() {
        assertThatThrownBy(() -> bitmap(512, Long.MAX_VALUE))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOMEM));
    }

    @Test
    void afterADiskBecameTooLongNothingIsToldAnyMore() throws Exception {
        DirtyBitmap bitmap = bitmap(512, 512);
        bitmap.resized(Long.MAX_VALUE);
        bitmap.written(0, 512);
        assertThatThrownBy(bitmap::count)
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOMEM));
    }

    @Test
    void rangesThatAreNoneAreTheCallersMistake() throws Exception {
        DirtyBitmap bitmap = bitmap(512, 512);
        assertThatIllegalArgumentException().isThrownBy(() -> bitmap.set(-1, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> bitmap.clear(0, -1));
        assertThatIllegalArgumentException().isThrownBy(() -> bitmap.nextArea(0, 1, 0));
    }

    /**
     * Each thread makes a granule dirty and waits for another to find and clear it; all share a word or a block of the summary, and the
     * bitmap grows meanwhile. A bit that is lost holds up its thread for ever.
     */
    @Test
    @Timeout(60)
    void whateverIsSetIsFoundHoweverManySetAndClearBesideIt() throws Exception {
        int threads = 8;
        int rounds = 3000;
        DirtyBitmap bitmap = bitmap(512, 512 * 64);
        AtomicInteger running = new AtomicInteger(threads);
        List<Call> setters = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            long offset = i * 512L * (i % 2 == 0 ? 1 : 7);
            setters.add(Call.of(() -> {
                for (int n = 0; n < rounds; n++) {
                    bitmap.written(offset, 1);
                    while (bitmap.isDirty(offset)) {
                        LockSupport.parkNanos(1);
                    }
                }
                running.decrementAndGet();
            }));
        }
        for (long length = 512 * 64; running.get() > 0; length += 512) {
            for (var area = bitmap.nextArea(0, ALL, ALL); area != null; area = bitmap.nextArea(0, ALL, ALL)) {
                bitmap.clear(area.offset(), area.length());
            }
            bitmap.resized(length);
        }
        for (Call setter : setters) {
            setter.join();
        }
        assertThat(bitmap.count()).isZero();
    }
}
