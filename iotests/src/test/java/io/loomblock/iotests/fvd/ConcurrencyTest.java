// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.BlockingDriver.Hold;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that meet: which wait for one another, and that nobody's data is lost. */
class ConcurrencyTest {
    private static final int SIZE = 1 << 20;
    private static final int BLOCK = 65536;
    private static final byte[] BASE = Pattern.bytes(3, 0, SIZE);

    private FvdImages images;
    private BlockingDriver image;
    private BlockingDriver data;

    private BlockDevice open(Shape shape, String mode) throws BlockException {
        return open(shape, mode, new FakeTimers());
    }

    private BlockDevice open(Shape shape, String mode, FakeTimers timers) throws BlockException {
        images = new FvdImages(shape, shape.blockSize() > 0 ? BASE : new byte[0]);
        image = new BlockingDriver(images.image());
        data = new BlockingDriver(images.data());
        images.with(image, data);
        return images.open(FvdImages.readWrite(mode).withTimers(timers));
    }

    private static void write(BlockDevice device, int id, long offset, int length) throws BlockException {
        device.write(offset, ByteBuffer.wrap(Pattern.bytes(id, offset, length)));
    }

    private static Predicate<Request> writes(long start, long end) {
        return Request.of(Kind.WRITE, start, end);
    }

    /** E2: the program copied base data over what the first of the two had acknowledged. */
    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"write-through", "buffered"})
    void aPartialWriteNeverCopiesOverAWholeBlockInFlight(String mode) throws Exception {
        try (BlockDevice device = open(new Shape(2, SIZE, 0, BLOCK, 8192, true), mode)) {
            try (Hold hold = data.hold(writes(0, BLOCK))) {
                Call whole = Call.of(() -> write(device, 1, 0, BLOCK));
                hold.awaitHeld();
                Call part = Call.thatWaits(() -> write(device, 2, 4096, 4096));
                hold.release();
                whole.join();
                part.join();
            }
            byte[] expected = Pattern.bytes(1, 0, BLOCK);
            System.arraycopy(Pattern.bytes(2, 4096, 4096), 0, expected, 4096, 4096);
            assertThat(Guest.read(device, 0, BLOCK)).isEqualTo(expected);
        }
    }

    /** E3: the program woke the last one first. */
    @Test
    void writesToOneBlockAreServedInTheOrderInWhichTheyCame() throws Exception {
        try (BlockDevice device = open(new Shape(2, SIZE, 0, BLOCK, 8192, true), "write-through")) {
            Call[] calls = new Call[5];
            try (Hold hold = data.hold(writes(0, BLOCK))) {
                calls[0] = Call.of(() -> write(device, 1, 0, BLOCK));
                hold.awaitHeld();
                for (int i = 1; i < calls.length; i++) {
                    int id = i + 1;
                    calls[i] = Call.thatWaits(() -> write(device, id, 512, 1024));
                }
            }
            for (Call call : calls) {
                call.join();
            }
            assertThat(Guest.read(device, 512, 1024)).isEqualTo(Pattern.bytes(calls.length, 512, 1024));
        }
    }

    /** F34: what others take while the file grows is not missing afterwards. */
    @Test
    void storageThatIsTakenWhileItGrowsIsGrownAgain() throws Exception {
        Shape shape = new Shape(2, SIZE, BLOCK, 0, 8192, true);
        images = new FvdImages(shape, new byte[0]);
        AtomicReference<BlockDevice> opened = new AtomicReference<>();
        images.with(images.image(), new ForwardingDriver(images.data()) {
            private boolean first = true;

            @Override
            public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
                BlockDevice device = opened.get();
                if (device != null && first) {
                    first = false;
                    write(device, 2, 8L * BLOCK, 2 * BLOCK);
                }
                super.truncate(length, exact, preallocation);
            }
        });
        try (BlockDevice device = images.open(FvdImages.readWrite("buffered").withTimers(new FakeTimers()))) {
            // The file has room for three.
            write(device, 1, 0, BLOCK);
            opened.set(device);
            write(device, 3, BLOCK, 4 * BLOCK);
            assertThat(Guest.read(device, BLOCK, 4 * BLOCK)).isEqualTo(Pattern.bytes(3, BLOCK, 4 * BLOCK));
            assertThat(Guest.read(device, 8L * BLOCK, 2 * BLOCK)).isEqualTo(Pattern.bytes(2, 8L * BLOCK, 2 * BLOCK));
        }
    }

    @Test
    void aWriteThatIsHeldUpHoldsUpNoOtherBlockNorRead() throws Exception {
        try (BlockDevice device = open(new Shape(2, SIZE, BLOCK, BLOCK, 8192, true), "write-through")) {
            write(device, 1, 4L * BLOCK, BLOCK);
            try (Hold hold = data.hold(Request.of(Kind.WRITE))) {
                Call held = Call.of(() -> write(device, 2, 0, BLOCK));
                hold.awaitHeld();
                write(device, 3, BLOCK, 512);
                write(device, 4, 4L * BLOCK, 512);
                assertThat(Guest.read(device, 0, BLOCK)).isEqualTo(Arrays.copyOf(BASE, BLOCK));
                assertThat(Guest.read(device, BLOCK, 512)).isEqualTo(Pattern.bytes(3, BLOCK, 512));
                assertThat(held.isRunning()).isTrue();
                hold.release();
                held.join();
            }
            assertThat(Guest.read(device, 0, BLOCK)).isEqualTo(Pattern.bytes(2, 0, BLOCK));
        }
    }

    /** F51: it leaves, and what it waited for is written all the same. */
    @Test
    void aFlushThatIsInterruptedLeavesItsRecordsInLine() throws Exception {
        FakeTimers timers = new FakeTimers();
        try (BlockDevice device = open(new Shape(2, SIZE, BLOCK, BLOCK, 8192, true), "buffered", timers)) {
            write(device, 1, 0, BLOCK);
            Call flush;
            try (Hold hold = image.hold(Request.of(Kind.WRITE))) {
                Call timer = Call.of(() -> timers.advance(Duration.ofSeconds(1)));
                hold.awaitHeld();
                write(device, 2, BLOCK, BLOCK);
                flush = Call.thatWaits(device::flush);
                flush.thread().interrupt();
                assertThatThrownBy(flush::join)
                        .isInstanceOfSatisfying(
                                BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINTR));
                hold.release();
                timer.join();
            }
            timers.advance(Duration.ZERO);
            assertThat(images.read().has(BLOCK)).as("written behind the scenes").isTrue();
            write(device, 3, 2 * BLOCK, BLOCK);
            device.flush();
            assertThat(images.read().has(2 * BLOCK)).isTrue();
        }
    }

    /** A write that has stored its data is not given up because somebody does not want to wait for its record any more. */
    @Test
    void anInterruptDoesNotEndAWriteThatLogs() throws Exception {
        try (BlockDevice device = open(new Shape(2, SIZE, BLOCK, BLOCK, 8192, true), "write-through")) {
            Call write;
            try (Hold hold = data.hold(Request.of(Kind.FLUSH))) {
                write = Call.of(() -> write(device, 1, 0, BLOCK));
                hold.awaitHeld();
                Call second = Call.thatWaits(() -> write(device, 2, BLOCK, BLOCK));
                second.thread().interrupt();
                hold.release();
                second.join();
            }
            write.join();
            write(device, 3, 512, 512);
        }
        assertThat(images.read().problems()).isEmpty();
    }

    /** F25: the second finds the chunk that the first has taken, and both log it. */
    @Test
    void twoWritesToOneNewChunkShareIt() throws Exception {
        try (BlockDevice device = open(new Shape(2, SIZE, BLOCK, 0, 8192, true), "write-through")) {
            try (Hold hold = data.hold(Request.of(Kind.WRITE))) {
                Call first = Call.of(() -> write(device, 1, 0, 512));
                hold.awaitHeld();
                write(device, 2, 1024, 512);
                hold.release();
                first.join();
            }
            assertThat(Guest.read(device, 0, 512)).isEqualTo(Pattern.bytes(1, 0, 512));
            assertThat(Guest.read(device, 1024, 512)).isEqualTo(Pattern.bytes(2, 1024, 512));
        }
        assertThat(images.read().chunks()).isEqualTo(1);
        assertThat(images.read().problems()).isEmpty();
    }

    /** F16: who finds no room waits until the records on their way are there; who comes later waits behind. */
    @Test
    void aFullJournalWaitsForTheRecordsOnTheirWay() throws Exception {
        try (BlockDevice device = open(new Shape(2, SIZE, 4096, 0, 4096, true), "write-through")) {
            for (int i = 0; i < 7; i++) {
                write(device, 1, 4096L * i, 512);
            }
            try (Hold hold = image.hold(Request.of(Kind.WRITE))) {
                Call last = Call.of(() -> write(device, 1, 4096L * 7, 512));
                hold.awaitHeld();
                Call recycler = Call.thatWaits(() -> write(device, 1, 4096L * 8, 512));
                Call behind = Call.thatWaits(() -> write(device, 1, 4096L * 9, 512));
                write(device, 1, 1024, 512);
                hold.release();
                last.join();
                recycler.join();
                behind.join();
            }
            for (int i = 0; i < 10; i++) {
                assertThat(Guest.read(device, 4096L * i, 512)).isEqualTo(Pattern.bytes(1, 4096L * i, 512));
            }
        }
        assertThat(images.read().problems()).isEmpty();
    }

    /** Memory that others hold, who may wait for this write: it needs none of theirs. */
    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void aJournalThatStartsAnewNeedsNoMemoryOfOthers(int layout) throws Exception {
        BufferPool pool = new BufferPool(6L << 20, 4L << 20);
        images = new FvdImages(new Shape(layout, SIZE, 4096, 0, 4096, false), new byte[0]);
        try (BlockDevice device =
                images.open(FvdImages.readWrite("write-through").withPool(pool))) {
            try (AlignedBuffer guest = AlignedBuffer.allocate(4096);
                    AlignedBuffer first = pool.acquireReserved(BufferPool.MAX_BUFFER);
                    AlignedBuffer second = pool.acquireReserved(BufferPool.MAX_BUFFER)) {
                assertThat(pool.outstanding()).as("%s %s", first, second).isEqualTo(2);
                for (int i = 0; i < 20; i++) {
                    guest.fill(0, 4096, (byte) i);
                    long at = i * 8192L;
                    Call.of(() -> device.node().coWritev(at, IoVector.of(guest)))
                            .join();
                }
            }
            assertThat(Guest.read(device, 19 * 8192, 1)).containsExactly(19);
        }
    }
}
