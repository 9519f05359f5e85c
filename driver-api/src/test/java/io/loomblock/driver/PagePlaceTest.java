// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who comes to a place because a page was there a moment ago gets what that page holds, or nothing. */
class PagePlaceTest {
    private static final int PAGE = 4096;
    private static final int KEY = 7;
    private static final int OTHER = 8;

    private PagePlace place;

    @BeforeEach
    void load() throws BlockException {
        place = new PagePlace(AlignedBuffer.allocate(2 * PAGE), PAGE);
        load(KEY, 0x1122334455667788L, true);
    }

    private void load(int key, long value, boolean trusted) {
        place.beginReplacing(key);
        place.memory.putLong(PAGE + 16, value);
        place.trusted = trusted;
        place.endReplacing();
    }

    private long read(int key) {
        return place.read(key, 16, Long.BYTES);
    }

    @Test
    void numbersOfBothLengthsAreRead() {
        assertThat(read(KEY)).isEqualTo(0x1122334455667788L);
        assertThat(place.read(KEY, 16, Integer.BYTES)).isEqualTo(0x55667788L);
        assertThat(place.read(KEY, 20, Integer.BYTES)).isEqualTo(0x11223344L);
    }

    @Test
    void anotherPageIsNotTakenForIt() {
        load(OTHER, 5, true);
        assertThat(read(KEY)).isEqualTo(PageCache.ABSENT);
        assertThat(read(OTHER)).isEqualTo(5);
    }

    @Test
    void aPageThatIsNotTrustedIsNotRead() {
        load(OTHER, 5, false);
        assertThat(read(OTHER)).isEqualTo(PageCache.ABSENT);
    }

    @Test
    void nothingIsReadWhileItIsReplaced() {
        place.beginReplacing(OTHER);
        assertThat(read(KEY)).isEqualTo(PageCache.ABSENT);
        assertThat(read(OTHER)).isEqualTo(PageCache.ABSENT);
    }

    /** Its memory holds another page, or part of this one; who has seen its key before the load failed may come late. */
    @Test
    void aPageThatCouldNotBeLoadedIsNotThere() {
        place.beginReplacing(OTHER);
        place.forget();
        place.endReplacing();
        assertThat(read(OTHER)).isEqualTo(PageCache.ABSENT);
        assertThat(read(KEY)).isEqualTo(PageCache.ABSENT);
        assertThat(read(0)).as("the key of no page").isEqualTo(PageCache.ABSENT);
        load(KEY, 6, true);
        assertThat(read(KEY)).isEqualTo(6);
    }
}
