// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.addcow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.memory.BufferPool;
import io.loomblock.testkit.GoldenImages;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever stands in a file that says it is an add-cow image: nothing comes of it but data or a BlockException, no file is opened that was
 * not allowed, and memory is bounded.
 */
@Timeout(300)
class HostileImageTest {
    private static final int MUTATIONS = Boolean.getBoolean("loomblock.soak") ? 100_000 : 600;
    private static final long MAX_HEAP = 48L << 20;
    private static final GoldenImages GOLDEN = new GoldenImages(HostileImageTest.class, "/golden/addcow");
    private static final String[] FILES = {"a01-raw64k.img", "a01-base.raw", "a10-oddsize-64k.img", "a10-base.raw"};

    /** A field of the header. */
    private record Field(int offset, int bytes) {}

    private static final List<Field> FIELDS = List.of(
            new Field(0, 4),
            new Field(4, 4),
            new Field(8, 4),
            new Field(12, 4),
            new Field(16, 4),
            new Field(20, 4),
            new Field(24, 8),
            new Field(32, 8),
            new Field(40, 4),
            new Field(44, 8),
            new Field(52, 8),
            new Field(60, 8),
            new Field(68, 8),
            new Field(76, 8));

    private static final long[] VALUES = {
        0,
        1,
        2,
        8,
        12,
        15,
        16,
        21,
        22,
        63,
        64,
        75,
        76,
        77,
        511,
        512,
        1023,
        1024,
        4095,
        4096,
        65535,
        65536,
        1 << 20,
        (1L << 31) - 1,
        1L << 31,
        (1L << 32) - 76,
        (1L << 32) - 1,
        1L << 40,
        1L << 62,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -1
    };

    @TempDir
    Path directory;

    /** The files that the images name; copies share their pages. */
    private final Map<String, SparseBytes> unpacked = new HashMap<>();

    private static void put(byte[] image, Field field, long value) {
        ByteBuffer buffer = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
        if (field.bytes == 4) {
            buffer.putInt(field.offset, (int) value);
        } else {
            buffer.putLong(field.offset, value);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a01-raw64k.add-cow", "a10-oddsize-64k.add-cow"})
    void everyHeaderFieldWithEveryAwkwardValue(String name) throws Exception {
        byte[] good = GOLDEN.bytes(name);
        for (Field field : FIELDS) {
            for (long value : VALUES) {
                byte[] image = good.clone();
                put(image, field, value);
                use(image, name + ", field at " + field.offset + " = " + value);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a01-raw64k.add-cow", "a10-oddsize-64k.add-cow"})
    void randomMutations(String name) throws Exception {
        byte[] good = GOLDEN.bytes(name);
        for (int seed = 0; seed < MUTATIONS / 2; seed++) {
            Random random = new Random(seed);
            byte[] image = good.clone();
            int changes = 1 + random.nextInt(5);
            for (int i = 0; i < changes; i++) {
                switch (random.nextInt(4)) {
                    case 0 ->
                        put(
                                image,
                                FIELDS.get(1 + random.nextInt(FIELDS.size() - 1)),
                                VALUES[random.nextInt(VALUES.length)]);
                    case 1 -> image[random.nextInt(120)] ^= (byte) (1 << random.nextInt(8));
                    case 2 -> image[65536 + random.nextInt(64)] = (byte) random.nextInt();
                    default -> image[random.nextInt(image.length)] = (byte) random.nextInt();
                }
            }
            if (random.nextInt(8) == 0) {
                image = Arrays.copyOf(image, random.nextInt(image.length));
            }
            use(image, name + " mutated with seed " + seed);
        }
    }

    /** Does to an image all that one can do. */
    private void use(byte[] image, String what) throws Exception {
        // Once for what stays.
        files(image, new RequestLog());
        long heap = allocatedBytes();
        long buffers = BufferPool.shared().outstanding();
        try {
            look(image);
            work(image);
        } catch (RuntimeException | Error e) {
            throw new AssertionError(what + ": " + e, e);
        }
        assertThat(BufferPool.shared().outstanding()).as(what).isEqualTo(buffers);
        assertThat(allocatedBytes() - heap).as("heap, %s", what).isLessThan(MAX_HEAP);
    }

    private static long allocatedBytes() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean())
                .getThreadAllocatedBytes(Thread.currentThread().threadId());
    }

    private TestFiles files(byte[] image, RequestLog log) throws Exception {
        TestFiles files = new TestFiles();
        files.put("image", new RecordingDriver("image", new MemoryDriver(SparseBytes.of(image)), log));
        for (String name : FILES) {
            SparseBytes content = unpacked.get(name);
            if (content == null) {
                content = SparseBytes.of(GOLDEN.bytes(name));
                unpacked.put(name, content);
            }
            files.put(name, new RecordingDriver(name, new MemoryDriver(content.copy()), log));
        }
        return files;
    }

    /** Read-only: nothing may be written. */
    private void look(byte[] image) throws Exception {
        for (boolean check : new boolean[] {false, true}) {
            RequestLog log = new RequestLog();
            OpenOptions options = OpenOptions.readOnly().withMetadataBudget(0).withCheck(check);
            try (BlockDevice device = files(image, log).open("image", "add-cow", options)) {
                touch(device);
                device.check(FixMode.NONE);
            } catch (BlockException e) {
                expectOneLine(e);
            }
            assertThat(log.entries()).noneMatch(entry -> entry.kind().changes());
        }
    }

    /** Writable: nothing may be written if the image is refused. */
    private void work(byte[] image) throws Exception {
        for (boolean check : new boolean[] {false, true}) {
            RequestLog log = new RequestLog();
            OpenOptions options = OpenOptions.readWrite().withMetadataBudget(0).withCheck(check);
            BlockDevice device;
            try {
                device = files(image, log).open("image", "add-cow", options);
            } catch (BlockException e) {
                expectOneLine(e);
                assertThat(log.entries()).noneMatch(entry -> entry.kind().changes());
                continue;
            }
            try (device) {
                if (check) {
                    device.check(FixMode.ALL);
                    assertThat(device.check(FixMode.NONE).isClean()).isTrue();
                }
                touch(device);
                attempt(() -> device.write(0, ByteBuffer.wrap(new byte[5000])));
                attempt(() -> device.writeZeroes(0, Math.min(device.length(), 1 << 20), 0));
                attempt(() -> device.truncate(device.length() + 512, true, PreallocationMode.OFF));
                attempt(() -> device.changeBackingFile("other", "raw"));
                attempt(device::flush);
            } catch (BlockException e) {
                expectOneLine(e);
            }
        }
    }

    private static void touch(BlockDevice device) throws BlockException {
        long length = device.length();
        for (long at = 0; at < length; at += 1 << 20) {
            long offset = at;
            int n = (int) Math.min(1 << 16, length - at);
            attempt(() -> device.read(offset, ByteBuffer.allocate(n)));
            attempt(() -> {
                BlockStatus status = device.blockStatus(offset, length - offset);
                assertThat(status.length()).isPositive();
            });
        }
    }

    private interface Step {
        void run() throws BlockException;
    }

    private static void attempt(Step step) {
        try {
            step.run();
        } catch (BlockException e) {
            expectOneLine(e);
        }
    }

    private static void expectOneLine(BlockException e) {
        assertThat(e.reason()).isNotBlank().doesNotContain("\n");
    }

    /** The data file says how large the disk is; what it says must not decide what memory is taken, nor how long things take. */
    @ParameterizedTest(name = "clusters of 2^{0}")
    @CsvSource({"12", "16", "21"})
    void theLargestDiskThereIs(int bits) throws Exception {
        long size = Long.MAX_VALUE & -512;
        long heap = allocatedBytes();
        byte[] header = new byte[100];
        ByteBuffer b = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0, 0x574f4341).putInt(12, 76).putInt(16, 4).putInt(20, bits).putInt(40, 1 << bits);
        b.position(60).put("raw".getBytes(StandardCharsets.UTF_8));
        b.position(76).put("data".getBytes(StandardCharsets.UTF_8));
        SparseBytes image = SparseBytes.of(header);
        long clusters = (size >>> bits) + 1;
        image.truncate((1L << bits) + ((clusters / 8 >>> bits) + 1 << bits));
        SparseBytes data = new SparseBytes();
        data.truncate(size);
        TestFiles files = new TestFiles();
        files.put("image", new MemoryDriver(image));
        files.put("data", new MemoryDriver(data));
        try (BlockDevice device = files.open("image", "add-cow", OpenOptions.readWrite())) {
            assertThat(device.length()).isEqualTo(size);
            for (long at = 1; at > 0 && at < size; at <<= 3) {
                device.write(at, ByteBuffer.wrap(new byte[] {1, 2, 3}));
            }
            device.write(size - 3, ByteBuffer.wrap(new byte[] {4, 5, 6}));
            byte[] end = new byte[6];
            device.read(size - 6, ByteBuffer.wrap(end));
            assertThat(end).containsExactly(0, 0, 0, 4, 5, 6);
            assertThat(device.blockStatus(size - 512, 512).isAllocated()).isTrue();
        }
        assertThat(allocatedBytes() - heap).isLessThan(4 * MAX_HEAP);
    }

    /** Every name inside an image is asked for, under the name that will be opened (E9). */
    @Test
    void namesAreOpenedOnlyWithTheOpenersConsent() throws Exception {
        for (String name : List.of("a01-raw64k.add-cow", "a01-raw64k.img", "a01-base.raw")) {
            GOLDEN.unpack(name, directory);
        }
        String image = directory.resolve("a01-raw64k.add-cow").toString();
        List<String> asked = new ArrayList<>();
        OpenOptions nosy = OpenOptions.readWrite().withImplicitOpen(request -> asked.add(request.recordedName()));
        try (BlockDevice device = BlockDevice.open(image, nosy)) {
            assertThat(asked).containsExactly("a01-raw64k.img", "a01-base.raw");
            assertThat(device.node().backing().readOnly()).isTrue();
        }
        OpenOptions none = OpenOptions.readOnly().withImplicitOpen(ImplicitOpenPolicy.nothing());
        expectRefusal(Errno.EACCES, image, none);
    }

    private static void expectRefusal(Errno errno, String image, OpenOptions options) {
        BlockException e = catchThrowableOfType(
                BlockException.class, () -> BlockDevice.open(image, options).close());
        assertThat(e.errno()).as(e.getMessage()).isEqualTo(errno);
    }

    /** Outside of the image's directory, a device, a network: refused by the library's own policy before anything is opened. */
    @ParameterizedTest(name = "{0}")
    @ValueSource(
            strings = {"../outside.raw", "/dev/null", "/etc/hostname", "nbd:localhost:10809", "ssh://host/x", "link.raw"
            })
    void aDataFileOutsideOfTheDirectoryIsRefused(String name) throws Exception {
        Path inside = Files.createDirectories(directory.resolve("inside"));
        Files.write(directory.resolve("outside.raw"), new byte[512]);
        Files.createSymbolicLink(inside.resolve("link.raw"), Path.of("../outside.raw"));
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        byte[] header = new byte[4096];
        ByteBuffer b = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0, 0x574f4341)
                .putInt(12, 76)
                .putInt(16, bytes.length)
                .putInt(20, 12)
                .putLong(32, 1)
                .putInt(40, 4096);
        b.position(60).put("raw".getBytes(StandardCharsets.UTF_8));
        b.position(76).put(bytes);
        Path image = Files.write(inside.resolve("evil.add-cow"), header);
        expectRefusal(Errno.EACCES, image.toString(), OpenOptions.readWrite());
    }

    /** The add-cow file under other names as its own data file, and chains that contain themselves (E10). */
    @Test
    void loopsAreRefusedByIdentity() throws Exception {
        Path image = directory.resolve("a.add-cow");
        for (String name : List.of("./a.add-cow", "soft.raw", "hard.raw")) {
            Files.deleteIfExists(image);
            Files.deleteIfExists(directory.resolve("soft.raw"));
            Files.deleteIfExists(directory.resolve("hard.raw"));
            writeImage(image, name, "", "");
            Files.createSymbolicLink(directory.resolve("soft.raw"), Path.of("a.add-cow"));
            Files.createLink(directory.resolve("hard.raw"), image);
            byte[] before = Files.readAllBytes(image);
            expectRefusal(Errno.EINVAL, image.toString(), OpenOptions.readWrite());
            assertThat(Files.readAllBytes(image)).isEqualTo(before);
        }
        Files.write(directory.resolve("d.raw"), new byte[4096]);
        Files.write(directory.resolve("e.raw"), new byte[4096]);
        Files.createLink(directory.resolve("same.raw"), directory.resolve("d.raw"));
        writeImage(image, "d.raw", "same.raw", "raw");
        expectRefusal(Errno.EINVAL, image.toString(), OpenOptions.readWrite());
        Files.delete(directory.resolve("same.raw"));
        Files.createSymbolicLink(directory.resolve("same.raw"), Path.of("d.raw"));
        expectRefusal(Errno.EINVAL, image.toString(), OpenOptions.readWrite());
        // Seen by the names already, before anything else is opened.
        writeImage(image, "d.raw", "./a.add-cow", "add-cow");
        expectRefusal(Errno.EINVAL, image.toString(), OpenOptions.readOnly());
        writeImage(image, "d.raw", "b.add-cow", "add-cow");
        writeImage(directory.resolve("b.add-cow"), "e.raw", "a.add-cow", "add-cow");
        expectRefusal(Errno.ELOOP, image.toString(), OpenOptions.readOnly());
        // The same data file in two layers, and an add-cow image as data file that names the outer one.
        writeImage(directory.resolve("b.add-cow"), "d.raw", "", "");
        expectRefusal(Errno.EINVAL, image.toString(), OpenOptions.readOnly());
        assertThat(catchThrowableOfType(
                        BlockException.class, () -> BlockDevice.open(image.toString(), OpenOptions.readWrite())))
                .isNotNull();
    }

    /** Each image leads to the next one twice, through its backing file and through that of its data file: 2^30 nodes. */
    @Test
    @Timeout(60)
    void imagesThatDoubleAtEveryLevelAreRefused() throws Exception {
        int levels = 30;
        for (int i = 0; i < levels; i++) {
            String next = "n" + (i + 1) + ".add-cow";
            Path data = directory.resolve("d" + i + ".qed");
            TestFiles qed = new TestFiles();
            byte[] bytes = qed.create("qed", "d", CreateOptions.ofSize(1 << 20).withBacking(next, null))
                    .snapshot()
                    .toByteArray();
            Files.write(data, bytes);
            Path image = directory.resolve("n" + i + ".add-cow");
            writeImage(image, "d" + i + ".qed", next, "add-cow");
            byte[] header = Files.readAllBytes(image);
            System.arraycopy("qed".getBytes(StandardCharsets.UTF_8), 0, header, 60, 3);
            Files.write(image, header);
        }
        Files.write(directory.resolve("end.raw"), new byte[1 << 20]);
        writeImage(directory.resolve("n" + levels + ".add-cow"), "end.raw", "", "");
        expectRefusal(Errno.ELOOP, directory.resolve("n0.add-cow").toString(), OpenOptions.readOnly());
    }

    private static void writeImage(Path file, String data, String backing, String backingFormat) throws Exception {
        byte[] header = new byte[8192];
        ByteBuffer b = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0, 0x574f4341)
                .putInt(12, 76)
                .putInt(16, data.length())
                .putInt(20, 12)
                .putInt(40, 4096);
        if (!backing.isEmpty()) {
            b.putInt(4, 200).putInt(8, backing.length());
            b.position(200).put(backing.getBytes(StandardCharsets.UTF_8));
            b.position(44).put(backingFormat.getBytes(StandardCharsets.UTF_8));
        }
        b.position(60).put("raw".getBytes(StandardCharsets.UTF_8));
        b.position(76).put(data.getBytes(StandardCharsets.UTF_8));
        Files.write(file, header);
    }
}
