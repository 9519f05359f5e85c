// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BackgroundTest {
    private final Background background = new Background();
    private final List<String> lines = new ArrayList<>();

    @Test
    void awaitReturnsAfterEveryRequestHasReported() {
        CountDownLatch bothRun = new CountDownLatch(2);
        background.inTurn(() -> {
            for (int i = 0; i < 2; i++) {
                background.start(() -> {
                    bothRun.countDown();
                    awaitLatch(bothRun);
                    return () -> lines.add("done");
                });
            }
            lines.add("started");
            background.await();
            lines.add("quiet");
        });
        assertThat(lines).containsExactly("started", "done", "done", "quiet");
    }

    @Test
    void aReportWaitsForItsTurn() {
        CountDownLatch performed = new CountDownLatch(1);
        background.inTurn(() -> {
            background.start(() -> {
                performed.countDown();
                return () -> lines.add("report");
            });
            awaitLatch(performed);
            lines.add("command");
            background.await();
        });
        assertThat(lines).containsExactly("command", "report");
    }

    @Test
    void pauseGivesTheTurnAway() {
        CountDownLatch reported = new CountDownLatch(1);
        background.inTurn(() -> {
            background.start(() -> () -> {
                lines.add("report");
                reported.countDown();
            });
            while (reported.getCount() > 0) {
                background.pause(1);
            }
            lines.add("command");
        });
        assertThat(lines).containsExactly("report", "command");
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
