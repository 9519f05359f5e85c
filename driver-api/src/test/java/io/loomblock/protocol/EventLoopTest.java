// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What fails between the ends of requests ends nothing but itself. */
@Timeout(60)
class EventLoopTest {
    private static final int LAST = -1;

    private final Queue<List<Integer>> told = new ArrayDeque<>();
    private final List<Integer> woken = new ArrayList<>();
    private int pauses;
    private int asks;

    private final class Script implements EventLoop.Events {
        private List<Integer> current = List.of();

        /** An empty list is a failure. */
        @Override
        public int await() {
            asks++;
            current = told.remove();
            if (current.isEmpty()) {
                throw new IllegalStateException("io_getevents: EINVAL");
            }
            return current.size();
        }

        /** 1, 3 and 5 cannot be woken. */
        @Override
        public boolean end(int place) {
            int number = current.get(place);
            if (number == 3) {
                throw new RejectedExecutionException();
            }
            if (number == 1 || number == 5) {
                throw new OutOfMemoryError("no such thread");
            }
            woken.add(number);
            return number == LAST;
        }
    }

    private void run() {
        new EventLoop(new Script(), () -> pauses++).run();
    }

    @Test
    void theLastOneEndsItAfterThoseThatCameWithIt() {
        told.add(List.of(0, 2));
        told.add(List.of(LAST, 4));
        told.add(List.of(6));
        run();
        assertThat(woken).containsExactly(0, 2, LAST, 4);
        assertThat(told).hasSize(1);
    }

    @Test
    void whoCannotBeWokenKeepsNobodyElseWaiting() {
        told.add(List.of(0, 1, 2, 3, 4));
        told.add(List.of(5, 6, LAST));
        run();
        assertThat(woken).containsExactly(0, 2, 4, 6, LAST);
    }

    @Test
    void whereEndsCannotBeAskedForThatIsTriedAgainAfterAPause() {
        told.add(List.of());
        told.add(List.of());
        told.add(List.of(2));
        told.add(List.of());
        told.add(List.of(LAST));
        run();
        assertThat(woken).containsExactly(2, LAST);
        assertThat(asks).isEqualTo(5);
        assertThat(pauses).isEqualTo(3);
    }
}
