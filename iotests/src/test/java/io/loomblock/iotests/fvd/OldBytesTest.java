// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.driver.BlockDriver;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.CrashStates;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.SparseBytes;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that hold bytes of another time where an image has not written yet: none of them reaches a guest (spec sections 9.3 and 16.2). */
class OldBytesTest {
    private static final int SIZE = 1 << 20;
    private static final int CHUNK = 65536;
    private static final byte[] OLD = Pattern.bytes(66, 0, 10 * CHUNK + 700);

    /** Writes a little into new chunks, twice; the rest of them is zero. */
    private static void expectZerosAround(FvdImages images) throws BlockException {
        byte[] expected = new byte[SIZE];
        for (int at : new int[] {3 * CHUNK, CHUNK + 512}) {
            try (BlockDevice device = images.open(FvdImages.readWrite())) {
                byte[] bytes = Pattern.bytes(1, at, 512);
                device.write(at, ByteBuffer.wrap(bytes));
                System.arraycopy(bytes, 0, expected, at, 512);
                assertThat(Guest.bytes(device)).isEqualTo(expected);
            }
        }
        images.expectSound(expected);
    }

    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void aDataFileThatIsNotEmptyDoesNotShowInNewChunks(int layout) throws BlockException {
        FvdImages images = new FvdImages(new Shape(layout, SIZE, CHUNK, 0, 0, true), new byte[0]);
        images.data().replace(SparseBytes.of(OLD));
        expectZerosAround(images);
    }

    /** It may have been put in the place of the image's own by mistake, which is no reason to destroy it. */
    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void openingDoesNotCutADataFileThatIsNotEmpty(int layout) throws BlockException {
        FvdImages images = new FvdImages(new Shape(layout, SIZE, CHUNK, 0, 0, true), new byte[0]);
        images.data().replace(SparseBytes.of(OLD));
        images.open(FvdImages.readWrite()).close();
        assertThat(images.data().snapshot().toByteArray()).isEqualTo(OLD);
        byte[] written = Pattern.bytes(1, 3 * CHUNK, 512);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            device.write(3 * CHUNK, ByteBuffer.wrap(written));
        }
        byte[] expected = OLD.clone();
        Arrays.fill(expected, 0, CHUNK, (byte) 0);
        System.arraycopy(written, 0, expected, 0, written.length);
        assertThat(images.data().snapshot().toByteArray()).isEqualTo(expected);
    }

    /** Where the system knows no holes, storage that the image has grown by is read once, lest all of it be made zero again. */
    @ParameterizedTest(name = "{0} chunks of zeros")
    @CsvSource({"3, false", "100, true"})
    void zerosAreKnownByALookAtThem(int chunks, boolean zeroed) throws BlockException {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 0, 0, true), new byte[0]);
        images.data().replace(SparseBytes.of(new byte[chunks * CHUNK]));
        RequestLog log = new RequestLog();
        images.with(images.image(), new ForwardingDriver(new RecordingDriver(FvdImages.DATA, images.data(), log)) {
            @Override
            public BlockStatus blockStatus(long offset, long bytes) {
                return BlockStatus.of(BlockStatus.DATA | BlockStatus.ALLOCATED, bytes);
            }
        });
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            device.write(0, ByteBuffer.wrap(Pattern.bytes(1, 0, 512)));
        }
        assertThat(log.entries().stream().anyMatch(entry -> entry.kind() == RequestLog.Kind.ZERO))
                .isEqualTo(zeroed);
        assertThat(images.data().snapshot().length()).isEqualTo((long) chunks * CHUNK);
    }

    /** Nor is a crash. */
    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void neitherDoesOneAfterACrash(int layout) throws BlockException {
        FvdImages images = new FvdImages(new Shape(layout, SIZE, CHUNK, 0, 0, true), new byte[0]);
        images.data().replace(SparseBytes.of(OLD));
        SparseBytes crashed;
        SparseBytes data;
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            device.write(0, ByteBuffer.wrap(Pattern.bytes(1, 0, CHUNK)));
            device.flush();
            crashed = images.image().snapshot();
            data = images.data().snapshot();
        }
        images.image().replace(crashed);
        images.data().replace(data);
        byte[] expected = OLD.clone();
        System.arraycopy(Pattern.bytes(1, 0, CHUNK), 0, expected, 0, CHUNK);
        byte[] disk = Arrays.copyOf(Pattern.bytes(1, 0, CHUNK), SIZE);
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            assertThat(images.data().snapshot().toByteArray()).isEqualTo(expected);
            device.write(CHUNK + 512, ByteBuffer.wrap(Pattern.bytes(1, CHUNK, 512)));
            System.arraycopy(Pattern.bytes(1, CHUNK, 512), 0, disk, CHUNK + 512, 512);
            assertThat(Guest.bytes(device)).isEqualTo(disk);
        }
        images.expectSound(disk);
    }

    /** What is lost of a chunk in use reads as zeros, and can be written to. */
    @Test
    void aDataFileThatHasLostItsEndInACrashGetsItBack() throws BlockException {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 0, 0, true), new byte[0]);
        SparseBytes crashed;
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            device.write(0, ByteBuffer.wrap(Pattern.bytes(1, 0, CHUNK)));
            device.flush();
            crashed = images.image().snapshot();
        }
        images.image().replace(crashed);
        images.data().replace(SparseBytes.of(Pattern.bytes(1, 0, 512)));
        images.open(FvdImages.readWrite()).close();
        assertThat(images.data().snapshot().length()).isEqualTo(CHUNK);
        images.expectSound(Arrays.copyOf(Pattern.bytes(1, 0, 512), SIZE));
    }

    /** The image is not marked before: whoever ended a look that takes long would leave one that seems to lack something. */
    @Test
    void theLookComesFirst() throws BlockException {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 0, -1, true), new byte[0]);
        images.data().replace(SparseBytes.of(Arrays.copyOf(OLD, 3 * CHUNK)));
        RequestLog log = new RequestLog();
        images.with(
                new RecordingDriver(FvdImages.IMAGE, images.image(), log),
                new RecordingDriver(FvdImages.DATA, images.data(), log));
        images.open(FvdImages.readWrite()).close();
        List<RequestLog.Entry> entries = log.entries().stream()
                .filter(entry -> entry.kind() == RequestLog.Kind.WRITE
                        || entry.file().equals(FvdImages.DATA) && entry.kind() == RequestLog.Kind.READ)
                .toList();
        assertThat(entries).hasSize(3);
        assertThat(entries.getFirst().file()).isEqualTo(FvdImages.DATA);
    }

    @Test
    void bytesThatCannotBeReadAreTakenForOldOnes() throws BlockException {
        FvdImages images = new FvdImages(new Shape(2, SIZE, CHUNK, 0, 0, true), new byte[0]);
        images.data().replace(SparseBytes.of(Arrays.copyOf(OLD, 3 * CHUNK)));
        FaultDriver broken = new FaultDriver(images.data());
        images.with(images.image(), broken);
        broken.arm(Fault.always(request -> request.kind() == RequestLog.Kind.READ));
        byte[] expected = new byte[SIZE];
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            broken.disarm();
            byte[] bytes = Pattern.bytes(1, CHUNK + 512, 512);
            device.write(CHUNK + 512, ByteBuffer.wrap(bytes));
            System.arraycopy(bytes, 0, expected, CHUNK + 512, 512);
        }
        images.expectSound(expected);
    }

    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void neitherDoesWhatStandsBehindAnImage(int layout) throws BlockException {
        FvdImages images = new FvdImages(new Shape(layout, SIZE, CHUNK, 0, 0, false), new byte[0]);
        SparseBytes file = images.image().snapshot();
        file.write(file.length(), OLD, 0, OLD.length);
        images.image().replace(file);
        expectZerosAround(images);
    }

    /** What somebody has in it must not be lost by a slip. */
    @ParameterizedTest(name = "layout {0}")
    @ValueSource(ints = {1, 2})
    void aCompactImageIsNotMadeOverADataFileThatHoldsSomething(int layout) throws BlockException {
        Shape shape = new Shape(layout, SIZE, CHUNK, 0, 0, true);
        FvdImages images = new FvdImages(shape, new byte[0]);
        images.files().put(FvdImages.DATA, OLD);
        BlockException refused = catchThrowableOfType(
                BlockException.class,
                () -> images.files().create("fvd", "other.fvd", new MemoryDriver(), shape.options()));
        assertThat(refused.errno()).isEqualTo(Errno.EINVAL);
        assertThat(refused).hasMessageContaining("must hold nothing but zeros");
        CreateOptions asTheDisk = new Shape(layout, SIZE, 0, 0, 0, true).options();
        images.files().create("fvd", "identity.fvd", new MemoryDriver(), asTheDisk);
        try (BlockDevice device = images.files().open("identity.fvd", "fvd", FvdImages.readOnly())) {
            assertThat(Guest.read(device, 0, OLD.length)).isEqualTo(OLD);
        }
    }

    /** Blocks that are preset are read from storage that nobody writes first. */
    @Test
    void zeroBlocksOfTheBaseImageWantADataFileThatHoldsNothing() throws BlockException {
        Shape shape = new Shape(2, SIZE, 0, 4096, 0, true);
        FvdImages images = new FvdImages(shape, Arrays.copyOf(Pattern.bytes(4, 0, CHUNK), SIZE));
        images.files().put(FvdImages.DATA, OLD);
        BlockException refused = catchThrowableOfType(
                BlockException.class,
                () -> images.files()
                        .create(
                                "fvd",
                                "preset.fvd",
                                new MemoryDriver(),
                                shape.options().with("detect_sparse_hole", 4096)));
        assertThat(refused).isNotNull();
        assertThat(refused.errno()).isEqualTo(Errno.EINVAL);
        assertThat(refused).hasMessageContaining("a data file that holds nothing");
    }

    /** What does not say that it is zero where nobody has written. */
    private static ForwardingDriver notZero(BlockDriver below) {
        return new ForwardingDriver(below) {
            @Override
            public boolean hasZeroInit() {
                return false;
            }
        };
    }

    /** Section 9.4: an entry must not outlive a loss of power that the zeros of its chunk do not. */
    @ParameterizedTest(name = "layout {0}, {1}")
    @CsvSource({"1, write-through", "2, write-through", "2, buffered"})
    void noLossOfPowerBringsThemBack(int layout, String mode) throws Exception {
        FvdImages images = new FvdImages(new Shape(layout, SIZE, CHUNK, 0, 4096, true), new byte[0]);
        images.data().replace(SparseBytes.of(OLD));
        RequestLog log = new RequestLog();
        RecordingDriver image = new RecordingDriver(FvdImages.IMAGE, images.image(), log);
        RecordingDriver data = new RecordingDriver(FvdImages.DATA, images.data(), log);
        images.with(image, notZero(data));
        byte[] bytes = Pattern.bytes(1, CHUNK, 512);
        try (BlockDevice device = images.open(FvdImages.readWrite(mode))) {
            device.write(CHUNK, ByteBuffer.wrap(bytes));
            device.flush();
            device.write(3 * CHUNK, ByteBuffer.wrap(bytes));
            device.flush();
        }
        byte[] nothing = new byte[CHUNK];
        new CrashStates(log, List.of(image, data)).afterPowerLoss(1, 4, state -> {
            images.with(
                    new MemoryDriver(state.file(FvdImages.IMAGE)),
                    notZero(new MemoryDriver(state.file(FvdImages.DATA))));
            try (BlockDevice device = images.open(FvdImages.readOnly())) {
                for (int chunk : new int[] {1, 3}) {
                    byte[] content = Guest.read(device, chunk * CHUNK, CHUNK);
                    boolean isZero = Arrays.equals(content, nothing);
                    boolean isWritten = Arrays.equals(content, Arrays.copyOf(bytes, CHUNK));
                    assertThat(isZero || isWritten)
                            .as("%s, chunk %d", state.description(), chunk)
                            .isTrue();
                }
            }
        });
    }
}
