// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.GIB;
import static io.loomblock.iotests.ports.PortImages.KIB;
import static io.loomblock.iotests.ports.PortImages.MIB;
import static io.loomblock.iotests.ports.Requests.expectAtOnce;
import static io.loomblock.iotests.ports.Requests.expectFailure;
import static io.loomblock.iotests.ports.Requests.writeAtOnce;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.iotests.support.Guest;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Plain I/O: what is written is read back, whatever the shape of the request, and nothing is done outside of the disk. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PlainReadWriteTest {
    /** A quarter of what the original fills; the requests are still longer than any buffer of the drivers. */
    private static final int DISK = 32 * MIB;

    @TempDir
    Path directory;

    private PortImages disk(String format, long size) throws BlockException {
        PortImages images = new PortImages(directory, format);
        images.create("disk", size);
        return images;
    }

    @ForEveryFormat
    @DisplayName("iotest 001: the whole disk in one request")
    void iotest001WholeDiskInOneRequest(String format) throws Exception {
        PortImages images = disk(format, DISK);
        try (BlockDevice device = images.open("disk")) {
            expectAtOnce(device, 0, DISK, 0);
            writeAtOnce(device, 0, DISK, 0x0a);
            expectAtOnce(device, 0, DISK, 0x0a);
        }
        images.expectClean("disk");
    }

    @ForEveryFormat
    @DisplayName("iotest 002: requests at any byte leave their neighbours alone")
    void iotest002RequestsAtAnyByte(String format) throws Exception {
        int filled = MIB;
        PortImages images = disk(format, DISK);
        try (BlockDevice device = images.open("disk")) {
            writeAtOnce(device, 0, filled, 0x0a);
            writeAtOnce(device, 66, 42, 0xab);
            writeAtOnce(device, 512, 288, 0xac);
            writeAtOnce(device, 800, 224, 0xad);
            writeAtOnce(device, 66_000, 128 * KIB, 0xae);
            writeAtOnce(device, 256 * KIB, 42, 0xaf);

            expectAtOnce(device, 0, 66, 0x0a);
            expectAtOnce(device, 66, 42, 0xab);
            expectAtOnce(device, 108, 404, 0x0a);
            expectAtOnce(device, 512, 288, 0xac);
            expectAtOnce(device, 800, 224, 0xad);
            expectAtOnce(device, KIB, 64_976, 0x0a);
            expectAtOnce(device, 66_000, 128 * KIB, 0xae);
            expectAtOnce(device, 197_072, 65_072, 0x0a);
            expectAtOnce(device, 256 * KIB, 42, 0xaf);
            expectAtOnce(device, 262_186, filled - 262_186, 0x0a);
            expectAtOnce(device, filled, MIB, 0);
        }
    }

    @ForEveryFormat
    @DisplayName("iotest 003: requests scattered over many pieces of memory")
    void iotest003ScatteredRequests(String format) throws Exception {
        PortImages images = disk(format, DISK);
        long offset = DISK / 2 + 3 * MIB;
        try (BlockDevice device = images.open("disk");
                AlignedBuffer memory = AlignedBuffer.allocate(14 * 8 * KIB)) {
            IoVector pieces = everySecondPiece(memory, 7, 8 * KIB);
            pieces.fill(0, pieces.size(), (byte) 0x0b);
            device.write(offset, pieces);
            expectAtOnce(device, offset, pieces.size(), 0x0b);
            expectAtOnce(device, offset - 8 * KIB, 8 * KIB, 0);
            expectAtOnce(device, offset + pieces.size(), 8 * KIB, 0);

            memory.fill(0, memory.capacity(), (byte) 0x77);
            device.read(offset, pieces);
            for (int piece = 0; piece < 14; piece++) {
                int expected = piece % 2 == 0 ? 0x0b : 0x77;
                assertThat(memory.getByte(piece * 8 * KIB)).isEqualTo((byte) expected);
                assertThat(memory.getByte((piece + 1) * 8 * KIB - 1)).isEqualTo((byte) expected);
            }
        }
    }

    private static IoVector everySecondPiece(AlignedBuffer memory, int count, int length) {
        return IoVector.concat(IntStream.range(0, count)
                .mapToObj(i -> IoVector.of(memory, 2 * i * length, length))
                .toList());
    }

    @ForEveryFormat
    @DisplayName("iotest 004: nothing of a request is done if part of it is past the end")
    void iotest004RequestsPastTheEnd(String format) throws Exception {
        PortImages images = disk(format, 128L * MIB);
        long[][] outside = {{127L * MIB, 4 * MIB}, {128L * MIB, 4 * KIB}, {140L * MIB, 4 * KIB}};
        try (BlockDevice device = images.open("disk")) {
            writeAtOnce(device, 127L * MIB, MIB, 0x11);
            for (long[] range : outside) {
                int length = (int) range[1];
                try (AlignedBuffer buffer = AlignedBuffer.allocate(2 * length)) {
                    IoVector single = IoVector.of(buffer, 0, length);
                    IoVector scattered = everySecondPiece(buffer, 4, length / 4);
                    for (IoVector vector : List.of(single, scattered)) {
                        expectFailure(Errno.EIO, () -> device.read(range[0], vector));
                        expectFailure(Errno.EIO, () -> device.write(range[0], vector));
                    }
                }
                expectFailure(Errno.EIO, () -> device.writeZeroes(range[0], length, 0));
            }
            expectAtOnce(device, 127L * MIB, MIB, 0x11);
            assertThat(device.length()).isEqualTo(128L * MIB);
        }
    }

    @ForEveryFormat
    @DisplayName("iotest 005: a disk of 5 TB")
    void iotest005FiveTerabytes(String format) throws Exception {
        PortImages images = disk(format, 5000 * GIB);
        try (BlockDevice device = images.open("disk")) {
            assertThat(device.length()).isEqualTo(5000 * GIB);
            expectAtOnce(device, KIB, 4 * KIB, 0);
            writeAtOnce(device, 8 * KIB, 4 * KIB, 0x05);
            writeAtOnce(device, 5000 * GIB - 4 * KIB, 4 * KIB, 0x06);
            expectAtOnce(device, 8 * KIB, 4 * KIB, 0x05);
            expectAtOnce(device, 5000 * GIB - 4 * KIB, 4 * KIB, 0x06);
        }
    }

    @ForEveryFormat
    @DisplayName("iotest 008: the whole disk by many requests at once")
    void iotest008ManyRequestsAtOnce(String format) throws Exception {
        PortImages images = disk(format, DISK);
        try (BlockDevice device = images.open("disk")) {
            List<Requests.Step> writes = new ArrayList<>();
            List<Requests.Step> reads = new ArrayList<>();
            for (long at = 0; at < DISK; at += MIB) {
                long offset = at;
                writes.add(() -> writeAtOnce(device, offset, MIB, 0x0a));
                reads.add(() -> expectAtOnce(device, offset, MIB, 0x0a));
            }
            Requests.together(writes);
            Requests.together(reads);
            images.expectClean(device);
        }
    }

    @ForEveryFormat
    @DisplayName("iotest 025: growing a disk that is open")
    void iotest025GrowingADisk(String format) throws Exception {
        long before = 8L * MIB;
        long after = 24L * MIB;
        PortImages images = disk(format, before);
        try (BlockDevice device = images.open("disk")) {
            Guest.write(device, 0, before, 0xc5);
            images.expectClean(device);
            device.truncate(after, true, PreallocationMode.OFF);
            assertThat(device.length()).isEqualTo(after);
            images.expectClean(device);
        }
        try (BlockDevice device = images.openReadOnly("disk")) {
            assertThat(device.length()).isEqualTo(after);
            Guest.expect(device, 0, before, 0xc5);
            Guest.expect(device, before, after - before, 0);
        }
    }

    @ForEveryFormat
    @DisplayName("iotest 032: closing while a request is in flight")
    void iotest032ClosingWithARequestInFlight(String format) throws Exception {
        PortImages images = disk(format, 64L * MIB);
        BlockDevice device = images.open("disk");
        for (long at = 0; at <= 4 * MIB; at += 128 * KIB) {
            writeAtOnce(device, at, 64 * KIB, 0x20);
        }
        boolean[] refused = new boolean[1];
        Requests.together(List.of(
                () -> {
                    try {
                        writeAtOnce(device, 0, 4 * MIB, 0x21);
                    } catch (BlockException e) {
                        assertThat(e.errno()).isEqualTo(Errno.EBADF);
                        refused[0] = true;
                    }
                },
                device::close));
        images.expectClean("disk");
        try (BlockDevice again = images.openReadOnly("disk")) {
            expectAtOnce(again, 0, 64 * KIB, refused[0] ? 0x20 : 0x21);
            expectAtOnce(again, 64 * KIB, 64 * KIB, refused[0] ? 0 : 0x21);
            expectAtOnce(again, 4 * MIB, 64 * KIB, 0x20);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"qed", "fvd"})
    @DisplayName("iotest 105: a disk of 16 TiB")
    void iotest105SixteenTebibytes(String format) throws Exception {
        PortImages images = disk(format, 16L * 1024 * GIB);
        long far = 14L * 1024 * GIB;
        try (BlockDevice device = images.open("disk")) {
            expectAtOnce(device, KIB, 4 * KIB, 0);
            writeAtOnce(device, 8 * KIB, 4 * KIB, 0x10);
            expectAtOnce(device, far, 4 * KIB, 0);
            writeAtOnce(device, far, 4 * KIB, 0x14);
            expectAtOnce(device, far, 4 * KIB, 0x14);
            expectAtOnce(device, 8 * KIB, 4 * KIB, 0x10);
        }
    }
}
