// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When dirty pages are written before they are synced. */
class EarlyWriteBackTest {
    private final Queue<Runnable> handedOn = new ArrayDeque<>();
    private int runs;
    /** What the clock says. */
    private long now = Long.MAX_VALUE - EarlyWriteBack.CLOSE_NANOS;

    /** How long the system takes. */
    private long nanos;

    private final EarlyWriteBack writeBack = new EarlyWriteBack(this::begin, handedOn::add, () -> now);

    private void begin() {
        runs++;
        now += nanos;
    }

    private void syncTwice() {
        writeBack.syncs();
        now += EarlyWriteBack.CLOSE_NANOS - 1;
        writeBack.syncs();
    }

    /** The system is slow once, so that others do its work for a while. */
    private void becomeSlow() {
        syncTwice();
        nanos = EarlyWriteBack.QUICK_NANOS + 1;
        writeBack.wrote(EarlyWriteBack.PIECE);
        nanos = 0;
        runs = 0;
    }

    @Test
    void pagesOfAFileThatIsNotSyncedAreLeftAlone() {
        writeBack.wrote(100 * EarlyWriteBack.PIECE);
        writeBack.syncs();
        writeBack.wrote(100 * EarlyWriteBack.PIECE);
        assertThat(runs).isZero();
    }

    @Test
    void afterSyncsThatAreCloseEachPieceIsBegunOnceItIsWhole() {
        syncTwice();
        writeBack.wrote(EarlyWriteBack.PIECE - 1);
        assertThat(runs).isZero();
        writeBack.wrote(1);
        assertThat(runs).isEqualTo(1);
        writeBack.wrote(EarlyWriteBack.PIECE - 1);
        assertThat(runs).isEqualTo(1);
        writeBack.wrote(1);
        assertThat(runs).isEqualTo(2);
        assertThat(handedOn).isEmpty();
    }

    @Test
    void whereTheSystemIsSlowAnotherThreadBeginsPiecesForAWhile() {
        becomeSlow();
        for (int i = 1; i <= Pace.HANDED_ON; i++) {
            writeBack.wrote(EarlyWriteBack.PIECE);
            assertThat(handedOn).as("piece %d", i).hasSize(1);
            handedOn.remove().run();
        }
        writeBack.wrote(EarlyWriteBack.PIECE);
        assertThat(handedOn).isEmpty();
        assertThat(runs).isEqualTo(Pace.HANDED_ON + 1);
    }

    @Test
    void whatComesWhileThatIsUnderWayWaitsForIt() {
        becomeSlow();
        writeBack.wrote(EarlyWriteBack.PIECE);
        writeBack.wrote(EarlyWriteBack.PIECE);
        assertThat(handedOn).hasSize(1);
        handedOn.remove().run();
        writeBack.wrote(1);
        assertThat(handedOn).hasSize(1);
    }

    @Test
    void aSyncTakesWhatWasWrittenBefore() {
        syncTwice();
        writeBack.wrote(EarlyWriteBack.PIECE - 1);
        now++;
        writeBack.syncs();
        writeBack.wrote(1);
        assertThat(runs).isZero();
    }

    @Test
    void syncsFarApartEndIt() {
        syncTwice();
        now += EarlyWriteBack.CLOSE_NANOS;
        writeBack.syncs();
        writeBack.wrote(100 * EarlyWriteBack.PIECE);
        assertThat(runs).isZero();
    }

    @Test
    void soDoesALongTimeWithoutASync() {
        syncTwice();
        now += EarlyWriteBack.CLOSE_NANOS - 1;
        writeBack.wrote(EarlyWriteBack.PIECE);
        assertThat(runs).isEqualTo(1);
        now++;
        writeBack.wrote(EarlyWriteBack.PIECE);
        writeBack.wrote(100 * EarlyWriteBack.PIECE);
        assertThat(runs).isEqualTo(1);
        syncTwice();
        writeBack.wrote(EarlyWriteBack.PIECE);
        assertThat(runs).isEqualTo(2);
    }

    @Test
    @Timeout(60)
    void whoClosesTheFileWaitsForThePieceUnderWay() throws Exception {
        writeBack.awaitIdle();
        becomeSlow();
        writeBack.wrote(EarlyWriteBack.PIECE);
        Thread closing = Thread.ofVirtual().start(writeBack::awaitIdle);
        while (closing.getState() != Thread.State.WAITING) {
            LockSupport.parkNanos(100_000);
        }
        handedOn.remove().run();
        closing.join();
        writeBack.awaitIdle();
    }

    @Test
    void whatFailsWhileItIsBegunFailsNoWriteEither() {
        EarlyWriteBack failing = new EarlyWriteBack(
                () -> {
                    runs++;
                    throw new IllegalStateException();
                },
                handedOn::add,
                () -> now);
        failing.syncs();
        failing.syncs();
        failing.wrote(EarlyWriteBack.PIECE);
        failing.wrote(EarlyWriteBack.PIECE);
        assertThat(runs).isEqualTo(1);
        failing.awaitIdle();
    }

    @Test
    void whatCouldNotBeBegunFailsNoWriteAndIsNotTriedBeforeTheNextSync() {
        AtomicInteger asked = new AtomicInteger();
        EarlyWriteBack refused = new EarlyWriteBack(
                this::begin,
                task -> {
                    asked.incrementAndGet();
                    throw new RejectedExecutionException();
                },
                () -> now);
        refused.syncs();
        refused.syncs();
        nanos = EarlyWriteBack.QUICK_NANOS + 1;
        refused.wrote(EarlyWriteBack.PIECE);
        refused.wrote(EarlyWriteBack.PIECE);
        refused.wrote(EarlyWriteBack.PIECE);
        assertThat(asked).hasValue(1);
        refused.syncs();
        refused.wrote(EarlyWriteBack.PIECE);
        assertThat(asked).hasValue(2);
        refused.awaitIdle();
    }
}
