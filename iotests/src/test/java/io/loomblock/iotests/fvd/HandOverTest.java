// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.NodeOptions;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.FvdReader;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Effect;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An image that stops being ours to write, or becomes ours again: what was flushed is never lost, however that ends. */
class HandOverTest {
    private static final int SIZE = 1 << 20;
    private static final int CHUNK = 65536;
    private static final byte[] BASE = Pattern.bytes(4, 0, SIZE / 2);

    private static void write(BlockDevice device, long offset, int length) throws BlockException {
        device.write(offset, ByteBuffer.wrap(Pattern.bytes(8, offset, length)));
    }

    private static void expectPattern(BlockDevice device, int offset, int length) throws Exception {
        byte[] expected = Pattern.bytes(8, offset, length);
        assertThat(Arrays.mismatch(Guest.read(device, offset, length), expected))
                .isEqualTo(-1);
    }

    /** The image goes on being written then, so that it must not say that it was closed in order. */
    @ParameterizedTest
    @ValueSource(strings = {"write-through", "buffered"})
    void anImageThatCouldNotBecomeReadOnlyLosesNothing(String mode) throws Exception {
        Predicate<Request> reads = Request.of(Kind.READ);
        Predicate<Request> writes = Request.of(Kind.WRITE);
        Predicate<Request> flushes = Request.of(Kind.FLUSH);
        for (Fault fault : List.of(
                Fault.once(reads),
                Fault.always(reads),
                Fault.once(writes),
                Fault.always(writes),
                Fault.once(flushes),
                Fault.always(flushes))) {
            int number = 0;
            while (failToBecomeReadOnly(mode, fault.at(number))) {
                number++;
            }
            assertThat(number).as("requests of the kind").isPositive();
        }
    }

    /** Whether there was such a request. */
    private static boolean failToBecomeReadOnly(String mode, Fault fault) throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, 4096, false), BASE);
        FaultDriver faulty = new FaultDriver(images.image());
        images.with(faulty, images.data());
        boolean flushed = false;
        MemoryDriver crashed;
        try (BlockDevice device = images.open(FvdImages.readWrite(mode))) {
            write(device, 1000, 100_000);
            device.flush();
            faulty.arm(fault);
            boolean failed = becomesReadOnly(device) != null;
            faulty.disarm();
            if (failed) {
                flushed = writesAndFlushes(device);
            }
            crashed = new MemoryDriver(images.image().snapshot());
        } catch (BlockException e) {
            // Of the close of an image that has been forbidden to write: it is as after a crash.
            crashed = new MemoryDriver(images.image().snapshot());
        }
        images.with(crashed, images.data());
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            expectPattern(device, 1000, 100_000);
            if (flushed) {
                expectPattern(device, 300_000, 100_000);
            }
        } catch (AssertionError e) {
            throw new AssertionError(fault + ": " + e.getMessage(), e);
        }
        return faulty.failures() > 0;
    }

    private static BlockException becomesReadOnly(BlockDevice device) {
        return catchThrowableOfType(BlockException.class, () -> device.node().reopen(false));
    }

    /** False if writes are refused by now. */
    private static boolean writesAndFlushes(BlockDevice device) {
        BlockException refused = catchThrowableOfType(BlockException.class, () -> {
            write(device, 300_000, 100_000);
            device.flush();
        });
        assertThat(refused == null || refused.errno() == Errno.EIO).isTrue();
        return refused == null;
    }

    /** Its mark is all that tells the other process that nothing is missing. */
    @Test
    void anImageWithoutAJournalIsHandedOverAndTakenBack() throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, -1, false), BASE);
        try (BlockDevice source = images.open(FvdImages.readWrite());
                BlockDevice destination = images.open(FvdImages.readWrite().withInactive(true))) {
            write(source, 1000, 100_000);
            source.inactivate();
            assertThat(images.read().isClean()).isTrue();
            expectPattern(source, 1000, 100_000);
            destination.invalidateCache(true);
            assertThat(images.read().isClean()).isFalse();
            expectPattern(destination, 1000, 100_000);
            write(destination, 300_000, 100_000);
            destination.inactivate();
            source.invalidateCache(true);
            expectPattern(source, 300_000, 100_000);
            write(source, 500_000, 100_000);
        }
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            expectPattern(device, 1000, 100_000);
            expectPattern(device, 300_000, 100_000);
            expectPattern(device, 500_000, 100_000);
        }
    }

    @Test
    void anImageWithoutAJournalIsReadAnewWhenNothingWaits() throws Exception {
        FvdImages images = new FvdImages(new Shape(1, SIZE, CHUNK, 0, -1, false), new byte[0]);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            write(device, 0, 16384);
            BlockException refused = catchThrowableOfType(BlockException.class, () -> device.invalidateCache(true));
            assertThat(refused.errno()).isEqualTo(Errno.EBUSY);
            device.flush();
            device.invalidateCache(true);
            expectPattern(device, 0, 16384);
            write(device, 16384, 16384);
            expectPattern(device, 16384, 16384);
        }
    }

    /** What no journal tells of is in the bitmap by then, and the next owner has nothing to recover. */
    @ParameterizedTest
    @ValueSource(strings = {"write-through", "buffered"})
    void copiesAreHandedOverToo(String mode) throws Exception {
        Shape shape = new Shape(2, SIZE, CHUNK, 16384, 8192, false);
        FvdImages images = new FvdImages(shape, BASE, shape.options().with("copy_on_read", "on"));
        FakeTimers timers = new FakeTimers();
        byte[] expected = Arrays.copyOf(BASE, SIZE);
        try (BlockDevice source = images.open(FvdImages.readWrite(mode).withTimers(timers))) {
            Guest.read(source, 0, 16384);
            timers.advance(Duration.ZERO);
            Guest.read(source, 32768, 16384);
            write(source, 300_000, 100_000);
            System.arraycopy(Pattern.bytes(8, 300_000, 100_000), 0, expected, 300_000, 100_000);
            source.inactivate();
            FvdReader handedOver = images.expectSound(expected);
            assertThat(handedOver.has(0)).isTrue();
            assertThat(handedOver.has(16384)).isFalse();
            assertThat(handedOver.has(32768)).as("waited to be stored").isTrue();
            assertThat(Guest.read(source, 0, SIZE)).isEqualTo(expected);
        }
        images.expectSound(expected);
    }

    @Test
    void anImageThatCannotBeCompletedIsNotHandedOver() throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, 8192, false), BASE);
        FaultDriver faulty = new FaultDriver(images.image());
        images.with(faulty, images.data());
        BlockDevice source = images.open(FvdImages.readWrite("write-through"));
        write(source, 0, 4096);
        source.flush();
        faulty.arm(Fault.always(Request.of(Kind.WRITE)));
        BlockException failed = catchThrowableOfType(BlockException.class, source::inactivate);
        assertThat(failed.errno()).isEqualTo(Errno.EIO);
        faulty.disarm();
        assertThat(images.read().isClean()).isFalse();
        expectPattern(source, 0, 4096);
        assertThat(catchThrowableOfType(BlockException.class, source::close))
                .as("it is not written to any more, and so not closed in order")
                .isNotNull();
        try (BlockDevice again = images.open(FvdImages.readWrite())) {
            expectPattern(again, 0, 4096);
        }
    }

    /** The driver above has completed it by then, to write no more. */
    @ParameterizedTest
    @ValueSource(strings = {"inactivate", "prepareInvalidation", "invalidateCache"})
    void anImageWhoseDataFileCannotBeHandedOverIsTakenBack(String step) throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, 8192, true), BASE);
        AtomicReference<String> failing = new AtomicReference<>("");
        images.with(images.image(), failingOnce(images.data(), failing));
        try (BlockDevice source = images.open(FvdImages.readWrite())) {
            write(source, 1000, 100_000);
            failing.set(step);
            BlockException failed = catchThrowableOfType(BlockException.class, source::inactivate);
            assertThat(failed.errno()).isEqualTo(Errno.EIO);
            assertThat(failed).hasNoSuppressedExceptions();
            assertThat(images.read().isClean()).isFalse();
            expectPattern(source, 1000, 100_000);
            write(source, 300_000, 100_000);
            source.inactivate();
            assertThat(images.read().isClean()).isTrue();
            source.invalidateCache(true);
            write(source, 500_000, 100_000);
        }
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            expectPattern(device, 1000, 100_000);
            expectPattern(device, 300_000, 100_000);
            expectPattern(device, 500_000, 100_000);
        }
    }

    /** A driver whose next step of this name fails. */
    private static BlockDriver failingOnce(BlockDriver below, AtomicReference<String> failing) {
        return new ForwardingDriver(below) {
            private void pass(String step) throws BlockException {
                if (failing.get().equals(step)) {
                    failing.set("");
                    throw new BlockException(Errno.EIO);
                }
            }

            @Override
            public void inactivate() throws BlockException {
                pass("inactivate");
                super.inactivate();
            }

            @Override
            public void prepareInvalidation() throws BlockException {
                pass("prepareInvalidation");
                super.prepareInvalidation();
            }

            @Override
            public void invalidateCache(boolean activate) throws BlockException {
                pass("invalidateCache");
                super.invalidateCache(activate);
            }
        };
    }

    /** As QED's: unusable until it can be read. */
    @ParameterizedTest
    @ValueSource(longs = {-1, 8192})
    void anInvalidationThatFailedMayBeRepeated(long journal) throws Exception {
        for (Predicate<Request> kind : List.of(Request.of(Kind.READ), Request.of(Kind.WRITE))) {
            int number = 0;
            while (failToInvalidate(journal, Fault.once(kind).at(number))) {
                number++;
            }
            assertThat(number).isPositive();
            failToInvalidate(journal, Fault.always(kind));
        }
    }

    private static boolean failToInvalidate(long journal, Fault fault) throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, journal, false), BASE);
        FaultDriver faulty = new FaultDriver(images.image());
        images.with(faulty, images.data());
        boolean failed;
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            write(device, 1000, 100_000);
            device.flush();
            device.inactivate();
            faulty.arm(fault);
            BlockException failure = catchThrowableOfType(BlockException.class, () -> device.invalidateCache(true));
            failed = failure != null;
            faulty.disarm();
            if (failed) {
                assertThat(failure.reason()).startsWith("Could not reopen fvd layer");
                assertThat(catchThrowableOfType(BlockException.class, () -> Guest.read(device, 0, 512))
                                .errno())
                        .isEqualTo(Errno.EIO);
                device.invalidateCache(true);
            }
            expectPattern(device, 1000, 100_000);
            write(device, 300_000, 100_000);
        } catch (AssertionError | BlockException e) {
            throw new AssertionError(fault + ": " + e.getMessage(), e);
        }
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            expectPattern(device, 1000, 100_000);
            expectPattern(device, 300_000, 100_000);
        }
        return failed;
    }

    /**
     * Nobody could tell that such an image lacks nothing if it stayed marked as not closed in order: it would open with force only. The mark
     * may have reached the file although its write failed, and the file is cut, of what is behind the image, after it was written.
     */
    @Test
    void anImageWithoutAJournalThatCouldNotBecomeWritableLacksNothing() throws Exception {
        Fault write = Fault.once(Request.of(Kind.WRITE));
        for (Fault fault : List.of(
                Fault.once(Request.of(Kind.READ)),
                write,
                write.with(Effect.ALL),
                Fault.once(Request.of(Kind.TRUNCATE)))) {
            int number = 0;
            while (failToBecomeWritable(fault.at(number))) {
                number++;
            }
            assertThat(number).as("%s", fault).isPositive();
        }
    }

    /** Nobody knows what is in the file then: it does not say that nothing is missing, whatever was there before. */
    @Test
    void afterAFlushThatFailedNothingSaysThatAnImageWasClosedInOrder() throws Exception {
        int number = 0;
        while (failToBecomeWritable(Fault.once(Request.of(Kind.FLUSH)).at(number))) {
            number++;
        }
        assertThat(number).isPositive();
    }

    private static boolean failToBecomeWritable(Fault fault) throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, -1, false), BASE);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            write(device, 1000, 100_000);
        }
        // Somebody has left bytes behind the image, so that more is done when it is opened than to mark it.
        SparseBytes longer = images.image().snapshot();
        longer.write(longer.length() + 3 * CHUNK, new byte[] {1}, 0, 1);
        MemoryDriver file = new MemoryDriver(longer);
        FaultDriver faulty = new FaultDriver(file);
        images.with(faulty, images.data());
        boolean flushFails = fault.which().test(new Request(Kind.FLUSH, 0, 0));
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            faulty.arm(fault);
            BlockException failed = catchThrowableOfType(
                    BlockException.class, () -> device.node().reopen(true));
            faulty.disarm();
            expectPattern(device, 1000, 100_000);
            if (failed == null) {
                return false;
            }
        }
        boolean clean = new FvdReader(file.snapshot().toByteArray()).isClean();
        assertThat(clean).as("%s", fault).isEqualTo(!flushFails);
        NodeOptions force = NodeOptions.of(Map.of("force", flushFails ? "on" : "off"));
        try (BlockDevice device = images.open(FvdImages.readWrite().withNodeOptions(force))) {
            expectPattern(device, 1000, 100_000);
        } catch (BlockException e) {
            throw new AssertionError(fault + ": " + e.getMessage(), e);
        }
        return true;
    }

    /** The last that is looked at, when everything else is done, is how long the file with the data is. */
    @Test
    void anImageWhoseDataCannotBeMeasuredLacksNothing() throws Exception {
        int number = 0;
        while (failToMeasure(number)) {
            number++;
        }
        assertThat(number).isPositive();
    }

    /** Whether the length was asked for so often. */
    private static boolean failToMeasure(int number) throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, -1, true), BASE);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            write(device, 1000, 100_000);
        }
        AtomicInteger left = new AtomicInteger(Integer.MAX_VALUE);
        images.with(images.image(), failingToMeasure(images.data(), left));
        boolean failed;
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            left.set(number);
            failed = catchThrowableOfType(
                            BlockException.class, () -> device.node().reopen(true))
                    != null;
            left.set(Integer.MAX_VALUE);
        }
        assertThat(images.read().isClean()).as("length %d", number).isTrue();
        return failed;
    }

    /** A driver that does not know its length once it was asked so often. */
    private static BlockDriver failingToMeasure(BlockDriver below, AtomicInteger left) {
        return new ForwardingDriver(below) {
            @Override
            public long length() throws BlockException {
                if (left.getAndDecrement() == 0) {
                    throw new BlockException(Errno.EIO);
                }
                return super.length();
            }
        };
    }

    /** Its mark is all that tells so: if it was gone, neither this process nor another one could take the image over any more. */
    @Test
    void anImageWithoutAJournalThatCouldNotBeTakenOverLacksNothing() throws Exception {
        int number = 0;
        while (failToTakeOver(number)) {
            number++;
        }
        assertThat(number).isPositive();
    }

    /** Whether the length was asked for so often. */
    private static boolean failToTakeOver(int number) throws Exception {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 16384, -1, true), BASE);
        AtomicInteger left = new AtomicInteger(Integer.MAX_VALUE);
        images.with(images.image(), failingToMeasure(images.data(), left));
        BlockException failed;
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            write(device, 1000, 100_000);
            device.inactivate();
            left.set(number);
            failed = catchThrowableOfType(BlockException.class, () -> device.invalidateCache(true));
            left.set(Integer.MAX_VALUE);
            if (failed != null) {
                assertThat(images.read().isClean()).as("length %d", number).isTrue();
                device.invalidateCache(true);
            }
            expectPattern(device, 1000, 100_000);
            write(device, 300_000, 100_000);
        }
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            expectPattern(device, 1000, 100_000);
            expectPattern(device, 300_000, 100_000);
        }
        return failed != null;
    }
}
