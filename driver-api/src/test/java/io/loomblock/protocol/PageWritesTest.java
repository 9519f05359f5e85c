// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Long writes reach the page cache in pieces that meet where no page is split. */
class PageWritesTest {
    private static final int MOST = FileIo.LONGEST_PAGE_WRITE;

    @Test
    void aShortWriteIsOnePiece() {
        assertThat(pieces(0, 1)).containsExactly(1);
        assertThat(pieces(MOST - 512, 512)).containsExactly(512);
    }

    @Test
    void anAlignedWriteIsCutIntoEqualPieces() {
        assertThat(pieces(0, 4 * MOST)).containsExactly(MOST, MOST, MOST, MOST);
        assertThat(pieces(7L * MOST, 2 * MOST + 512)).containsExactly(MOST, MOST, 512);
    }

    @Test
    void aWriteThatBeginsInsideOfAPieceIsCutAtTheSamePlaces() {
        assertThat(pieces(3L * MOST + 512, 2 * MOST)).containsExactly(MOST - 512, MOST, 512);
        assertThat(pieces(MOST - 1, 3)).containsExactly(1, 2);
    }

    @Test
    void itIsNoMatterHowFarBehindInTheFileItIs() {
        long far = Long.MAX_VALUE - 4L * MOST + 1;
        assertThat(pieces(far + 100, MOST)).containsExactly(MOST - 100, 100);
    }

    private static List<Integer> pieces(long offset, int length) {
        List<Integer> pieces = new ArrayList<>();
        for (int done = 0; done < length; done += pieces.get(pieces.size() - 1)) {
            pieces.add(FileIo.firstPageWrite(offset + done, length - done));
        }
        return pieces;
    }
}
