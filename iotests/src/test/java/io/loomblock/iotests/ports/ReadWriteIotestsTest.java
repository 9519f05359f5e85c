// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.Img;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Iotests that read, write, create and resize a single image. */
@Timeout(120)
class ReadWriteIotestsTest extends DiskTest {
    private static final long DISK = 128 * MIB;

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"qed", "raw"})
    @DisplayName("iotest 001: a whole disk in one request")
    void iotest001(String format) throws Exception {
        try (BlockDevice device = open(format, create(format, "t", DISK));
                AlignedBuffer buffer = AlignedBuffer.allocate((int) DISK)) {
            IoVector all = IoVector.of(buffer);
            buffer.fill(0, buffer.capacity(), (byte) 1);
            device.read(0, all);
            assertThat(all.isZero(0, all.size())).isTrue();
            buffer.fill(0, buffer.capacity(), (byte) 0x0a);
            device.write(0, all);
            buffer.fill(0, buffer.capacity(), (byte) 1);
            device.read(0, all);
            Guest.expect(device, 0, DISK, 0x0a);
        }
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"qed", "raw"})
    @DisplayName("iotest 002: any offset and length")
    void iotest002(String format) throws Exception {
        try (BlockDevice device = open(format, create(format, "t", DISK))) {
            Guest.write(device, 0, DISK, 0x0a);
            Guest.write(device, 66, 42, 0xab);
            Guest.write(device, 512, 288, 0xac);
            Guest.write(device, 800, 224, 0xad);
            Guest.write(device, 66000, 128 * KIB, 0xae);
            Guest.write(device, 256 * KIB, 42, 0xaf);
            Guest.expect(device, 0, 66, 0x0a);
            Guest.expect(device, 66, 42, 0xab);
            Guest.expect(device, 108, 404, 0x0a);
            Guest.expect(device, 512, 288, 0xac);
            Guest.expect(device, 800, 224, 0xad);
            Guest.expect(device, 1024, 64976, 0x0a);
            Guest.expect(device, 66000, 128 * KIB, 0xae);
            Guest.expect(device, 197072, 65072, 0x0a);
            Guest.expect(device, 256 * KIB, 42, 0xaf);
            Guest.expect(device, 262186, 470, 0x0a);
        }
    }

    @Test
    @DisplayName("iotest 003: memory in several pieces")
    void iotest003() throws Exception {
        try (BlockDevice device = open("qed", create("qed", "t", DISK));
                AlignedBuffer buffer = AlignedBuffer.allocate(1 << 20)) {
            buffer.fill(0, buffer.capacity(), (byte) 0x0b);
            List<IoVector> pieces = new ArrayList<>();
            for (int i = 0; i < 7; i++) {
                pieces.add(IoVector.of(buffer, i * 16384, 8192));
            }
            IoVector vector = IoVector.concat(pieces);
            device.write(67 * MIB, vector);
            Guest.expect(device, 67 * MIB, 7 * 8192, 0x0b);
            Guest.expect(device, 67 * MIB - 512, 512, 0);
            Guest.expect(device, 67 * MIB + 7 * 8192, 512, 0);
            buffer.fill(0, buffer.capacity(), (byte) 0);
            device.read(67 * MIB, vector);
            for (int i = 0; i < 7; i++) {
                assertThat(buffer.getByte(i * 16384)).isEqualTo((byte) 0x0b);
                assertThat(buffer.getByte(i * 16384 + 8191)).isEqualTo((byte) 0x0b);
                assertThat(buffer.isZero(i * 16384 + 8192, 8192)).isTrue();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"qed", "raw"})
    @DisplayName("iotest 004: the end of the disk")
    void iotest004(String format) throws Exception {
        Path image = create(format, "t", DISK);
        try (BlockDevice device = open(format, image)) {
            Guest.write(device, 127 * MIB, MIB, 7);
            Guest.expect(device, 127 * MIB, MIB, 7);
            for (long[] request :
                    new long[][] {{127 * MIB, 4 * MIB}, {DISK, 4096}, {140 * MIB, 4096}, {DISK - 511, 512}, {-1, 2}}) {
                try (AlignedBuffer buffer = AlignedBuffer.allocate((int) request[1])) {
                    IoVector vector = IoVector.of(buffer);
                    expectErrno(Errno.EIO, () -> device.read(request[0], vector));
                    expectErrno(Errno.EIO, () -> device.write(request[0], vector));
                }
                expectErrno(Errno.EIO, () -> device.writeZeroes(request[0], request[1], 0));
                expectErrno(Errno.EIO, () -> device.discard(request[0], request[1]));
            }
            Guest.expect(device, 127 * MIB, MIB, 7);
            assertThat(device.length()).isEqualTo(DISK);
        }
    }

    @Test
    @DisplayName("iotest 005: 5 TB")
    void iotest005() throws Exception {
        try (BlockDevice device = open("qed", create("qed", "t", 5000 * GIB))) {
            Guest.expect(device, 1024, 4096, 0);
            Guest.write(device, 8192, 4096, 5);
            Guest.expect(device, 8192, 4096, 5);
        }
    }

    @Test
    @DisplayName("iotest 008: requests in flight at the same time")
    void iotest008() throws Exception {
        try (BlockDevice device = open("qed", create("qed", "t", DISK))) {
            List<Request> requests = new ArrayList<>();
            for (long at = 0; at < DISK; at += 2 * MIB) {
                long offset = at;
                requests.add(() -> {
                    Guest.expect(device, offset, 2 * MIB, 0);
                    Guest.write(device, offset, 2 * MIB, 0x0a);
                    Guest.expect(device, offset, 2 * MIB, 0x0a);
                });
            }
            together(requests);
            Guest.expect(device, 0, DISK, 0x0a);
        }
        expectClean(image("t"));
    }

    @Test
    @DisplayName("iotest 009: an allocation between two others")
    void iotest009() throws Exception {
        Path image = create("qed", "t", 6 * GIB);
        try (BlockDevice device = open("qed", image)) {
            Guest.write(device, 2048 * KIB, 4096, 65);
            Guest.write(device, 4096, 4096, 0xcd);
            Guest.write(device, 9 * MIB, 4096, 0xcd);
            Guest.expect(device, 2044 * KIB, 4096, 0);
            Guest.expect(device, 2048 * KIB, 4096, 65);
        }
        expectClean(image);
    }

    @Test
    @DisplayName("iotest 010: an allocation before another")
    void iotest010() throws Exception {
        Path image = create("qed", "t", 6 * GIB);
        try (BlockDevice device = open("qed", image)) {
            Guest.write(device, 2048 * KIB, 4096, 0xa5);
            Guest.write(device, 64 * KIB, 4096, 0xcd);
            Guest.write(device, 9 * MIB, 4096, 0xcd);
            Guest.write(device, 2044 * KIB, 4096, 0xa5);
            Guest.write(device, 8 * MIB, 4096, 99);
            Guest.expect(device, 2044 * KIB, 8192, 0xa5);
        }
        expectClean(image);
    }

    @Test
    @DisplayName("iotest 011: two allocations in the same clusters at once")
    void iotest011() throws Exception {
        Path image = create("qed", "t", 6 * GIB);
        try (BlockDevice device = open("qed", image)) {
            List<Request> requests = new ArrayList<>();
            for (int i = 1; i <= 10; i++) {
                long at = i * MIB;
                requests.add(() -> Guest.write(device, at, MIB, 1));
                requests.add(() -> Guest.write(device, at + 512, MIB, 2));
            }
            together(requests);
            Guest.expect(device, MIB, 512, 1);
            Guest.expect(device, 11 * MIB, 512, 2);
            Guest.expect(device, 11 * MIB + 512, MIB, 0);
        }
        expectClean(image);
    }

    @Test
    @DisplayName("iotest 012: a file without write permission")
    void iotest012() throws Exception {
        Path image = create("qed", "t", DISK);
        Files.setPosixFilePermissions(image, PosixFilePermissions.fromString("r--r--r--"));
        try (BlockDevice device = openReadOnly("qed", image)) {
            Guest.expect(device, 0, 512, 0);
            expectErrno(Errno.EPERM, () -> Guest.write(device, 0, 512, 1));
        }
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"qed", "raw"})
    @DisplayName("iotest 025: growing an open disk")
    void iotest025(String format) throws Exception {
        Path image = create(format, "t", DISK);
        try (BlockDevice device = open(format, image)) {
            Guest.write(device, 0, DISK, 0xc5);
            device.truncate(3 * DISK, true, PreallocationMode.OFF);
            assertThat(device.length()).isEqualTo(3 * DISK);
            Guest.expect(device, DISK, 2 * DISK, 0);
        }
        try (BlockDevice device = open(format, image)) {
            assertThat(device.length()).isEqualTo(3 * DISK);
            Guest.expect(device, 0, DISK, 0xc5);
            Guest.expect(device, DISK, 2 * DISK, 0);
        }
        if (format.equals("qed")) {
            expectClean(image);
        }
    }

    @Test
    @DisplayName("iotest 027: the rest of a new cluster is zero")
    void iotest027() throws Exception {
        Path image = create("qed", "t", DISK);
        try (BlockDevice device = open("qed", image)) {
            Guest.write(device, 64 * KIB, 64 * KIB, 0xde);
            Guest.write(device, 1024, 2048, 0x0a);
            Guest.expect(device, 0, 1024, 0);
            Guest.expect(device, 1024, 2048, 0x0a);
            Guest.expect(device, 3072, 61 * KIB, 0);
            Guest.expect(device, 64 * KIB, 64 * KIB, 0xde);
        }
        expectClean(image);
    }

    @Test
    @DisplayName("iotest 032: closing while requests are in flight")
    void iotest032() throws Exception {
        Path image = create("qed", "t", 64 * MIB);
        BlockDevice device = open("qed", image);
        for (long at = 0; at <= 4096 * KIB; at += 128 * KIB) {
            Guest.write(device, at, 64 * KIB, 1);
        }
        CountDownLatch started = new CountDownLatch(8);
        List<Thread> writers = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            long offset = i * 512 * KIB;
            writers.add(Thread.ofVirtual().start(() -> {
                started.countDown();
                try {
                    Guest.write(device, offset, 512 * KIB, 2);
                } catch (BlockException e) {
                    // The request came too late: the device was closed.
                    assertThat(e.errno()).isEqualTo(Errno.EBADF);
                }
            }));
        }
        started.await();
        device.close();
        device.close();
        for (Thread writer : writers) {
            writer.join();
        }
        expectErrno(Errno.EBADF, () -> Guest.write(device, 0, 512, 3));
        expectClean(image);
        try (BlockDevice again = openReadOnly("qed", image)) {
            byte[] all = Guest.read(again, 0, (int) (4 * MIB));
            for (int at = 0; at < all.length; at += 64 << 10) {
                assertThat(all[at]).isIn((byte) 0, (byte) 1, (byte) 2);
            }
        }
    }

    @Test
    @DisplayName("iotest 104: sizes are rounded up to sectors by the tool, and refused by the library")
    void iotest104() throws Exception {
        Img.run("create", "-q", "-f", "qed", image("a"), "1024").expectExit(0);
        Img.run("create", "-q", "-f", "qed", image("b"), "1234").expectExit(0);
        try (BlockDevice a = openReadOnly("qed", image("a"));
                BlockDevice b = openReadOnly("qed", image("b"))) {
            assertThat(a.length()).isEqualTo(1024);
            assertThat(b.length()).isEqualTo(1536);
        }
        expectErrno(Errno.EINVAL, () -> create("qed", "c", 1234));
        assertThat(image("c")).doesNotExist();
    }

    @Test
    @DisplayName("iotest 105: 16 TB")
    void iotest105() throws Exception {
        try (BlockDevice device = open("qed", create("qed", "t", 16 * 1024 * GIB))) {
            long far = 14 * 1024 * GIB;
            Guest.expect(device, 1024, 4096, 0);
            Guest.write(device, 8192, 4096, 5);
            Guest.expect(device, far, 4096, 0);
            Guest.write(device, far, 4096, 6);
            Guest.expect(device, far, 4096, 6);
            Guest.expect(device, 8192, 4096, 5);
        }
        expectClean(image("t"));
    }

    @Test
    @DisplayName("iotest 174: another format, or no file")
    void iotest174() throws Exception {
        Path raw = create("raw", "t.raw", 256 * KIB);
        BlockException e = catchThrowableOfType(BlockException.class, () -> openReadOnly("qed", raw));
        assertThat(e.reason()).isEqualTo("Image not in QED format");
        expectErrno(Errno.ENOENT, () -> openReadOnly("qed", image("missing")));
        Img.Result wrong = Img.run("info", "-f", "qed", raw).expectExit(1);
        assertThat(wrong.err()).isEqualTo("loomblock-img: Could not open '" + raw + "': Image not in QED format\n");
        Img.run("info", "-f", "qed", image("missing")).expectExit(1);
    }

    @Test
    @DisplayName("iotest 226, part: what is no regular file")
    void iotest226() throws Exception {
        for (Path path : List.of(directory, Path.of("/dev/null"))) {
            for (OpenOptions options : List.of(OpenOptions.readOnly(), OpenOptions.readWrite())) {
                BlockException e = catchThrowableOfType(
                        BlockException.class,
                        () -> BlockDevice.open("file:" + path, options.withFormat("raw"))
                                .close());
                assertThat(e).as("%s %s", path, options.writable()).isNotNull();
                assertThat(e.reason()).doesNotContain("\n");
            }
        }
    }

    @Test
    @DisplayName("iotest 042, part: a disk of no size")
    void iotest042() throws Exception {
        Path image = create("qed", "t", 0);
        expectClean(image);
        try (BlockDevice device = open("qed", image)) {
            assertThat(device.length()).isZero();
            device.read(0, ByteBuffer.allocate(0));
            device.flush();
            expectErrno(Errno.EIO, () -> Guest.read(device, 0, 1));
        }
        Img.run("convert", "-O", "qed", image, image("u")).expectExit(0);
        expectClean(image("u"));
        Img.run("convert", "-O", "raw", image, image("v")).expectExit(0);
        assertThat(image("v")).hasSize(0);
        Path over = create("qed", "o", new CreateOptions(-1, "t", "qed", java.util.Map.of()).withSize(0));
        try (BlockDevice device = open("qed", over)) {
            assertThat(device.length()).isZero();
        }
    }

    @Test
    @DisplayName("iotest 048, part: comparing images")
    void iotest048() throws Exception {
        Path one = create("qed", "a", DISK);
        Path two = create("raw", "b", DISK);
        for (Path image : List.of(one, two)) {
            try (BlockDevice device = open(image == one ? "qed" : "raw", image)) {
                Guest.write(device, 0, 4096, 0x2a);
                Guest.write(device, 64 * MIB, MIB, 0x2b);
            }
        }
        assertThat(compare().expectExit(0).out()).isEqualTo("Images are identical.\n");
        try (BlockDevice device = open("raw", two)) {
            device.truncate(DISK + MIB, true, PreallocationMode.OFF);
        }
        assertThat(compare().expectExit(0).out())
                .contains("Image size mismatch!")
                .contains("Images are identical.");
        Img.run("compare", "-s", "-f", "qed", "-F", "raw", one, two).expectExit(1);
        for (long at : new long[] {1228800, 512, 0}) {
            try (BlockDevice device = open("raw", two)) {
                Guest.write(device, at, 512, 0x77);
            }
            assertThat(compare().expectExit(1).out()).contains("Content mismatch at offset " + at + "!");
        }
    }

    private Img.Result compare() {
        return Img.run("compare", "-f", "qed", "-F", "raw", image("a"), image("b"));
    }
}
