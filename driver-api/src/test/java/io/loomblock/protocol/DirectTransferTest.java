// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever the system says to an attempt, all is transferred, or the plain call, which no carrier makes, says why not. */
@Timeout(60)
class DirectTransferTest {
    private static final int BLOCK = 512;
    private static final int LENGTH = 4096;
    private static final int END = 5 * LENGTH + 700;

    /** A plain call, and on what thread it was. */
    private record Plain(long address, int length, long offset, boolean onVirtualThread) {}

    private final AtomicInteger attempts = new AtomicInteger();
    private final AtomicInteger patientAttempts = new AtomicInteger();
    private final List<Plain> plain = Collections.synchronizedList(new ArrayList<>());
    private volatile long answer = LENGTH;
    private volatile long patientAnswer = LENGTH;
    private volatile Errno failure;

    private final DirectTransfer reads =
            DirectTransfer.ofReads(this::attempt, this::plainly, IoThreads.forCalls(), BLOCK);
    private final DirectTransfer writes =
            DirectTransfer.ofWrites(this::attempt, this::plainly, IoThreads.forCalls(), BLOCK);
    private DirectTransfer transfer = reads;

    private long attempt(long address, int length, long offset, boolean patiently) {
        if (patiently) {
            patientAttempts.incrementAndGet();
            return patientAnswer;
        }
        attempts.incrementAndGet();
        return answer;
    }

    private int plainly(long address, int length, long offset) throws BlockException {
        plain.add(new Plain(address, length, offset, Thread.currentThread().isVirtual()));
        if (failure != null) {
            throw new BlockException(failure);
        }
        return (int) Math.max(0, Math.min(length, END - offset));
    }

    @Test
    void whatTheSystemDoesIsDone() throws Exception {
        assertThat(run(0)).isEqualTo(LENGTH);
        assertThat(plain).isEmpty();
    }

    @Test
    void platformThreadsTransferThemselves() throws Exception {
        assertThat(transfer.run(0, LENGTH, 0)).isEqualTo(LENGTH);
        assertThat(attempts).hasValue(0);
    }

    @Test
    void theRestOfAPartIsTransferredPlainly() throws Exception {
        answer = BLOCK;
        assertThat(run(0)).isEqualTo(LENGTH);
        assertThat(plain).containsExactly(new Plain(BLOCK, LENGTH - BLOCK, BLOCK, false));
    }

    @Test
    void aPartThatEndsInsideOfABlockEndsTheFile() throws Exception {
        answer = 700;
        assertThat(run(5 * LENGTH)).isEqualTo(700);
        assertThat(plain).isEmpty();
    }

    /** As where the device has become full: the plain call says so. */
    @Test
    void aWriteThatEndsInsideOfABlockGoesOn() throws Exception {
        transfer = writes;
        answer = 700;
        assertThat(run(0)).isEqualTo(LENGTH);
        assertThat(plain).containsExactly(new Plain(BLOCK, LENGTH - BLOCK, BLOCK, false));
        failure = Errno.ENOSPC;
        assertFails(Errno.ENOSPC);
    }

    @ParameterizedTest
    @EnumSource(names = {"ENOTSUP", "EINVAL"})
    void whatCannotBeDonePatientlyIsNotAskedAgain(Errno errno) throws Exception {
        transfer = writes;
        answer = -Errno.EAGAIN.number();
        patientAnswer = -errno.number();
        assertThat(run(0)).isEqualTo(LENGTH);
        assertThat(run(0)).isEqualTo(LENGTH);
        assertThat(attempts).hasValue(1);
        assertThat(patientAttempts).hasValue(1);
    }

    @Test
    void nothingIsTheEndOnlyIfThePlainCallSaysSo() throws Exception {
        answer = 0;
        assertThat(run(0)).isEqualTo(LENGTH);
        assertThat(run(6 * LENGTH)).isZero();
    }

    @Test
    void afterOneThatWouldHaveWaitedTheNextReadsAreHandedOn() throws Exception {
        waitOnceAndRunTheNext();
        assertThat(patientAttempts).hasValue(0);
        assertThat(plain).hasSize(1 + DirectTransfer.IN_A_ROW).noneMatch(Plain::onVirtualThread);
        assertThat(run(0)).isEqualTo(LENGTH);
        assertThat(attempts).hasValue(2);
    }

    @Test
    void theNextWritesArePatient() throws Exception {
        transfer = writes;
        waitOnceAndRunTheNext();
        assertThat(patientAttempts).hasValue(1 + DirectTransfer.IN_A_ROW);
        assertThat(run(0)).isEqualTo(LENGTH);
        assertThat(attempts).hasValue(2);
        assertThat(plain).isEmpty();
    }

    @Test
    void aWriteThatWouldWaitLongIsHandedOn() throws Exception {
        transfer = writes;
        answer = -Errno.EAGAIN.number();
        patientAnswer = answer;
        for (int i = 0; i < 3; i++) {
            assertThat(run(0)).isEqualTo(LENGTH);
        }
        assertThat(plain).hasSize(3).noneMatch(Plain::onVirtualThread);
    }

    @Test
    void theRestOfAPatientWriteIsWrittenPlainly() throws Exception {
        transfer = writes;
        answer = -Errno.EAGAIN.number();
        patientAnswer = BLOCK;
        assertThat(run(0)).isEqualTo(LENGTH);
        assertThat(plain).containsExactly(new Plain(BLOCK, LENGTH - BLOCK, BLOCK, false));
    }

    @ParameterizedTest
    @EnumSource(names = {"ENOTSUP", "EINVAL"})
    void whatTheSystemCannotDoIsNotAskedAgain(Errno errno) throws Exception {
        answer = -errno.number();
        assertThat(run(0)).isEqualTo(LENGTH);
        assertThat(run(0)).isEqualTo(LENGTH);
        assertThat(attempts).hasValue(1);
    }

    @Test
    void aRequestThatIsWrongInItselfSaysNothingOfOthers() throws Exception {
        answer = -Errno.EINVAL.number();
        failure = Errno.EINVAL;
        assertFails(Errno.EINVAL);
        failure = null;
        answer = LENGTH;
        run(0);
        assertThat(attempts).hasValue(2);
    }

    @ParameterizedTest
    @EnumSource(names = {"EIO", "ENOSPC", "EBADF"})
    void thePlainCallSaysWhatTheErrorIs(Errno errno) throws Exception {
        answer = -errno.number();
        failure = errno;
        assertFails(errno);
        failure = null;
        assertThat(run(0)).isEqualTo(LENGTH);
    }

    private void assertFails(Errno errno) {
        assertThatThrownBy(() -> run(0))
                .hasCauseInstanceOf(BlockException.class)
                .satisfies(
                        e -> assertThat(((BlockException) e.getCause()).errno()).isEqualTo(errno));
    }

    /** One that would have had to wait, and then as many as are expected to. */
    private void waitOnceAndRunTheNext() throws Exception {
        answer = -Errno.EAGAIN.number();
        assertThat(run(0)).isEqualTo(LENGTH);
        answer = LENGTH;
        for (int i = 0; i < DirectTransfer.IN_A_ROW; i++) {
            assertThat(run(0)).isEqualTo(LENGTH);
        }
        assertThat(attempts).hasValue(1);
    }

    /** On a virtual thread; the memory lies at the offset. */
    private int run(long offset) throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            return threads.submit(() -> transfer.run(offset, LENGTH, offset)).get();
        }
    }
}
