// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.Img;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Iotests about backing files, copy-on-write and zero clusters. */
@Timeout(120)
class BackingIotestsTest extends DiskTest {
    private static final long DISK = 6 * GIB;
    private static final long[] PLACES = {0, 4 * GIB};

    /** The images of iotest 017: patterns in the base, others beside them in the overlay. */
    private Path patterns() throws Exception {
        Path base = create("qed", "base.qed", DISK);
        try (BlockDevice device = open("qed", base)) {
            for (long o : PLACES) {
                fill(device, o, 512, 1024, 64);
                Guest.write(device, o + 64 * KIB, 64 * KIB, 11);
            }
        }
        expectClean(base);
        Path top = overlay("top.qed", DISK, "base.qed", "qed");
        expectClean(top);
        try (BlockDevice device = open("qed", top)) {
            for (long o : PLACES) {
                fill(device, o + 512, 512, 1024, 64);
                Guest.write(device, o + 128 * KIB, 64 * KIB, 22);
            }
        }
        expectClean(top);
        return top;
    }

    private static void expectPatterns(BlockDevice device) throws BlockException {
        for (long o : PLACES) {
            expectFill(device, o, 512, 1024, 64);
            expectFill(device, o + 512, 512, 1024, 64);
            Guest.expect(device, o + 64 * KIB, 64 * KIB, 11);
            Guest.expect(device, o + 128 * KIB, 64 * KIB, 22);
            Guest.expect(device, o + 192 * KIB, 128 * KIB, 0);
        }
    }

    @Test
    @DisplayName("iotest 017: sectors of base and overlay mixed in one cluster")
    void iotest017() throws Exception {
        try (BlockDevice device = openReadOnly("qed", patterns())) {
            expectPatterns(device);
        }
    }

    @Test
    @DisplayName("iotest 018: the same, converted to a flat image")
    void iotest018() throws Exception {
        Img.run("convert", "-f", "qed", "-O", "qed", patterns(), image("flat.qed"))
                .expectExit(0);
        expectClean(image("flat.qed"));
        try (BlockDevice device = openReadOnly("qed", image("flat.qed"))) {
            assertThat(device.info().backingFilename()).isNull();
            expectPatterns(device);
        }
    }

    @Test
    @DisplayName("iotest 028, part: a base that is shorter, and one that ends in the middle of a read")
    void iotest028() throws Exception {
        long size = 4 * GIB + 1536;
        Path base = create("qed", "base.qed", size - GIB);
        long end = size - GIB;
        long start = end - 32 * KIB;
        try (BlockDevice device = open("qed", base)) {
            fill(device, start, 512, 1024, 32);
        }
        Path top = overlay("top.qed", size, "base.qed", "qed");
        try (BlockDevice device = open("qed", top)) {
            fill(device, start + 512, 512, 1024, 64);
            expectFill(device, start, 512, 1024, 32);
            expectFill(device, start + 512, 512, 1024, 64);
            for (int i = 0; i < 32; i++) {
                Guest.expect(device, end + i * 1024, 512, 0);
            }
            Guest.expect(device, end + 64 * KIB, 64 * KIB, 0);
        }
        expectClean(top);
        Path odd = create("raw", "odd.raw", 3 * MIB + 512);
        try (BlockDevice device = open("raw", odd)) {
            Guest.write(device, device.length() - 16, 16, 42);
        }
        try (BlockDevice device = open("qed", overlay("over.qed", 4 * MIB, "odd.raw", "raw"))) {
            byte[] read = Guest.read(device, 3 * MIB + 512 - 16, 32);
            byte[] expected = new byte[32];
            Arrays.fill(expected, 0, 16, (byte) 42);
            assertThat(read).isEqualTo(expected);
        }
    }

    @Test
    @DisplayName("iotest 033, part: zeros across sectors and clusters, and at the borders of tables")
    void iotest033() throws Exception {
        Path image = create(
                "qed",
                "t",
                CreateOptions.ofSize(128 * MIB).with("cluster_size", 4096).with("table_size", 1));
        try (BlockDevice device = open("qed", image)) {
            Guest.write(device, 0x200, 0x400, 0x0a);
            Guest.write(device, 0x20000, 0x600, 0x0a);
            device.writeZeroes(0x400, 0x20000, 0);
            Guest.expect(device, 0x200, 0x200, 0x0a);
            Guest.expect(device, 0x400, 0x20000, 0);
            Guest.expect(device, 0x20400, 0x200, 0x0a);
            Guest.write(device, 0x10000, 0x10000, 0x0b);
            device.writeZeroes(0x10000, 0x10000, 0);
            Guest.expect(device, 0x10000, 0x10000, 0);
            Guest.write(device, 0, 0x1000, 0x0b);
            device.writeZeroes(0x200, 0x200, 0);
            Guest.expect(device, 0, 0x200, 0x0b);
            Guest.expect(device, 0x200, 0x200, 0);
            Guest.expect(device, 0x400, 0xc00, 0x0b);
            long span = 2 * MIB;
            Guest.write(device, span, 512, 1);
            Guest.write(device, 0, 512, 1);
            Guest.expect(device, 0, 512, 1);
            Guest.expect(device, span, 512, 1);
            device.writeZeroes(span - 8192, 16384, 0);
            Guest.expect(device, span - 8192, 16384, 0);
        }
        expectClean(image);
    }

    @Test
    @DisplayName("iotest 034: zeros over a base, then data into the zeros")
    void iotest034() throws Exception {
        Path base = create("qed", "base.qed", 128 * MIB);
        try (BlockDevice device = open("qed", base)) {
            Guest.write(device, 0, MIB, 0x55);
        }
        CreateOptions options =
                CreateOptions.ofSize(DISK).withBacking("base.qed", "qed").with("cluster_size", 4096);
        Path top = create("qed", "top.qed", options);
        try (BlockDevice device = open("qed", top)) {
            device.writeZeroes(64 * KIB, 192 * KIB, 0);
            device.writeZeroes(513 * KIB, 13 * KIB, 0);
        }
        expectClean(top);
        try (BlockDevice device = open("qed", top)) {
            Guest.expect(device, 0, 64 * KIB, 0x55);
            Guest.expect(device, 64 * KIB, 192 * KIB, 0);
            Guest.expect(device, 256 * KIB, 257 * KIB, 0x55);
            Guest.expect(device, 513 * KIB, 13 * KIB, 0);
            Guest.expect(device, 526 * KIB, 498 * KIB, 0x55);
            Guest.write(device, 60 * KIB, 8 * KIB, 0x0a);
            Guest.write(device, 64 * KIB, 8 * KIB, 0x0b);
            Guest.write(device, 76 * KIB, 4 * KIB, 0x0c);
            Guest.write(device, 252 * KIB, 8 * KIB, 0x0d);
            Guest.write(device, 248 * KIB, 8 * KIB, 0x0e);
            // Less than a cluster, into one that is zero.
            Guest.write(device, 100 * KIB + 512, KIB, 0x0f);
            Guest.expect(device, 0, 60 * KIB, 0x55);
            Guest.expect(device, 60 * KIB, 4 * KIB, 0x0a);
            Guest.expect(device, 64 * KIB, 8 * KIB, 0x0b);
            Guest.expect(device, 72 * KIB, 4 * KIB, 0);
            Guest.expect(device, 76 * KIB, 4 * KIB, 0x0c);
            Guest.expect(device, 80 * KIB, 20 * KIB + 512, 0);
            Guest.expect(device, 100 * KIB + 512, KIB, 0x0f);
            Guest.expect(device, 101 * KIB + 512, 146 * KIB + 512, 0);
            Guest.expect(device, 248 * KIB, 8 * KIB, 0x0e);
            Guest.expect(device, 256 * KIB, 4 * KIB, 0x0d);
            Guest.expect(device, 260 * KIB, 253 * KIB, 0x55);
            device.writeZeroes(64 * KIB, 192 * KIB, 0);
            Guest.expect(device, 64 * KIB, 192 * KIB, 0);
        }
        expectClean(top);
    }

    @Test
    @DisplayName("iotest 037: copy-on-write of one cluster, of two and of many")
    void iotest037() throws Exception {
        byte[] expected = new byte[128 << 10];
        for (int at = 0; at < expected.length; at += 512) {
            Arrays.fill(expected, at, at + 512, (byte) (at / 512));
        }
        Files.write(image("base.raw"), expected);
        CreateOptions options =
                CreateOptions.ofSize(DISK).withBacking("base.raw", "raw").with("cluster_size", 4096);
        Path top = create("qed", "top.qed", options);
        long[][] writes = {{0, 2}, {6, 2}, {9, 2}, {16, 6}, {26, 6}, {33, 5}, {48, 15}, {66, 14}, {83, 15}};
        try (BlockDevice device = open("qed", top)) {
            int value = 0x80;
            for (long[] write : writes) {
                int from = (int) (write[0] * KIB);
                int length = (int) (write[1] * KIB);
                Guest.write(device, from, length, ++value);
                Arrays.fill(expected, from, from + length, (byte) value);
                assertThat(Guest.read(device, 0, expected.length)).isEqualTo(expected);
            }
        }
        expectClean(top);
        try (BlockDevice device = openReadOnly("qed", top)) {
            assertThat(Guest.read(device, 0, expected.length)).isEqualTo(expected);
            Guest.expect(device, 128 * KIB, MIB, 0);
        }
    }

    @Test
    @DisplayName("iotest 038: many copies-on-write at once, over large clusters")
    void iotest038() throws Exception {
        byte[] expected = new byte[(int) (16 * MIB)];
        for (int at = 0; at < expected.length; at += 64 << 10) {
            Arrays.fill(expected, at, at + (64 << 10), (byte) (1 + at / (64 << 10) % 200));
        }
        Files.write(image("base.raw"), expected);
        CreateOptions options =
                CreateOptions.ofSize(DISK).withBacking("base.raw", "raw").with("cluster_size", 2 * MIB);
        Path top = create("qed", "top.qed", options);
        try (BlockDevice device = open("qed", top)) {
            List<Request> requests = new ArrayList<>();
            request(requests, device, expected, 2020 * KIB, 80 * KIB, 0xa0);
            for (int i = 0; i < 46; i++) {
                request(requests, device, expected, 2100 * KIB + i * 128 * KIB, 64 * KIB, 0xa1 + i);
            }
            together(requests);
            requests.clear();
            for (int i = 45; i >= 0; i--) {
                request(requests, device, expected, 2164 * KIB + i * 128 * KIB, 32 * KIB, 0x51 + i);
            }
            request(requests, device, expected, 8100 * KIB, 80 * KIB, 0xf0);
            together(requests);
            assertThat(Guest.read(device, 0, expected.length)).isEqualTo(expected);
        }
        expectClean(top);
    }

    /** Requests of one batch do not overlap, so what comes out is certain. */
    private static void request(
            List<Request> requests, BlockDevice device, byte[] expected, long offset, long length, int value) {
        Arrays.fill(expected, (int) offset, (int) (offset + length), (byte) value);
        requests.add(() -> Guest.write(device, offset, length, value));
    }

    @Test
    @DisplayName("iotest 043: chains that contain themselves, and one of three")
    void iotest043() throws Exception {
        Path a = create("qed", "a.qed", 128 * MIB);
        Path b = overlay("b.qed", 128 * MIB, "a.qed", "qed");
        Path c = overlay("c.qed", 128 * MIB, "b.qed", "qed");
        Img.Result chain = Img.run("info", "--backing-chain", c).expectExit(0);
        assertThat(chain.out().lines().filter(l -> l.startsWith("image: "))).hasSize(3);
        rebase(a, "a.qed");
        expectLoop(a);
        rebase(a, "b.qed");
        expectLoop(a);
        expectLoop(b);
        rebase(a, "c.qed");
        expectLoop(c);
    }

    private static void rebase(Path image, String backing) throws BlockException {
        OpenOptions alone = OpenOptions.readWrite().withFormat("qed").withNoBacking(true);
        try (BlockDevice device = BlockDevice.open(image.toString(), alone)) {
            device.changeBackingFile(backing, "qed");
        }
    }

    private static void expectLoop(Path image) {
        expectErrno(Errno.ELOOP, () -> openReadOnly("qed", image).close());
        Img.Result chain = Img.run("info", "--backing-chain", image).expectExit(1);
        assertThat(chain.err()).contains("creates an infinite loop");
    }

    @Test
    @DisplayName("iotest 069: the base is gone")
    void iotest069() throws Exception {
        Path base = create("qed", "base.qed", 128 * MIB);
        Path top = overlay("top.qed", 128 * MIB, "base.qed", "qed");
        Files.delete(base);
        BlockException e = catchThrowableOfType(BlockException.class, () -> open("qed", top));
        assertThat(e.errno()).isEqualTo(Errno.ENOENT);
        assertThat(e.reason())
                .isEqualTo("Could not open backing file: Could not open '" + base + "': No such file or directory");
    }

    @Test
    @DisplayName("iotest 110, part: a relative name counts from the image's directory")
    void iotest110() throws Exception {
        Files.createDirectories(image("sub/deep"));
        create("qed", "sub/base.qed", 128 * MIB);
        Path top = overlay("sub/deep/top.qed", 128 * MIB, "../base.qed", "qed");
        OpenOptions anyLocal = OpenOptions.readOnly()
                .withFormat("qed")
                .withImplicitOpen(io.loomblock.ImplicitOpenPolicy.anyLocalFile());
        try (BlockDevice device = BlockDevice.open(top.toString(), anyLocal)) {
            assertThat(device.info().backingFilename()).isEqualTo("../base.qed");
            assertThat(device.info().fullBackingFilename()).isEqualTo(image("sub/deep") + "/../base.qed");
        }
        // Outside of the image's own directory the library opens nothing unless told to.
        expectErrno(Errno.EACCES, () -> openReadOnly("qed", top).close());
        try (BlockDevice device = BlockDevice.open("file:" + top, anyLocal)) {
            assertThat(device.info().fullBackingFilename()).contains("/../base.qed");
        }
    }

    @Test
    @DisplayName("iotest 111: no size, and a base that is missing")
    void iotest111() {
        CreateOptions options = new CreateOptions(-1, "missing.qed", "qed", Map.of());
        Img.run("create", "-f", "qed", "-b", image("missing.qed"), "-F", "qed", image("new.qed"))
                .expectExit(1);
        assertThat(image("new.qed")).doesNotExist();
        expectErrno(Errno.EINVAL, () -> create("qed", "new.qed", options));
        assertThat(image("new.qed")).doesNotExist();
    }

    @Test
    @DisplayName("iotest 126: names with colons")
    void iotest126() throws Exception {
        Path base = image("image:base");
        BlockDevice.create("qed", base.toString(), CreateOptions.ofSize(MIB), OpenOptions.readWrite());
        try (BlockDevice device = open("qed", base)) {
            Guest.write(device, 0, 512, 7);
        }
        Path top = image("image:top");
        BlockDevice.create(
                "qed",
                "file:" + top,
                CreateOptions.ofSize(MIB).withBacking("./image:base", "qed"),
                OpenOptions.readWrite());
        assertThat(top).exists();
        for (String name : List.of(top.toString(), "file:" + top)) {
            try (BlockDevice device = BlockDevice.open(name, OpenOptions.readOnly())) {
                Guest.expect(device, 0, 512, 7);
            }
        }
        expectErrno(
                Errno.ENOENT,
                () -> BlockDevice.open("image:top", OpenOptions.readOnly()).close());
    }

    @Test
    @DisplayName("iotest 279: the nodes of a chain of three")
    void iotest279() throws Exception {
        create("qed", "base.qed", 32 * KIB);
        overlay("mid.qed", 32 * KIB, "base.qed", "qed");
        Path top = overlay("top.qed", 32 * KIB, "mid.qed", "qed");
        try (BlockDevice device = openReadOnly("qed", top)) {
            List<String> names = new ArrayList<>();
            for (Node node = device.node(); node != null; node = node.backing()) {
                names.add(Path.of(node.filename()).getFileName().toString());
                assertThat(node.driver().formatName()).isEqualTo("qed");
            }
            assertThat(names).containsExactly("top.qed", "mid.qed", "base.qed");
        }
        String json = Img.run("info", "--backing-chain", "--output=json", top)
                .expectExit(0)
                .out();
        assertThat(json.split("\"virtual-size\": 32768", -1).length - 1).isGreaterThanOrEqualTo(3);
    }
}
