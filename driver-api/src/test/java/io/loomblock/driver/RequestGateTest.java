// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests pass an open gate together, wait at a shut one, and are turned away from a closed one. */
@Timeout(60)
class RequestGateTest {
    private final RequestGate gate = new RequestGate();

    private static Thread startAndAwaitWaiting(Runnable task) {
        Thread thread = Thread.ofVirtual().start(task);
        while (thread.getState() != Thread.State.WAITING) {
            assertThat(thread.getState()).isNotEqualTo(Thread.State.TERMINATED);
            Thread.onSpinWait();
        }
        return thread;
    }

    /** Passes once and tells how it went. */
    private Runnable pass(List<String> log) {
        return () -> {
            try {
                gate.exit(gate.enter());
                log.add("passed");
            } catch (BlockException e) {
                log.add(e.errno() + (Thread.currentThread().isInterrupted() ? " flag set" : ""));
            }
        };
    }

    @Test
    void shuttingWaitsForThoseInside() throws Exception {
        int stripe = gate.enter();
        AtomicBoolean shut = new AtomicBoolean();
        Thread shutting = startAndAwaitWaiting(() -> {
            gate.shut();
            shut.set(true);
        });
        assertThat(shut).isFalse();
        gate.exit(stripe);
        shutting.join();
        assertThat(shut).isTrue();
        gate.open();
    }

    @Test
    void sectionsNest() throws Exception {
        List<String> log = new ArrayList<>();
        gate.shut();
        gate.shut();
        Thread request = startAndAwaitWaiting(pass(log));
        gate.open();
        assertThat(request.getState()).isEqualTo(Thread.State.WAITING);
        assertThat(log).isEmpty();
        gate.open();
        request.join();
        assertThat(log).containsExactly("passed");
        assertThatThrownBy(gate::open).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aClosedGateTurnsAwayThoseWhoWaitAndThoseWhoCome() throws Exception {
        List<String> log = new ArrayList<>();
        gate.shut();
        Thread request = startAndAwaitWaiting(pass(log));
        assertThat(gate.close()).isTrue();
        request.join();
        pass(log).run();
        gate.open();
        pass(log).run();
        assertThat(log).containsExactly("EBADF", "EBADF", "EBADF");
        assertThat(gate.close()).as("only the first close counts").isFalse();
        assertThat(gate.isClosed()).isTrue();
    }

    @Test
    void closingWaitsForThoseInside() throws Exception {
        int stripe = gate.enter();
        Thread closing = startAndAwaitWaiting(gate::close);
        gate.exit(stripe);
        closing.join();
    }

    @Test
    void anInterruptEndsTheWait() throws Exception {
        List<String> log = new ArrayList<>();
        gate.shut();
        Thread request = startAndAwaitWaiting(pass(log));
        request.interrupt();
        request.join();
        assertThat(log).containsExactly("EINTR flag set");
        gate.open();
        pass(log).run();
        assertThat(log).endsWith("passed");
    }

    @Test
    void anInterruptThatCameBeforeFailsNothing() throws Exception {
        List<String> log = new ArrayList<>();
        gate.shut();
        Thread request = startAndAwaitWaiting(() -> {
            Thread.currentThread().interrupt();
            pass(log).run();
        });
        gate.open();
        request.join();
        assertThat(log).containsExactly("passed");
    }

    @Test
    void tryShutSucceedsOnlyWhenNobodyIsInside() throws Exception {
        int stripe = gate.enter();
        assertThat(gate.tryShut()).isFalse();
        gate.exit(gate.enter());
        gate.exit(stripe);
        assertThat(gate.tryShut()).isTrue();
        gate.open();
        gate.exit(gate.enter());
    }

    @Test
    void tryShutKeepsOutOfTheSectionsOfOthers() throws Exception {
        gate.shut();
        assertThat(gate.tryShut()).isFalse();
        gate.open();
        assertThat(gate.tryShut()).isTrue();
        assertThat(gate.tryShut()).isFalse();
        gate.open();
        gate.exit(gate.enter());
    }

    @Test
    void nobodyIsInsideWhileItIsShut() throws Exception {
        AtomicInteger inside = new AtomicInteger();
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                all.add(executor.submit(() -> {
                    for (int i = 0; i < 5000; i++) {
                        int stripe = gate.enter();
                        inside.incrementAndGet();
                        inside.decrementAndGet();
                        gate.exit(stripe);
                    }
                    return null;
                }));
            }
            for (int t = 0; t < 2; t++) {
                all.add(executor.submit(() -> {
                    for (int i = 0; i < 500; i++) {
                        gate.shut();
                        assertThat(inside.get()).isZero();
                        gate.open();
                    }
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get(50, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void theErrorsAreTheContracts() {
        gate.close();
        assertThatThrownBy(gate::enter)
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBADF));
    }
}
