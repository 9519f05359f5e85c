// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.testkit.FakeTimers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;

/** When a buffered journal writes: once for many records, at once for full buffers, and not while it is paused. */
class JournalScheduleTest {
    private static final Duration PERIOD = Duration.ofMillis(1000);

    private final FakeTimers timers = new FakeTimers();
    private final ReentrantLock lock = new ReentrantLock();
    private final List<String> done = new ArrayList<>();
    private final JournalSchedule schedule =
            new JournalSchedule(lock, timers, PERIOD.toMillis(), () -> work("all"), () -> work("full"));

    private void work(String what) {
        assertThat(lock.isLocked()).as("the work takes the lock itself").isFalse();
        done.add(what);
    }

    private void locked(Runnable call) {
        lock.lock();
        try {
            call.run();
        } finally {
            lock.unlock();
        }
    }

    @Test
    void manyRecordsAreWrittenOnceAPeriodAfterTheFirst() {
        locked(schedule::hasRecord);
        timers.advance(PERIOD.dividedBy(2));
        locked(schedule::hasRecord);
        assertThat(done).isEmpty();
        timers.advance(PERIOD.dividedBy(2));
        assertThat(done).containsExactly("all");
        locked(schedule::hasRecord);
        timers.advance(PERIOD);
        assertThat(done).containsExactly("all", "all");
    }

    @Test
    void fullBuffersAreWrittenAtOnceBySomebodyElse() {
        locked(schedule::hasFull);
        locked(schedule::hasFull);
        assertThat(timers.pending()).isEqualTo(1);
        timers.advance(Duration.ZERO);
        assertThat(done).containsExactly("full");
    }

    @Test
    void whoWasOnTheWayWhenAPauseBeganDoesNothing() {
        locked(schedule::hasFull);
        locked(schedule::hasRecord);
        locked(schedule::pause);
        locked(schedule::hasFull);
        locked(schedule::hasRecord);
        timers.advance(PERIOD.multipliedBy(2));
        assertThat(done).isEmpty();
        assertThat(timers.pending()).isZero();
    }

    @Test
    void whatWaitsAfterAPauseIsWrittenOnceItIsTold() {
        locked(schedule::hasFull);
        locked(schedule::pause);
        timers.advance(Duration.ZERO);
        locked(schedule::resume);
        locked(schedule::hasFull);
        locked(schedule::hasRecord);
        timers.advance(Duration.ZERO);
        assertThat(done).containsExactly("full");
        timers.advance(PERIOD);
        assertThat(done).containsExactly("full", "all");
    }

    @Test
    void aFailureEndsNothingButThatWork() {
        JournalSchedule.runOrWarn(() -> {
            throw new BlockException(Errno.EIO);
        });
        locked(schedule::hasRecord);
        timers.advance(PERIOD);
        assertThat(done).containsExactly("all");
    }
}
