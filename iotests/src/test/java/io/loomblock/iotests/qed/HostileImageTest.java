// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.memory.BufferPool;
import io.loomblock.testkit.GoldenImages;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.SparseBytes;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Images that somebody has tampered with, field by field and at random: each is refused or works, with no exception but a
 * BlockException, nothing written when refused, no file opened that was not allowed, and bounded memory (acceptance row 36).
 */
@Timeout(300)
class HostileImageTest {
    private static final int MUTATIONS = Boolean.getBoolean("loomblock.soak") ? 100_000 : 700;
    private static final long BUDGET = 256 << 10;
    /** Heap that an image may take, metadata budget and one-off buffers of the test included. */
    private static final long MAX_HEAP = 48L << 20;

    private static final GoldenImages GOLDEN = new GoldenImages(HostileImageTest.class, "/golden/qed");

    /** A field of the header. */
    private record Field(int offset, int bytes) {}

    private static final List<Field> FIELDS = List.of(
            new Field(0, 4),
            new Field(4, 4),
            new Field(8, 4),
            new Field(12, 4),
            new Field(16, 8),
            new Field(24, 8),
            new Field(32, 8),
            new Field(40, 8),
            new Field(48, 8),
            new Field(56, 4),
            new Field(60, 4));

    private static final long[] VALUES = {
        0,
        1,
        2,
        3,
        7,
        8,
        16,
        17,
        63,
        64,
        65,
        511,
        512,
        4095,
        4096,
        4097,
        8192,
        65535,
        65536,
        1 << 20,
        1 << 26,
        1 << 27,
        (1L << 31) - 1,
        1L << 31,
        (1L << 31) + 512,
        (1L << 32) - 4096,
        (1L << 32) - 1,
        1L << 32,
        1L << 40,
        1L << 52,
        1L << 62,
        Long.MAX_VALUE - 511,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        Long.MIN_VALUE + 4096,
        -4096,
        -512,
        -1
    };

    private static void put(byte[] image, Field field, long value) {
        ByteBuffer buffer = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
        if (field.bytes == 4) {
            buffer.putInt(field.offset, (int) value);
        } else {
            buffer.putLong(field.offset, value);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"corrupt-base.qed", "back-raw-noprobe.qed", "zero-mixed.qed", "py-hdr3-4k-t2.qed"})
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
    @ValueSource(
            strings = {"corrupt-base.qed", "c-multi.qed", "zero-mixed.qed", "back-raw-noprobe.qed", "dirty-killed.qed"})
    void randomMutations(String name) throws Exception {
        byte[] good = GOLDEN.bytes(name);
        for (int seed = 0; seed < MUTATIONS / 5; seed++) {
            byte[] image = mutate(good, new Random(seed));
            use(image, name + " mutated with seed " + seed);
        }
    }

    /** Changes a few fields, table entries or bytes, most of them in the first clusters, where the metadata is; cuts some files. */
    private static byte[] mutate(byte[] good, Random random) {
        byte[] image = good.clone();
        ByteBuffer buffer = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
        int clusterSize = buffer.getInt(4);
        int changes = 1 + random.nextInt(6);
        for (int i = 0; i < changes; i++) {
            switch (random.nextInt(5)) {
                case 0 -> put(image, FIELDS.get(1 + random.nextInt(10)), VALUES[random.nextInt(VALUES.length)]);
                case 1 -> image[random.nextInt(64)] ^= (byte) (1 << random.nextInt(8));
                case 2 -> {
                    // An entry that is aligned and perhaps inside the file.
                    long clusters = image.length / clusterSize + 3;
                    buffer.putLong(
                            entry(image, clusterSize, random), (long) (random.nextDouble() * clusters) * clusterSize);
                }
                case 3 -> buffer.putLong(entry(image, clusterSize, random), VALUES[random.nextInt(VALUES.length)]);
                default -> image[random.nextInt(image.length)] = (byte) random.nextInt();
            }
        }
        return random.nextInt(8) == 0 ? java.util.Arrays.copyOf(image, random.nextInt(image.length)) : image;
    }

    /** The place of some table entry, probably one that is in use. */
    private static int entry(byte[] image, int clusterSize, Random random) {
        int area = Math.min(image.length, 12 * clusterSize);
        int cluster = 1 + random.nextInt(Math.max(1, area / clusterSize - 1));
        int index = random.nextInt(4) == 0 ? random.nextInt(clusterSize / 8) : random.nextInt(8);
        return Math.min(cluster * clusterSize + index * 8, image.length - 8) & -8;
    }

    /** Does to an image all that one can do. */
    private static void use(byte[] image, String what) throws Exception {
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

    private static OpenOptions options(boolean writable) {
        return (writable ? QedImages.readWrite() : QedImages.readOnly())
                .withMetadataBudget(BUDGET)
                .withImplicitOpen(ImplicitOpenPolicy.nothing());
    }

    /** Read-only: nothing may be written. */
    private static void look(byte[] image) throws Exception {
        for (boolean noBacking : new boolean[] {false, true}) {
            RequestLog log = new RequestLog();
            RecordingDriver file = new RecordingDriver("image", new MemoryDriver(SparseBytes.of(image)), log);
            try (BlockDevice device = QedImages.open(file, options(false).withNoBacking(noBacking))) {
                touch(device);
                device.check(FixMode.NONE);
            } catch (BlockException e) {
                expectOneLine(e);
            }
            assertThat(log.entries()).noneMatch(entry -> entry.kind().changes());
        }
    }

    /** Writable: nothing may be written if the image is refused. */
    private static void work(byte[] image) throws Exception {
        for (boolean check : new boolean[] {false, true}) {
            RequestLog log = new RequestLog();
            MemoryDriver memory = new MemoryDriver(SparseBytes.of(image));
            RecordingDriver file = new RecordingDriver("image", memory, log);
            BlockDevice device;
            try {
                device = QedImages.open(file, options(true).withCheck(check).withNoBacking(true));
            } catch (BlockException e) {
                expectOneLine(e);
                // A repair that could not repair everything has begun to write; any other refusal has not.
                if (!e.reason().equals("Image corrupted")) {
                    assertThat(log.entries()).noneMatch(entry -> entry.kind().changes());
                }
                continue;
            }
            try (device) {
                if (check) {
                    device.check(FixMode.ALL);
                    device.check(FixMode.NONE);
                }
                touch(device);
                attempt(() -> device.write(0, ByteBuffer.wrap(new byte[5000])));
                attempt(() -> device.write(device.length() / 2, ByteBuffer.wrap(new byte[512])));
                attempt(() -> device.writeZeroes(0, Math.min(device.length(), 1 << 20), 0));
                attempt(() -> device.truncate(device.length() + 512, true, PreallocationMode.OFF));
                attempt(device::flush);
            } catch (BlockException e) {
                expectOneLine(e);
            }
        }
    }

    /** Reads and asks here and there. */
    private static void touch(BlockDevice device) throws BlockException {
        long length = device.length();
        long step = Math.max(1 << 16, length / 50);
        for (long at = 0; at < length; at += step) {
            long offset = at;
            int n = (int) Math.min(1 << 16, length - at);
            attempt(() -> device.read(offset, ByteBuffer.allocate(n)));
            attempt(() -> {
                BlockStatus status = device.blockStatus(offset, length - offset);
                assertThat(status.length()).isPositive();
            });
            if (at > Long.MAX_VALUE - step) {
                return;
            }
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

    /** A file of a terabyte that has next to nothing in it: what its header says must not decide what memory is taken. */
    @Test
    void hugeTablesInASparseFileTakeNoMoreThanTheBudget() throws Exception {
        long heap = allocatedBytes();
        SparseBytes bytes = new SparseBytes();
        byte[] header = new byte[64];
        int cluster = 64 << 20;
        put(header, new Field(0, 4), 0x00444551);
        put(header, new Field(4, 4), cluster);
        put(header, new Field(8, 4), 16);
        put(header, new Field(12, 4), 1);
        put(header, new Field(40, 8), cluster);
        put(header, new Field(48, 8), Long.MAX_VALUE & -512);
        bytes.write(0, header, 0, 64);
        bytes.truncate(1L << 40);
        byte[] entry = new byte[8];
        for (int i = 0; i < 400; i++) {
            ByteBuffer.wrap(entry).order(ByteOrder.LITTLE_ENDIAN).putLong(0, (17L + i * 16) * cluster);
            bytes.write(cluster + i * 8L, entry, 0, 8);
        }
        long span = (long) cluster * 16 / 8 * cluster;
        try (BlockDevice device = QedImages.open(new MemoryDriver(bytes), options(false))) {
            for (int i = 0; i < 400; i++) {
                long offset = i * span + 12345;
                device.read(offset, ByteBuffer.allocate(512));
                assertThat(device.blockStatus(offset, 1L << 40).length()).isPositive();
            }
        }
        // All that was ever allocated, buffers of the file in memory included; the tables are 400 GiB.
        assertThat(allocatedBytes() - heap).isLessThan(4 * MAX_HEAP);
    }

    @Test
    void aBackingNameIsOpenedOnlyWithTheOpenersConsent() throws Exception {
        byte[] image = GOLDEN.bytes("back-raw-noprobe.qed");
        java.util.concurrent.atomic.AtomicReference<String> asked = new java.util.concurrent.atomic.AtomicReference<>();
        OpenOptions options = QedImages.readOnly().withImplicitOpen(request -> {
            asked.set(request.recordedName());
            throw new BlockException(Errno.EACCES, "no");
        });
        BlockException e = org.assertj.core.api.Assertions.catchThrowableOfType(
                BlockException.class, () -> QedImages.open(new MemoryDriver(SparseBytes.of(image)), options));
        assertThat(e.errno()).isEqualTo(Errno.EACCES);
        assertThat(asked.get()).isEqualTo("base-a.raw");
    }
}
