// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.driver.BlockDriver;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import io.loomblock.testkit.Waits;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Changes of an image as a whole: who hears of them, who may make them, what they wait for. */
@Timeout(60)
class WholeImageTest {
    private static final OpenOptions RAW = OpenOptions.readWrite().withFormat("raw");
    private static final int SIZE = 1 << 20;

    private final MemoryDriver memory = disk();

    private static MemoryDriver disk() {
        MemoryDriver memory = new MemoryDriver();
        memory.truncate(SIZE, true, PreallocationMode.OFF);
        return memory;
    }

    private static void assertErrno(Errno errno, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    private static void truncate(BlockDevice device, long length) throws BlockException {
        device.truncate(length, true, PreallocationMode.OFF);
    }

    @Test
    void listenersHearOfAnotherSizeWhileRequestsRunAgain() throws Exception {
        List<Long> sizes = new ArrayList<>();
        try (BlockDevice device = TestImages.open("disk", memory, RAW)) {
            Registration first = device.onResize(length -> {
                try {
                    device.write(0, ByteBuffer.allocate(1));
                    // Another change made from here is none inside of the first one.
                    if (length == 3L * SIZE) {
                        truncate(device, 2L * SIZE);
                    }
                } catch (BlockException e) {
                    throw new AssertionError(e);
                }
                sizes.add(length);
            });
            truncate(device, 3L * SIZE);
            assertThat(sizes).containsExactly(2L * SIZE, 3L * SIZE);
            truncate(device, 2L * SIZE);
            assertThat(sizes).as("the same size again").hasSize(2);
            first.close();
            truncate(device, SIZE);
            assertThat(sizes).hasSize(2);
        }
    }

    @Test
    void aSizeThatAnotherProcessHasChangedIsNewsToo() throws Exception {
        List<Long> sizes = new ArrayList<>();
        try (BlockDevice device = TestImages.open("disk", memory, RAW)) {
            device.onResize(sizes::add);
            device.invalidateCache(true);
            assertThat(sizes).isEmpty();
            SparseBytes longer = memory.snapshot();
            longer.truncate(2L * SIZE);
            memory.replace(longer);
            device.invalidateCache(true);
            assertThat(sizes).containsExactly(2L * SIZE);
        }
    }

    @Test
    void aClaimKeepsOthersFromChangingTheImage() throws Exception {
        try (BlockDevice device = TestImages.open("disk", memory, RAW)) {
            Claim claim = device.claim("mirror");
            for (ThrowingCallable change : List.<ThrowingCallable>of(
                    () -> truncate(device, 2L * SIZE),
                    () -> device.check(FixMode.ALL),
                    () -> device.changeBackingFile("x", "raw"),
                    device::makeEmpty,
                    () -> device.claim("stream"))) {
                assertErrno(Errno.EBUSY, change);
                assertThatThrownBy(change).hasMessage("block device is in use by mirror");
            }
            assertErrno(Errno.ENOTSUP, () -> device.check(FixMode.NONE));
            device.write(0, ByteBuffer.allocate(1));
            claim.truncate(2L * SIZE, true, PreallocationMode.OFF);
            assertThat(device.length()).isEqualTo(2L * SIZE);
            assertErrno(Errno.ENOTSUP, claim::makeEmpty);
            assertErrno(Errno.ENOTSUP, () -> claim.check(FixMode.ALL));
            assertErrno(Errno.ENOTSUP, () -> claim.changeBackingFile("x", "raw"));
            claim.close();
            assertErrno(Errno.EBUSY, () -> claim.truncate(SIZE, true, PreallocationMode.OFF));
            try (Claim other = device.claim("stream")) {
                claim.close();
                assertErrno(Errno.EBUSY, () -> truncate(device, SIZE));
                assertThat(other.user()).isEqualTo("stream");
            }
            truncate(device, SIZE);
        }
    }

    @Test
    void afterCloseNothingIsAnsweredFromMemory() throws Exception {
        BlockDevice device = TestImages.open("disk", memory, RAW);
        Claim claim = device.claim("job");
        device.close();
        assertErrno(Errno.EBADF, device::length);
        assertErrno(Errno.EBADF, device::info);
        assertErrno(Errno.EBADF, () -> truncate(device, 0));
        assertErrno(Errno.EBADF, () -> device.invalidateCache(true));
        assertErrno(Errno.EBADF, () -> device.claim("other"));
        assertErrno(Errno.EBADF, () -> claim.truncate(0, true, PreallocationMode.OFF));
        assertErrno(Errno.EBADF, () -> device.blockStatus(0, 1));
        claim.close();
        device.close();
    }

    @Test
    void drainedSectionsNestAndOverlapAndTheDriverSeesOne() throws Exception {
        List<String> calls = new CopyOnWriteArrayList<>();
        BlockDriver counting = new ForwardingDriver(memory) {
            @Override
            public void drainBegin() {
                calls.add("begin");
            }

            @Override
            public void drainEnd() {
                calls.add("end");
            }
        };
        try (BlockDevice device = BlockDevice.of(TestImages.node("disk", counting, RAW), RAW)) {
            BlockDevice.Drained outer = device.drain();
            BlockDevice.Drained inner = device.drain();
            Call write = Call.thatWaits(() -> device.write(0, ByteBuffer.allocate(1)));
            // The one that began first may end first.
            outer.close();
            assertThat(calls).containsExactly("begin");
            assertThat(write.isRunning()).isTrue();
            truncate(device, 2L * SIZE);
            assertThat(calls).containsExactly("begin");
            inner.close();
            assertThat(calls).containsExactly("begin", "end");
            write.join();
        }
    }

    @Test
    void aDrainWaitsForARequestBelowAndForNoneThatCameLater() throws Exception {
        BlockingDriver blocking = new BlockingDriver(memory);
        try (BlockDevice device = TestImages.open("disk", blocking, RAW)) {
            BlockingDriver.Hold hold = blocking.hold(Request.of(Kind.WRITE));
            Call first = Call.of(() -> device.write(0, ByteBuffer.allocate(1)));
            hold.awaitHeld();
            Call drain = Call.thatWaits(() -> device.drain().close());
            Call late = Call.thatWaits(() -> device.read(0, ByteBuffer.allocate(1)));
            assertThat(drain.isRunning()).isTrue();
            hold.release();
            first.join();
            drain.join();
            late.join();
        }
    }

    @Test
    void aRequestThatWaitsForADrainMayBeInterrupted() throws Exception {
        try (BlockDevice device = TestImages.open("disk", memory, RAW)) {
            try (BlockDevice.Drained drained = device.drain()) {
                Call write = Call.thatWaits(() -> device.write(0, ByteBuffer.allocate(1)));
                write.thread().interrupt();
                assertErrno(Errno.EINTR, write::join);
            }
            assertThat(device.highestWritten()).isZero();
            device.write(100, ByteBuffer.allocate(10));
            assertThat(device.highestWritten()).isEqualTo(110);
        }
    }

    @Test
    void closingInsideADrainedSectionTurnsWaitingRequestsAway() throws Exception {
        BlockDevice device = TestImages.open("disk", memory, RAW);
        BlockDevice.Drained drained = device.drain();
        Call write = Call.thatWaits(() -> device.write(0, ByteBuffer.allocate(1)));
        Call close = Call.of(device::close);
        assertErrno(Errno.EBADF, write::join);
        close.join();
        drained.close();
        Waits.until("closed", device::isClosed);
    }
}
