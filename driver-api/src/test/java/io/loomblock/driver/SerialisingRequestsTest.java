// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.TestImages;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A serialising request waits for all that overlap it, and they for it; requests elsewhere go on. A change made alone waits for all. */
@Timeout(60)
class SerialisingRequestsTest {
    private static final int K4 = 4096;

    private final BlockingDriver driver = new BlockingDriver(new MemoryDriver());
    private final AlignedBuffer memory = buffer();
    private Node node;

    private static AlignedBuffer buffer() {
        try {
            return AlignedBuffer.allocate(K4);
        } catch (BlockException e) {
            throw new AssertionError(e);
        }
    }

    @BeforeEach
    void open() throws BlockException {
        node = TestImages.node("disk", driver, OpenOptions.readWrite());
    }

    @AfterEach
    void close() throws BlockException {
        node.close();
    }

    private CompletableFuture<Void> write(long offset, int flags) {
        return start(() -> node.coWritev(offset, K4, IoVector.of(memory), 0, flags));
    }

    private CompletableFuture<Void> read(long offset) {
        return start(() -> node.coReadv(offset, IoVector.of(memory)));
    }

    private static CompletableFuture<Void> start(BlockAction request) {
        CompletableFuture<Void> result = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                request.run();
                result.complete(null);
            } catch (BlockException | RuntimeException e) {
                result.completeExceptionally(e);
            }
        });
        return result;
    }

    private static void expectDone(CompletableFuture<Void> request) throws Exception {
        request.get(30, TimeUnit.SECONDS);
    }

    /** Gives a request that should wait the time to show that it does not. */
    private static void expectWaiting(CompletableFuture<Void> request) throws Exception {
        assertThatThrownBy(() -> request.get(50, TimeUnit.MILLISECONDS))
                .isInstanceOf(java.util.concurrent.TimeoutException.class);
    }

    @Test
    void overlappingRequestsWaitForIt() throws Exception {
        try (BlockingDriver.Hold hold = driver.hold(request -> request.offset() == 0)) {
            CompletableFuture<Void> serialising = write(0, RequestFlags.SERIALISING);
            hold.awaitHeld();
            CompletableFuture<Void> reader = read(K4 / 2);
            CompletableFuture<Void> writer = write(K4 - 1, 0);
            expectDone(write(K4, 0));
            expectDone(read(10 * K4));
            expectWaiting(reader);
            expectWaiting(writer);
            hold.release();
            expectDone(serialising);
            expectDone(reader);
            expectDone(writer);
        }
    }

    @Test
    void itWaitsForRequestsThatOverlapIt() throws Exception {
        // The first one makes the node take notice of ranges.
        expectDone(write(100 * K4, RequestFlags.SERIALISING));
        try (BlockingDriver.Hold hold = driver.hold(request -> request.offset() == 0)) {
            CompletableFuture<Void> plain = write(0, 0);
            hold.awaitHeld();
            CompletableFuture<Void> serialising = write(K4 / 2, RequestFlags.SERIALISING);
            expectDone(write(2 * K4, RequestFlags.SERIALISING));
            expectWaiting(serialising);
            hold.release();
            expectDone(plain);
            expectDone(serialising);
        }
    }

    @Test
    void theFirstOneWaitsForAllThatCameBeforeItAndNobodyIsLost() throws Exception {
        try (BlockingDriver.Hold hold = driver.hold(request -> request.offset() == 0)) {
            CompletableFuture<Void> plain = write(0, 0);
            hold.awaitHeld();
            CompletableFuture<Void> serialising = write(K4 / 2, RequestFlags.SERIALISING);
            expectWaiting(serialising);
            hold.release();
            expectDone(plain);
            expectDone(serialising);
        }
    }

    @Test
    void aChangeMadeAloneWaitsForThoseInsideAndKeepsOthersOut() throws Exception {
        CompletableFuture<Void> changed = new CompletableFuture<>();
        CompletableFuture<Void> mayEnd = new CompletableFuture<>();
        CompletableFuture<Void> change;
        try (BlockingDriver.Hold hold = driver.hold(request -> request.offset() == 0)) {
            CompletableFuture<Void> before = write(0, 0);
            hold.awaitHeld();
            change = start(() -> node.alone(() -> {
                changed.complete(null);
                mayEnd.join();
            }));
            expectWaiting(changed);
            hold.release();
            expectDone(before);
        }
        expectDone(changed);
        CompletableFuture<Void> after = write(K4, 0);
        expectWaiting(after);
        mayEnd.complete(null);
        expectDone(change);
        expectDone(after);
    }

    @Test
    void plainRequestsDoNotWaitForOneAnother() throws Exception {
        expectDone(write(100 * K4, RequestFlags.SERIALISING));
        try (BlockingDriver.Hold hold = driver.hold(request -> request.offset() == 0)) {
            CompletableFuture<Void> first = write(0, 0);
            hold.awaitHeld();
            expectDone(write(K4 / 2, 0));
            expectDone(read(K4 / 2));
            hold.release();
            expectDone(first);
        }
    }

    @Test
    void oneThatMayNotWaitFailsInstead() throws Exception {
        expectDone(write(100 * K4, RequestFlags.SERIALISING));
        try (BlockingDriver.Hold hold = driver.hold(request -> request.offset() == 0)) {
            CompletableFuture<Void> plain = write(0, 0);
            hold.awaitHeld();
            int flags = RequestFlags.SERIALISING | RequestFlags.NO_WAIT;
            assertThatThrownBy(() -> node.coWritev(K4 / 2, K4, IoVector.of(memory), 0, flags))
                    .isInstanceOfSatisfying(
                            BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EAGAIN));
            node.coWritev(K4, K4, IoVector.of(memory), 0, flags);
            hold.release();
            expectDone(plain);
            node.coWritev(K4 / 2, K4, IoVector.of(memory), 0, flags);
        }
    }
}
