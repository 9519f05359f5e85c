// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.testkit.VirtualThreads;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever a kernel says of a read that must not wait, all is read, and a virtual thread does not wait for the device itself. */
@Timeout(60)
class CachedReadsTest {
    private static final int END = 10_000;
    private static final int LENGTH = 4096;

    private final Kernel kernel = new Kernel();
    private final CachedReads reads = new CachedReads(kernel, IoThreads.forCalls());

    @Test
    void whatIsInThePageCacheIsReadOnTheSpot() throws Exception {
        kernel.answer = LENGTH;
        assertThat(VirtualThreads.call(() -> reads.read(0, LENGTH, 0))).isEqualTo(LENGTH);
        assertThat(kernel.plain).isEmpty();
    }

    @Test
    void nothingIsNotTheEndOfTheFile() throws Exception {
        kernel.answer = 0;
        assertThat(VirtualThreads.call(() -> reads.read(0, LENGTH, 100))).isEqualTo(LENGTH);
        assertThat(kernel.plain).containsExactly(new Plain(100, LENGTH, false));
    }

    @Test
    void theEndOfTheFileIsWhereAReadThatMayWaitFindsIt() throws Exception {
        kernel.answer = 0;
        assertThat(VirtualThreads.call(() -> reads.read(0, LENGTH, END))).isZero();
        kernel.answer = 100;
        assertThat(VirtualThreads.call(() -> reads.read(0, LENGTH, END - 300))).isEqualTo(300);
    }

    @Test
    void theRestOfAPartIsReadElsewhere() throws Exception {
        kernel.answer = 1000;
        assertThat(VirtualThreads.call(() -> reads.read(0, LENGTH, 0))).isEqualTo(LENGTH);
        assertThat(kernel.plain).containsExactly(new Plain(1000, LENGTH - 1000, false));
    }

    @Test
    void whatMustBeWaitedForIsReadElsewhereEachTime() throws Exception {
        kernel.answer = -Errno.EAGAIN.number();
        for (int i = 0; i < 3; i++) {
            assertThat(VirtualThreads.call(() -> reads.read(0, LENGTH, 0))).isEqualTo(LENGTH);
        }
        assertThat(kernel.plain).isEqualTo(Collections.nCopies(3, new Plain(0, LENGTH, false)));
        assertThat(kernel.questions).isEqualTo(3);
    }

    /** Which is EPERM where the reason is asked for. */
    @Test
    void oneThatHasAnsweredIsNotAskedWhyNot() throws Exception {
        kernel.answer = LENGTH;
        assertThat(VirtualThreads.call(() -> reads.read(0, LENGTH, 0))).isEqualTo(LENGTH);
        kernel.answer = -Errno.EAGAIN.number();
        for (int i = 0; i < 3; i++) {
            assertThat(VirtualThreads.call(() -> reads.read(0, LENGTH, 0))).isEqualTo(LENGTH);
        }
        assertThat(kernel.plain).isEqualTo(Collections.nCopies(3, new Plain(0, LENGTH, false)));
        assertThat(kernel.questions).isEqualTo(4);
    }

    @ParameterizedTest
    @EnumSource(names = {"ENOTSUP", "ENOSYS", "EPERM", "EINVAL"})
    void aKernelThatCannotTellIsNotAskedAgain(Errno refusal) throws Exception {
        kernel.answer = -refusal.number();
        for (int i = 0; i < 3; i++) {
            assertThat(VirtualThreads.call(() -> reads.read(0, LENGTH, 0))).isEqualTo(LENGTH);
        }
        assertThat(kernel.questions).isEqualTo(1);
        assertThat(kernel.plain).hasSize(3);
    }

    @Test
    void anErrorIsOneOfAReadThatMayWait() throws Exception {
        kernel.answer = -Errno.EIO.number();
        kernel.failure = Errno.EIO;
        assertThatThrownBy(() -> VirtualThreads.call(() -> reads.read(0, LENGTH, 0)))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO));
        kernel.answer = LENGTH;
        assertThat(VirtualThreads.call(() -> reads.read(0, LENGTH, 0))).isEqualTo(LENGTH);
        assertThat(kernel.questions).isEqualTo(2);
    }

    @Test
    void aPlatformThreadWaitsItself() throws Exception {
        kernel.answer = -Errno.EAGAIN.number();
        assertThat(reads.read(0, LENGTH, 0)).isEqualTo(LENGTH);
        assertThat(kernel.questions).isZero();
        assertThat(kernel.plain).hasSize(1);
    }

    @Test
    void aDeviceThatDoesNotAnswerKeepsOtherFilesFromNothing() throws Exception {
        kernel.answer = -Errno.EAGAIN.number();
        kernel.stuck = new CountDownLatch(1);
        Kernel other = new Kernel();
        other.answer = -Errno.EAGAIN.number();
        CachedReads others = new CachedReads(other, IoThreads.forCalls());
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> stuck = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                stuck.add(threads.submit(() -> reads.read(0, LENGTH, 0)));
            }
            assertThat(threads.submit(() -> others.read(0, LENGTH, 0)).get()).isEqualTo(LENGTH);
            kernel.stuck.countDown();
            for (Future<Integer> read : stuck) {
                assertThat(read.get()).isEqualTo(LENGTH);
            }
        }
    }

    /** A read that might have waited, and on what thread it would have. */
    private record Plain(long offset, long length, boolean onVirtualThread) {}

    /** A file of {@link #END} bytes. */
    private static final class Kernel implements CachedReads.Calls {
        final List<Plain> plain = Collections.synchronizedList(new ArrayList<>());
        volatile CountDownLatch stuck = new CountDownLatch(0);
        volatile Errno failure;
        volatile long answer;
        volatile int questions;

        @Override
        public long readWithoutWaiting(long address, long length, long offset, boolean why) {
            questions++;
            return why ? answer : Math.max(answer, -1);
        }

        @Override
        public long read(long address, long length, long offset) {
            plain.add(new Plain(offset, length, Thread.currentThread().isVirtual()));
            try {
                stuck.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return failure != null ? -failure.number() : Math.max(0, Math.min(length, END - offset));
        }
    }
}
