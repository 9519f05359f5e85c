// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.DiskModel.Write;
import org.junit.jupiter.api.Test;

/** The model accepts what a disk may hold and nothing else, and a run against a faulty disk is noticed. */
class DiskModelTest {
    private static final int SIZE = 4096;

    private final DiskModel model = new DiskModel(SIZE, DiskModel.Content.ZEROS, 1);
    private final byte[] disk = new byte[SIZE];

    private Write done(int offset, int length) {
        Write write = model.begin(offset, length, false);
        model.ended(write);
        return write;
    }

    private void put(Write write, int offset, int length) {
        Pattern.fill(write.id(), offset, disk, offset, length);
    }

    private void verify(long crashed, long flushed) throws Exception {
        model.verify(
                (offset, target, count) -> System.arraycopy(disk, (int) offset, target, 0, count), crashed, flushed);
    }

    private void verify() throws Exception {
        verify(Long.MAX_VALUE, Long.MAX_VALUE);
    }

    @Test
    void aLaterWriteReplacesAnEarlierOne() throws Exception {
        Write first = done(0, 1024);
        Write second = done(512, 1024);
        put(first, 0, 1024);
        assertThatThrownBy(this::verify).hasMessageContaining("wrong byte at offset 512");
        put(second, 512, 1024);
        verify();
    }

    @Test
    void ofWritesAtOnceASectorHoldsEitherButNotAMixture() throws Exception {
        Write first = model.begin(0, 1024, false);
        Write second = model.begin(0, 1024, false);
        model.ended(first);
        model.ended(second);
        put(first, 0, 512);
        put(second, 512, 512);
        verify();
        put(second, 0, 100);
        assertThatThrownBy(this::verify).isInstanceOf(AssertionError.class);
    }

    @Test
    void aFailedWriteMayHaveHappenedOrNot() throws Exception {
        Write write = model.begin(0, 512, false);
        model.failed(write);
        verify();
        put(write, 0, 512);
        verify();
    }

    @Test
    void afterACrashWhatWasFlushedIsThereAndTheRestMayBe() throws Exception {
        Write old = done(0, 512);
        long flush = model.tick();
        Write young = done(0, 512);
        long crash = model.tick();
        assertThatThrownBy(() -> verify(crash, flush)).isInstanceOf(AssertionError.class);
        put(old, 0, 512);
        verify(crash, flush);
        put(young, 0, 512);
        verify(crash, flush);
        Write later = done(0, 512);
        put(later, 0, 512);
        assertThatThrownBy(() -> verify(crash, flush)).isInstanceOf(AssertionError.class);
    }

    @Test
    void aSoundDiskPassesARandomRun() throws Exception {
        MemoryDriver file = TestImages.create("raw", CreateOptions.ofSize(1 << 20));
        try (var device =
                TestImages.open("test.raw", file, OpenOptions.readWrite().withFormat("raw"))) {
            DiskModel random = new DiskModel(1 << 20, DiskModel.Content.ZEROS, 1);
            assertThatCode(() -> new ModelRun(device, random, ModelRun.Plan.of(42, 30)).run())
                    .doesNotThrowAnyException();
        }
    }

    @Test
    void aDiskThatLosesWritesFailsIt() throws Exception {
        MemoryDriver file = new MemoryDriver();
        file.truncate(1 << 20, true, PreallocationMode.OFF);
        BlockDriver forgetful = new ForwardingDriver(file) {
            private int writes;

            @Override
            public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) {
                if (++writes < 5) {
                    file.coWritev(offset, bytes, qiov, qiovOffset, flags);
                }
            }
        };
        try (var device =
                TestImages.open("test.raw", forgetful, OpenOptions.readWrite().withFormat("raw"))) {
            DiskModel random = new DiskModel(1 << 20, DiskModel.Content.ZEROS, 1);
            ModelRun run = new ModelRun(device, random, ModelRun.Plan.of(42, 25).withThreads(1));
            assertThatThrownBy(run::run).hasMessageContaining("seed 42").hasMessageContaining("wrong byte");
        }
    }
}
