// SPDX-License-Identifier: Apache-2.0
package io.loomblock.raw;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.IdentityDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.TestImages;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A raw image is its file, byte for byte. */
@Tag("jars")
class RawDriverTest {
    private static final OpenOptions RAW = OpenOptions.readWrite().withFormat("raw");

    @TempDir
    Path directory;

    private static IoVector bytes(int size, int value) throws BlockException {
        AlignedBuffer buffer = AlignedBuffer.allocate(size);
        buffer.fill(0, size, (byte) value);
        return IoVector.of(buffer);
    }

    private static void assertErrno(Errno errno, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    private String file(int length) throws Exception {
        Path path = directory.resolve("disk.raw");
        Files.write(path, new byte[length]);
        return path.toString();
    }

    @Test
    void aFileOfOddLengthHasZerosUpToTheNextSector() throws Exception {
        String name = file(1000);
        try (BlockDevice device = BlockDevice.open(name, RAW)) {
            assertThat(device.length()).isEqualTo(1024);
            IoVector memory = bytes(1024, 9);
            device.read(0, memory);
            assertThat(memory.isZero(0, 1024)).isTrue();
            assertThat(device.blockStatus(0, 1 << 20).length()).isPositive();
            assertErrno(Errno.EIO, () -> device.read(1024, bytes(1, 0)));
            device.write(1010, bytes(14, 7));
        }
        assertThat(Files.size(Path.of(name))).isEqualTo(1024);
    }

    @Test
    void aFileTooLongForWholeSectorsIsRefused() {
        assertThatThrownBy(() -> TestImages.open(
                        "disk",
                        new ForwardingDriver(new MemoryDriver()) {
                            @Override
                            public long length() {
                                return Long.MAX_VALUE - 1;
                            }
                        },
                        RAW))
                .hasMessage("Could not refresh total sector count: File too large");
    }

    @Test
    void theDiskEndsWhereTheFileEnds() throws Exception {
        try (BlockDevice device = BlockDevice.open(file(4096), RAW)) {
            assertErrno(Errno.EIO, () -> device.write(4096, bytes(1, 1)));
            assertErrno(Errno.EIO, () -> device.write(4095, bytes(2, 1)));
            device.truncate(8192, true, PreallocationMode.OFF);
            assertThat(device.length()).isEqualTo(8192);
            device.write(8191, bytes(1, 1));
            device.truncate(512, true, PreallocationMode.OFF);
            assertErrno(Errno.EIO, () -> device.read(512, bytes(1, 1)));
        }
    }

    @Test
    void statusIsThatOfTheFile() throws Exception {
        try (BlockDevice device = TestImages.open("disk", new MemoryDriver(), RAW)) {
            assertThat(device.blockStatus(0, 1).length()).isZero();
            device.truncate(8192, true, PreallocationMode.OFF);
            BlockStatus status = device.blockStatus(4096, 1 << 20);
            assertThat(status.length()).isEqualTo(4096);
            assertThat(status.isData() && status.isAllocated()).isTrue();
            assertThat(status.hostOffset()).isEqualTo(4096);
        }
    }

    @Test
    void requestsHandTheCallersMemoryOn() throws Exception {
        MemoryDriver memory = new MemoryDriver();
        memory.truncate(8192, true, PreallocationMode.OFF);
        IdentityDriver below = new IdentityDriver(memory);
        try (BlockDevice device = TestImages.open("disk", below, RAW)) {
            IoVector mine = bytes(4096, 7);
            device.write(100, mine);
            device.read(100, mine);
            assertThat(below.handed()).hasSize(2).allMatch(handed -> handed.qiov() == mine);
        }
    }

    @Test
    void aNewImageHasItsSizeAndNothingElse() throws Exception {
        String name = directory.resolve("new").toString();
        BlockDevice.create("raw", name, CreateOptions.ofSize(123_456), OpenOptions.readWrite());
        assertThat(Files.size(Path.of(name))).isEqualTo(123_456);
        BlockDevice.create(
                "raw", name, CreateOptions.ofSize(8192).with("preallocation", "full"), OpenOptions.readWrite());
        assertThat(Files.readAllBytes(Path.of(name))).isEqualTo(new byte[8192]);
        assertErrno(
                Errno.EINVAL,
                () -> BlockDevice.create(
                        "raw", name, CreateOptions.ofSize(1).with("preallocation", "x"), OpenOptions.readWrite()));
        assertErrno(
                Errno.EINVAL, () -> BlockDevice.create("raw", name, CreateOptions.ofSize(-1), OpenOptions.readWrite()));
    }

    @Test
    void anOptionOfTheFileThatIsNotOfItsTypeIsRefusedBeforeAFileIsMade() {
        String name = directory.resolve("new").toString();
        for (String hint : List.of("nocow", "extent_size_hint")) {
            assertErrno(
                    Errno.EINVAL,
                    () -> BlockDevice.create(
                            "raw", name, CreateOptions.ofSize(1).with(hint, "maybe"), OpenOptions.readWrite()));
        }
        assertThat(Path.of(name)).doesNotExist();
    }

    @Test
    void anImageInUseSurvivesAnAttemptToMakeItAnew() throws Exception {
        String name = file(4096);
        try (BlockDevice device = BlockDevice.open(name, RAW)) {
            device.write(0, bytes(4096, 7));
            assertErrno(
                    Errno.EAGAIN,
                    () -> BlockDevice.create("raw", name, CreateOptions.ofSize(1), OpenOptions.readWrite()));
        }
        assertThat(Files.readAllBytes(Path.of(name))).hasSize(4096).containsOnly(7);
    }
}
