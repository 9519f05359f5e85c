// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.testkit.Waits;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who takes part in a benchmark's parts: here the test's own thread does in each, and two others when they are called. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BenchCrewTest {
    private final AtomicInteger begun = new AtomicInteger();
    private final BenchCrew crew = new BenchCrew(3, () -> begun.incrementAndGet() < 3);
    /** What those were told who have come back from waiting. */
    private final LinkedBlockingQueue<Boolean> answers = new LinkedBlockingQueue<>();

    @Test
    void othersTakePartWhenTheyAreCalledAndNotBefore() throws InterruptedException {
        Thread first = leave();
        Thread second = leave();
        assertThat(crew.awaitNextPart()).isTrue();
        assertThat(begun).hasValue(1);
        assertThat(answers).isEmpty();

        crew.callAnother();
        assertThat(answers.take()).isTrue();
        second.join();
        assertThat(first.isAlive()).isTrue();

        crew.callAnother();
        assertThat(answers.take()).isTrue();
        first.join();
    }

    @Test
    void aPartEndsWithTheLastOfThoseWhoWereCalled() throws InterruptedException {
        leave();
        leave();
        assertThat(crew.awaitNextPart()).isTrue();
        crew.callAnother();
        assertThat(answers.take()).isTrue();

        leave();
        assertThat(begun).hasValue(1);
        assertThat(crew.awaitNextPart()).isTrue();
        assertThat(begun).hasValue(2);
    }

    @Test
    void theEndIsToldToAll() throws InterruptedException {
        Thread first = leave();
        Thread second = leave();
        assertThat(crew.awaitNextPart()).isTrue();
        assertThat(crew.awaitNextPart()).isTrue();
        assertThat(crew.awaitNextPart()).isFalse();
        assertThat(answers.take()).isFalse();
        assertThat(answers.take()).isFalse();
        first.join();
        second.join();
    }

    @Test
    void anInterruptDoesNotEndTheWaitAndIsNotForgotten() throws InterruptedException {
        Thread interrupted = Thread.ofVirtual().start(() -> {
            Thread.currentThread().interrupt();
            answers.add(crew.awaitNextPart() && Thread.interrupted());
        });
        Waits.untilParked(interrupted);
        leave();
        assertThat(crew.awaitNextPart()).isTrue();
        assertThat(answers).isEmpty();
        crew.callAnother();
        assertThat(answers.take()).isTrue();
        crew.callAnother();
        assertThat(answers.take()).isTrue();
        interrupted.join();
    }

    /** Another thread is through with its part, and waits. */
    private Thread leave() {
        Thread thread = Thread.ofVirtual().start(() -> answers.add(crew.awaitNextPart()));
        Waits.untilParked(thread);
        return thread;
    }
}
