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
    private final Queue<Runnable> begun = new ArrayDeque<>();
    private int runs;
    /** What the clock says. */
    private long now = Long.MAX_VALUE - EarlyWriteBack.CLOSE_NANOS;

    private final EarlyWriteBack writeBack = new EarlyWriteBack(() -> runs++, begun::add, () -> now);

    private void syncTwice() {
        writeBack.syncs();
        now += EarlyWriteBack.CLOSE_NANOS - 1;
        writeBack.syncs();
    }

    @Test
    void pagesOfAFileThatIsNotSyncedAreLeftAlone() {
        writeBack.wrote(100 * EarlyWriteBack.PIECE);
        writeBack.syncs();
        writeBack.wrote(100 * EarlyWriteBack.PIECE);
        assertThat(begun).isEmpty();
    }

    @Test
    void afterSyncsThatAreCloseEachPieceIsBegunOnceItIsWhole() {
        syncTwice();
        writeBack.wrote(EarlyWriteBack.PIECE - 1);
        assertThat(begun).isEmpty();
        writeBack.wrote(1);
        assertThat(begun).hasSize(1);
        begun.remove().run();
        assertThat(runs).isEqualTo(1);
        writeBack.wrote(EarlyWriteBack.PIECE - 1);
        assertThat(begun).isEmpty();
        writeBack.wrote(1);
        assertThat(begun).hasSize(1);
    }

    @Test
    void whatComesWhileThatIsUnderWayWaitsForIt() {
        syncTwice();
        writeBack.wrote(EarlyWriteBack.PIECE);
        writeBack.wrote(EarlyWriteBack.PIECE);
        assertThat(begun).hasSize(1);
        begun.remove().run();
        writeBack.wrote(1);
        assertThat(begun).hasSize(1);
    }

    @Test
    void aSyncTakesWhatWasWrittenBefore() {
        syncTwice();
        writeBack.wrote(EarlyWriteBack.PIECE - 1);
        now++;
        writeBack.syncs();
        writeBack.wrote(1);
        assertThat(begun).isEmpty();
    }

    @Test
    void syncsFarApartEndIt() {
        syncTwice();
        now += EarlyWriteBack.CLOSE_NANOS;
        writeBack.syncs();
        writeBack.wrote(100 * EarlyWriteBack.PIECE);
        assertThat(begun).isEmpty();
    }

    @Test
    void soDoesALongTimeWithoutASync() {
        syncTwice();
        now += EarlyWriteBack.CLOSE_NANOS - 1;
        writeBack.wrote(EarlyWriteBack.PIECE);
        assertThat(begun).hasSize(1);
        begun.remove().run();
        now++;
        writeBack.wrote(EarlyWriteBack.PIECE);
        writeBack.wrote(100 * EarlyWriteBack.PIECE);
        assertThat(begun).isEmpty();
        syncTwice();
        writeBack.wrote(EarlyWriteBack.PIECE);
        assertThat(begun).hasSize(1);
    }

    @Test
    @Timeout(60)
    void whoClosesTheFileWaitsForThePieceUnderWay() throws Exception {
        writeBack.awaitIdle();
        syncTwice();
        writeBack.wrote(EarlyWriteBack.PIECE);
        Thread closing = Thread.ofVirtual().start(writeBack::awaitIdle);
        while (closing.getState() != Thread.State.WAITING) {
            LockSupport.parkNanos(100_000);
        }
        begun.remove().run();
        closing.join();
        writeBack.awaitIdle();
    }

    @Test
    void whatCouldNotBeBegunFailsNoWriteAndIsNotTriedBeforeTheNextSync() {
        AtomicInteger asked = new AtomicInteger();
        EarlyWriteBack refused = new EarlyWriteBack(
                () -> runs++,
                task -> {
                    asked.incrementAndGet();
                    throw new RejectedExecutionException();
                },
                () -> now);
        refused.syncs();
        refused.syncs();
        refused.wrote(EarlyWriteBack.PIECE);
        refused.wrote(EarlyWriteBack.PIECE);
        assertThat(asked).hasValue(1);
        refused.syncs();
        refused.wrote(EarlyWriteBack.PIECE);
        assertThat(asked).hasValue(2);
        refused.awaitIdle();
    }
}
