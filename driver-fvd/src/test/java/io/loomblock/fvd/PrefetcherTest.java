// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.BlockAction;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.OptionValues;
import io.loomblock.driver.Timers;
import io.loomblock.fvd.Prefetcher.State;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import io.loomblock.testkit.TestImages;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Fetching that is too slow, and whose coin falls as the test wants it: spec section 12, E21, E26. */
class PrefetcherTest {
    private static final int MIB = 1 << 20;
    private static final int UNITS = 6;
    private static final Duration START = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(30_001);

    private final FakeTimers timers = new FakeTimers();
    /** What slow disks have taken, on top of the clock. */
    private final AtomicLong delays = new AtomicLong();

    private final AtomicInteger reads = new AtomicInteger();
    private long readMillis;
    private long writeMillis;
    private BlockAction duringRead = () -> {};
    private FvdImage image;

    /** Time passes where a disk is slow; timers do not fall due by that. */
    private final Timers clock = new Timers() {
        @Override
        public long nanoTime() {
            return timers.nanoTime() + delays.get();
        }

        @Override
        public Timer schedule(String name, long delayNanos, Runnable task) {
            return timers.schedule(name, delayNanos, task);
        }
    };

    private void delay(long millis) {
        delays.addAndGet(TimeUnit.MILLISECONDS.toNanos(millis));
    }

    private BlockDriver slowBase() {
        return new ForwardingDriver(new MemoryDriver(SparseBytes.of(Pattern.bytes(4, 0, UNITS * MIB)))) {
            @Override
            public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
                    throws BlockException {
                super.coReadv(offset, bytes, qiov, qiovOffset, flags);
                delay(readMillis);
                reads.incrementAndGet();
                duringRead.run();
            }
        };
    }

    private BlockDriver slowData() {
        return new ForwardingDriver(new MemoryDriver()) {
            @Override
            public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags)
                    throws BlockException {
                super.coWritev(offset, bytes, qiov, qiovOffset, flags);
                delay(writeMillis);
            }
        };
    }

    private Prefetcher open(boolean heads) throws BlockException {
        BlockDriver base = slowBase();
        BlockDriver data = slowData();
        TestFiles files = new TestFiles().put("base", base).put("data", data);
        CreateOptions options = CreateOptions.ofSize(UNITS * MIB)
                .withBacking("base", "raw")
                .with("data_file", "data")
                .with("data_file_fmt", "raw")
                .with("prefetch_start_delay", 1);
        MemoryDriver file = files.create("fvd", "test.fvd", options);
        OpenOptions open = OpenOptions.readWrite().withTimers(clock);
        Node node = TestImages.node("test.fvd", file, open);
        Node below = TestImages.node("base", base, open.withWritable(false));
        OptionValues values = OptionValues.of(new FvdProvider(), NodeOptions.NONE);
        OpenSettings settings = OpenSettings.of(open, values).withRandom(new Random(1) {
            @Override
            public boolean nextBoolean() {
                return heads;
            }
        });
        Node store = TestImages.node("data", data, open);
        image = FvdImage.read(new FvdImage.Files(node, store, new BackingFile(node, below)), settings, true);
        return image.writing().copies().prefetcher();
    }

    @Test
    void fastDisksAreNeverLeftAlone() throws Exception {
        readMillis = 1;
        writeMillis = 1;
        Prefetcher prefetcher = open(true);
        timers.advance(START);
        assertThat(prefetcher.state()).isEqualTo(State.FINISHED);
        assertThat(reads).hasValue(UNITS);
    }

    @Test
    void aSlowBaseIsLeftAloneForAWhileWhenTheCoinSaysSo() throws Exception {
        readMillis = 300;
        Prefetcher prefetcher = open(true);
        timers.advance(START);
        for (int pause = 1; pause <= UNITS; pause++) {
            assertThat(reads).as("a read for each pause").hasValue(pause);
            assertThat(prefetcher.state()).isEqualTo(State.PAUSED);
            timers.advanceToNext();
        }
        timers.advance(Duration.ZERO);
        assertThat(prefetcher.state()).isEqualTo(State.FINISHED);
    }

    @Test
    void aSlowStoreIsLeftAloneToo() throws Exception {
        writeMillis = 300;
        Prefetcher prefetcher = open(true);
        timers.advance(START);
        assertThat(prefetcher.state()).isEqualTo(State.PAUSED);
        assertThat(reads.get()).isBetween(1, 3);
    }

    @Test
    void thePauseLastsAMillisecondAtLeast() throws Exception {
        readMillis = 300;
        open(true);
        timers.advance(START);
        timers.advance(Duration.ofNanos(999_999));
        assertThat(reads).hasValue(1);
    }

    @Test
    void tailsMeansToGoOn() throws Exception {
        readMillis = 300;
        writeMillis = 300;
        Prefetcher prefetcher = open(false);
        timers.advance(START);
        assertThat(prefetcher.state()).isEqualTo(State.FINISHED);
    }

    /** E21: the program lost the pause when guests had written all that was read meanwhile, and never went on. */
    @Test
    void aPauseIsNotLostWhereNothingIsLeftToBeStored() throws Exception {
        readMillis = 300;
        duringRead = () -> guestWrites(0, MIB);
        Prefetcher prefetcher = open(true);
        timers.advance(START);
        assertThat(prefetcher.state()).isEqualTo(State.PAUSED);
        duringRead = () -> {};
        readMillis = 0;
        timers.advance(LONGEST_PAUSE);
        assertThat(prefetcher.state()).isEqualTo(State.FINISHED);
        assertThat(reads).hasValue(UNITS);
    }

    private void guestWrites(long start, int bytes) throws BlockException {
        IoVector zeros = IoVector.of(AlignedBuffer.allocate(bytes));
        image.writing().write().run(start, start + bytes, new Payload.Data(start, bytes, zeros, 0));
    }

    @Test
    void aDrainEndsAPauseAndWhatWasReadOnlyIsReadAgain() throws Exception {
        readMillis = 300;
        Prefetcher prefetcher = open(true);
        timers.advance(START);
        image.writing().pause();
        readMillis = 0;
        timers.advance(LONGEST_PAUSE);
        assertThat(reads).as("nothing goes on in a drained section").hasValue(1);
        image.writing().resume();
        timers.advance(Duration.ZERO);
        assertThat(prefetcher.state()).isEqualTo(State.FINISHED);
    }
}
