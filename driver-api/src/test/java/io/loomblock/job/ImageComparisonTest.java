// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.Node;
import io.loomblock.job.ImageComparison.ComparisonException;
import io.loomblock.job.ImageComparison.Outcome;
import io.loomblock.job.ImageComparison.Result;
import io.loomblock.job.ImageComparison.Step;
import io.loomblock.memory.BufferPool;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two images are the same if they read the same; what differs is named by its sector. */
class ImageComparisonTest {
    private static final int CHUNK = BufferPool.MAX_BUFFER;
    private static final int LENGTH = 2 * CHUNK;

    private final BufferPool pool = new BufferPool(16L << 20, 2L << 20);
    private final List<String> heard = new ArrayList<>();

    @AfterEach
    void nothingIsHeldBack() {
        assertThat(pool.outstanding()).isZero();
    }

    private static MemoryDriver image(int length, int... ones) {
        byte[] content = new byte[length];
        Arrays.fill(content, 0, Math.min(length, LENGTH), (byte) 7);
        for (int at : ones) {
            content[at] = 1;
        }
        return new MemoryDriver(SparseBytes.of(content));
    }

    private Result compare(BlockDriver left, BlockDriver right, boolean strict)
            throws BlockException, ComparisonException {
        return ImageComparison.compare(device(left), device(right), strict, pool, new Listener());
    }

    private static BlockDevice device(BlockDriver driver) throws BlockException {
        return BlockDevice.of(new Node("x", driver, Map.of(), OpenOptions.readOnly()), OpenOptions.readOnly());
    }

    @Test
    void sameContentIsIdentical() throws Exception {
        assertThat(compare(image(LENGTH), image(LENGTH), true)).isEqualTo(new Result(Outcome.IDENTICAL, -1));
    }

    @Test
    void theSectorOfTheFirstDifferenceIsNamed() throws Exception {
        assertThat(compare(image(LENGTH), image(LENGTH, CHUNK + 1030), false))
                .isEqualTo(new Result(Outcome.CONTENT_DIFFERS, CHUNK + 1024));
    }

    @Test
    void zerosPastTheEndOfTheShorterOneDoNotMatterUnlessStrict() throws Exception {
        assertThat(compare(image(LENGTH), image(LENGTH + CHUNK), false).outcome())
                .isEqualTo(Outcome.IDENTICAL);
        assertThat(heard).contains("sizes differ");
        assertThat(compare(image(LENGTH), image(LENGTH + CHUNK), true).outcome())
                .isEqualTo(Outcome.SIZE_DIFFERS);
    }

    @Test
    void dataPastTheEndOfTheShorterOneMatters() throws Exception {
        assertThat(compare(image(LENGTH + CHUNK, LENGTH + 600), image(LENGTH), false))
                .isEqualTo(new Result(Outcome.CONTENT_DIFFERS, LENGTH + 512));
    }

    @Test
    void progressReachesTheEnd() throws Exception {
        compare(image(LENGTH), image(LENGTH), false);
        assertThat(heard).containsExactly(CHUNK + "/" + LENGTH, LENGTH + "/" + LENGTH);
    }

    @Test
    void memoryForOneIsEnoughSoThatNobodyWaitsForASecondBuffer() throws Exception {
        BufferPool tight = new BufferPool(CHUNK, 0);
        byte[] content = new byte[LENGTH];
        content[CHUNK + CHUNK / 2 + 513] = 1;
        BlockDevice left = device(new MemoryDriver(SparseBytes.of(new byte[LENGTH])));
        BlockDevice right = device(new MemoryDriver(SparseBytes.of(content)));
        assertThat(ImageComparison.compare(left, right, false, tight, new Listener()))
                .isEqualTo(new Result(Outcome.CONTENT_DIFFERS, CHUNK + CHUNK / 2 + 512));
    }

    @Test
    void theChunkThatCannotBeReadIsNamedByItsBeginning() {
        FaultDriver broken = new FaultDriver(image(LENGTH));
        broken.arm(FaultDriver.Fault.always(request -> request.offset() == CHUNK + CHUNK / 2));
        assertThatThrownBy(() -> compare(image(LENGTH), broken, false))
                .isInstanceOfSatisfying(
                        ComparisonException.class, e -> assertThat(e.offset()).isEqualTo(CHUNK));
    }

    @Test
    void theImageThatCannotBeReadIsNamed() {
        FaultDriver broken = new FaultDriver(image(LENGTH));
        broken.arm(FaultDriver.Fault.always(request -> request.kind() == Kind.READ && request.offset() == CHUNK));
        assertThatThrownBy(() -> compare(image(LENGTH), broken, false))
                .isInstanceOfSatisfying(ComparisonException.class, e -> {
                    assertThat(e.step()).isEqualTo(Step.READ);
                    assertThat(e.first()).isFalse();
                    assertThat(e.offset()).isEqualTo(CHUNK);
                });
    }

    @Test
    void aDifferenceCountsBeforeAFailureBehindItThatWasMetEarlier() throws Exception {
        CountDownLatch failed = new CountDownLatch(1);
        FaultDriver broken = new FaultDriver(image(LENGTH, 5));
        broken.arm(FaultDriver.Fault.always(request -> {
            if (request.offset() == CHUNK) {
                failed.countDown();
                return true;
            }
            awaitUninterruptibly(failed);
            return false;
        }));
        assertThat(compare(image(LENGTH), broken, false)).isEqualTo(new Result(Outcome.CONTENT_DIFFERS, 0));
        assertThat(heard).isEmpty();
    }

    @Test
    void theSizesAreToldBeforeWhatTheRestOfTheLongerOneSays() throws Exception {
        FaultDriver broken = new FaultDriver(image(LENGTH + CHUNK, LENGTH + 600));
        broken.arm(FaultDriver.Fault.always(request -> request.offset() == LENGTH));
        assertThatThrownBy(() -> compare(image(LENGTH), broken, false)).isInstanceOf(ComparisonException.class);
        assertThat(heard)
                .containsExactly(CHUNK + "/" + (LENGTH + CHUNK), LENGTH + "/" + (LENGTH + CHUNK), "sizes differ");
    }

    @Test
    void anInterruptThatIsThereAlreadyFailsNothingAndStays() throws Exception {
        Thread.currentThread().interrupt();
        assertThat(compare(image(LENGTH), image(LENGTH), true).outcome()).isEqualTo(Outcome.IDENTICAL);
        assertThat(Thread.interrupted()).isTrue();
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private final class Listener implements ImageComparison.Listener {
        @Override
        public void advanced(long done, long total) {
            heard.add(done + "/" + total);
        }

        @Override
        public void sizesDiffer() {
            heard.add("sizes differ");
        }
    }
}
