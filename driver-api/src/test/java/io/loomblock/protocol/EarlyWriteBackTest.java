// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Queue;
import org.junit.jupiter.api.Test;

/** When dirty pages are written before they are synced. */
class EarlyWriteBackTest {
    private final Queue<Runnable> begun = new ArrayDeque<>();
    private int runs;
    private final EarlyWriteBack writeBack = new EarlyWriteBack(() -> runs++, begun::add);
    private final long start = System.nanoTime();

    private void syncTwice() {
        writeBack.syncs(start);
        writeBack.syncs(start + EarlyWriteBack.CLOSE_NANOS - 1);
    }

    @Test
    void pagesOfAFileThatIsNotSyncedAreLeftAlone() {
        writeBack.wrote(100 * EarlyWriteBack.PIECE);
        writeBack.syncs(start);
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
        writeBack.syncs(start + EarlyWriteBack.CLOSE_NANOS);
        writeBack.wrote(1);
        assertThat(begun).isEmpty();
    }

    @Test
    void syncsFarApartEndIt() {
        syncTwice();
        writeBack.syncs(start + 2 * EarlyWriteBack.CLOSE_NANOS);
        writeBack.wrote(100 * EarlyWriteBack.PIECE);
        assertThat(begun).isEmpty();
    }
}
