// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.KIB;
import static io.loomblock.iotests.ports.Requests.expectAtOnce;
import static io.loomblock.iotests.ports.Requests.writeAtOnce;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Breakpoints;
import io.loomblock.driver.DebugEvent;
import io.loomblock.testkit.Blkdebug;
import io.loomblock.testkit.TestImages;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A request is held at a breakpoint while others that overlap it, or do not, are made: orders that chance alone would rarely bring about. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HeldRequestsTest {
    private static final int BLOCK = 4 * KIB;

    @TempDir
    Path directory;

    /** A write on a thread of its own. */
    private record Started(Thread thread, CompletableFuture<Void> done) {
        static Started write(BlockDevice device, long offset, int length, int value) {
            CompletableFuture<Void> done = new CompletableFuture<>();
            Thread thread = Thread.startVirtualThread(() -> {
                try {
                    writeAtOnce(device, offset, length, value);
                    done.complete(null);
                } catch (BlockException | RuntimeException e) {
                    done.completeExceptionally(e);
                }
            });
            return new Started(thread, done);
        }

        /** Returns when the write waits for something. */
        Started awaitWaiting() {
            while (thread.getState() != Thread.State.WAITING) {
                assertThat(done).isNotDone();
                LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
            }
            return this;
        }

        void finish() throws Exception {
            done.get(30, TimeUnit.SECONDS);
        }
    }

    private static BlockDevice openRaw() throws BlockException {
        OpenOptions options = OpenOptions.readWrite().withFormat("raw");
        BlockDevice device = BlockDevice.openOn(
                Blkdebug.on(
                        "disk",
                        TestImages.create("raw", CreateOptions.ofSize(256 * KIB)),
                        options,
                        "align",
                        String.valueOf(BLOCK)),
                options);
        writeAtOnce(device, 0, 64 * KIB, 1);
        return device;
    }

    private static Breakpoints breakpoints(BlockDevice device) {
        Breakpoints found = Breakpoints.of(device.node());
        assertThat(found).isNotNull();
        return found;
    }

    /** Starts a write and returns when it has come to the event. */
    private static Started hold(BlockDevice device, DebugEvent event, long offset, int length, int value)
            throws BlockException {
        breakpoints(device).suspendAt(event, "A", () -> {});
        Started held = Started.write(device, offset, length, value);
        breakpoints(device).awaitSuspended("A");
        return held;
    }

    @ParameterizedTest
    @EnumSource(
            value = DebugEvent.class,
            names = {
                "PWRITEV_RMW_HEAD",
                "PWRITEV_RMW_AFTER_HEAD",
                "PWRITEV_RMW_TAIL",
                "PWRITEV_RMW_AFTER_TAIL",
                "PWRITEV_DONE"
            })
    @DisplayName("iotest 077: neighbours of a write that is held while it widens to blocks lose nothing")
    void iotest077NeighboursOfAHeldWrite(DebugEvent event) throws Exception {
        try (BlockDevice device = openRaw()) {
            Started a = hold(device, event, 5 * KIB, 12 * KIB, 0xa);
            Started before = Started.write(device, 4 * KIB, KIB, 0xb).awaitWaiting();
            Started behind = Started.write(device, 17 * KIB, KIB, 0xc).awaitWaiting();
            Started inside = Started.write(device, 6 * KIB, KIB, 0xd).awaitWaiting();
            writeAtOnce(device, 20 * KIB + 512, KIB, 0xe);
            assertThat(breakpoints(device).resume("A")).isTrue();
            for (Started one : new Started[] {a, before, behind, inside}) {
                one.finish();
            }
            expectAtOnce(device, 0, 4 * KIB, 1);
            expectAtOnce(device, 4 * KIB, KIB, 0xb);
            expectAtOnce(device, 5 * KIB, KIB, 0xa);
            expectAtOnce(device, 6 * KIB, KIB, 0xd);
            expectAtOnce(device, 7 * KIB, 10 * KIB, 0xa);
            expectAtOnce(device, 17 * KIB, KIB, 0xc);
            expectAtOnce(device, 18 * KIB, 2 * KIB + 512, 1);
            expectAtOnce(device, 20 * KIB + 512, KIB, 0xe);
            expectAtOnce(device, 21 * KIB + 512, KIB, 1);
        }
    }

    @Test
    @DisplayName("iotest 077: a chain of writes, each overlapping the next in a block, goes in order")
    void iotest077AChainOfOverlaps() throws Exception {
        try (BlockDevice device = openRaw()) {
            Started a = hold(device, DebugEvent.PWRITEV_RMW_AFTER_TAIL, 512, BLOCK, 0xa);
            Started b = Started.write(device, BLOCK + KIB, BLOCK, 0xb).awaitWaiting();
            Started c = Started.write(device, 2 * BLOCK + KIB + 512, BLOCK, 0xc).awaitWaiting();
            Started d = Started.write(device, 3 * BLOCK + 3 * KIB, 512, 0xd).awaitWaiting();
            writeAtOnce(device, 5 * BLOCK + 512, 512, 0xe);
            breakpoints(device).resume("A");
            for (Started one : new Started[] {a, b, c, d}) {
                one.finish();
            }
            expectAtOnce(device, 0, 512, 1);
            expectAtOnce(device, 512, BLOCK, 0xa);
            expectAtOnce(device, BLOCK + 512, 512, 1);
            expectAtOnce(device, BLOCK + KIB, BLOCK, 0xb);
            expectAtOnce(device, 2 * BLOCK + KIB, 512, 1);
            expectAtOnce(device, 2 * BLOCK + KIB + 512, BLOCK, 0xc);
            expectAtOnce(device, 3 * BLOCK + KIB + 512, KIB + 512, 1);
            expectAtOnce(device, 3 * BLOCK + 3 * KIB, 512, 0xd);
            expectAtOnce(device, 5 * BLOCK + 512, 512, 0xe);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "qed, READ_BACKING_AIO", "qed, COW_WRITE", "qed, WRITE_AIO",
        "add-cow, COW_READ", "add-cow, COW_WRITE", "add-cow, WRITE_AIO",
        "fvd, COW_READ", "fvd, COW_WRITE", "fvd, WRITE_AIO"
    })
    @DisplayName("iotest 046: writes into clusters that are being allocated wait, others do not")
    void iotest046WritesIntoClustersThatAreBeingAllocated(String format, DebugEvent event) throws Exception {
        PortImages raws = new PortImages(directory, "raw");
        PortImages overlays = new PortImages(directory, format);
        raws.create("base", 1024 * KIB);
        try (BlockDevice base = raws.open("base")) {
            writeAtOnce(base, 0, 1024 * KIB, 1);
        }
        overlays.createOver(raws, "base", "top", CreateOptions.ofSize(1024 * KIB));
        OpenOptions options = OpenOptions.readWrite().withFormat(format).withCache(CacheMode.UNSAFE);
        try (BlockDevice device = BlockDevice.open("blkdebug::" + overlays.path("top"), options)) {
            // Two clusters, the first and the last part of them from the backing file.
            Started a = hold(device, event, 32 * KIB, 64 * KIB, 0xa);
            Started before = Started.write(device, 0, 4 * KIB, 0xb).awaitWaiting();
            Started inside = Started.write(device, 40 * KIB, 4 * KIB, 0xc).awaitWaiting();
            Started behind = Started.write(device, 120 * KIB, 4 * KIB, 0xd).awaitWaiting();
            Started across = Started.write(device, 124 * KIB, 8 * KIB, 0xe).awaitWaiting();
            writeAtOnce(device, 256 * KIB + 512, 512, 0xf);
            expectAtOnce(device, 0, 128 * KIB, 1);
            breakpoints(device).resume("A");
            for (Started one : new Started[] {a, before, inside, behind, across}) {
                one.finish();
            }
            expectAtOnce(device, 0, 4 * KIB, 0xb);
            expectAtOnce(device, 4 * KIB, 28 * KIB, 1);
            expectAtOnce(device, 32 * KIB, 8 * KIB, 0xa);
            expectAtOnce(device, 40 * KIB, 4 * KIB, 0xc);
            expectAtOnce(device, 44 * KIB, 52 * KIB, 0xa);
            expectAtOnce(device, 96 * KIB, 24 * KIB, 1);
            expectAtOnce(device, 120 * KIB, 4 * KIB, 0xd);
            expectAtOnce(device, 124 * KIB, 8 * KIB, 0xe);
            expectAtOnce(device, 132 * KIB, 124 * KIB + 512, 1);
            expectAtOnce(device, 256 * KIB + 512, 512, 0xf);
            expectAtOnce(device, 257 * KIB, 767 * KIB, 1);
        }
        overlays.expectClean("top");
    }
}
