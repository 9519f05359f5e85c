// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.FvdReader;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.SparseBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * One change of an image as a whole, on an image of one shape: what the disk was before, what it is after, and how it is brought about.
 *
 * @param name what is done
 * @param shape of the image
 * @param damaged whether the image is damaged first, so that it opens for a repair only
 * @param work the change
 * @param expected what the disk holds afterwards, of what it held
 */
record ChangeCase(String name, Shape shape, boolean damaged, Work work, Content expected) {
    static final int SIZE = 200 << 10;
    static final String OTHER = "other.raw";
    private static final byte[] BASE = Pattern.bytes(900, 0, 150_000);

    /** A change. */
    interface Work {
        void run(BlockDevice device) throws BlockException;
    }

    /** What a disk holds afterwards. */
    interface Content {
        byte[] after(byte[] before, FvdReader image);
    }

    @Override
    public String toString() {
        return name + " " + shape;
    }

    static List<ChangeCase> all() {
        Shape table = new Shape(1, SIZE, 8192, 0, 4096, false);
        Shape both = new Shape(2, SIZE, 8192, 4096, 4096, false);
        Shape odd = new Shape(1, SIZE, 6 * 4096, 7680, 4096, false);
        Shape bitmap = new Shape(2, SIZE, 0, 8192, 4096, false);
        Shape plain = new Shape(2, SIZE, 0, 0, -1, false);
        Shape apart = new Shape(2, SIZE, 2048, 16384, 4096, true);
        Shape firstApart = new Shape(1, SIZE, 4096, 0, 4096, true);
        return Stream.of(
                        Stream.of(table, both, odd, bitmap, plain, apart).map(s -> resize("grow", s, SIZE + 30_208)),
                        Stream.of(apart, firstApart).map(s -> resize("grow out of the table", s, 6 << 20)),
                        Stream.of(table, both, odd, bitmap, plain, apart).map(s -> resize("shrink", s, 100_352)),
                        Stream.of(both, odd, bitmap, apart).map(ChangeCase::empty),
                        Stream.of(both, odd, bitmap, apart).flatMap(s -> Stream.of(rebase(s, 90_000), rebase(s, SIZE))),
                        Stream.of(both, bitmap).map(ChangeCase::removeBase),
                        Stream.of(table, both, apart).map(ChangeCase::repair))
                .flatMap(cases -> cases)
                .toList();
    }

    private static ChangeCase resize(String name, Shape shape, int size) {
        return new ChangeCase(
                name,
                shape,
                false,
                device -> device.truncate(size, true, PreallocationMode.OFF),
                (before, image) -> Arrays.copyOf(before, size));
    }

    private static ChangeCase empty(Shape shape) {
        return new ChangeCase(
                "empty", shape, false, BlockDevice::makeEmpty, (before, image) -> Arrays.copyOf(BASE, before.length));
    }

    /** The other base image is like the first as far as both reach, as the name alone may be changed safely; and zeros behind it. */
    private static ChangeCase rebase(Shape shape, int length) {
        return new ChangeCase(
                "rebase to " + length,
                shape,
                false,
                device -> device.changeBackingFile(OTHER, "raw"),
                (before, image) -> {
                    byte[] after = before.clone();
                    for (int at = length & -512; at < BASE.length; at += 512) {
                        if (!image.has(at)) {
                            Arrays.fill(after, at, at + 512, (byte) 0);
                        }
                    }
                    return after;
                });
    }

    byte[] other() {
        int length = name.startsWith("rebase to ") ? Integer.parseInt(name.substring(10)) : 0;
        return Arrays.copyOf(BASE, length & -512);
    }

    private static ChangeCase removeBase(Shape shape) {
        return new ChangeCase(
                "remove the base",
                shape,
                false,
                device -> device.changeBackingFile(null, null),
                (before, image) -> before);
    }

    private static ChangeCase repair(Shape shape) {
        return new ChangeCase("repair", shape, true, device -> device.check(FixMode.ALL), (before, image) -> before);
    }

    boolean removesBase() {
        return name.equals("remove the base");
    }

    /** An image as it is before the change, with old records in its journal. */
    FvdImages prepare() throws Exception {
        byte[] base = shape.blockSize() > 0 ? BASE : new byte[0];
        FvdImages images = new FvdImages(shape, base);
        images.files().put(OTHER, other());
        for (int session = 0; session < 2; session++) {
            try (BlockDevice device = images.open(FvdImages.readWrite())) {
                for (int at = session * 3000; at < SIZE - 9000; at += 17_000) {
                    write(device, 10 + session, at, 5000 + session * 2000);
                }
                if (removesBase()) {
                    write(device, 12, 0, SIZE);
                }
            }
        }
        if (damaged) {
            damage(images);
        }
        return images;
    }

    /** Has chunk 1 share the place of chunk 0, and chunk 2 be nowhere, in files that nobody has open. */
    private void damage(FvdImages images) {
        SparseBytes file = images.image().snapshot();
        byte[] field = new byte[8];
        file.read(shape.version() == 1 ? 2212 : 2136, field, 0, 8);
        long table = ByteBuffer.wrap(field).order(ByteOrder.LITTLE_ENDIAN).getLong();
        byte[] first = new byte[4];
        file.read(table, first, 0, 4);
        file.write(table + 4, first, 0, 4);
        file.write(table + 8, new byte[] {0, 0, 1, 0}, 0, 4);
        images.image().replace(file);
    }

    static void write(BlockDevice device, long id, int offset, int length) throws BlockException {
        device.write(offset, ByteBuffer.wrap(Pattern.bytes(id, offset, length)));
    }

    /** Options to make the change with. */
    OpenOptions options() {
        return FvdImages.readWrite().withCheck(damaged);
    }

    /** What a read-only opening shows. */
    static byte[] content(FvdImages images) throws BlockException {
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            return Guest.bytes(device);
        }
    }

    /** Opens and recovers, as whoever has the image after a crash; the content, once it has shown that storage can be taken. */
    byte[] recovered(FvdImages images, MemoryDriver file, MemoryDriver data) throws Exception {
        if (damaged) {
            try (BlockDevice device = images.open(options())) {
                assertThat(device.check(FixMode.ALL).corruptions()).isZero();
            }
        }
        byte[] content;
        byte[] written;
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            content = Guest.bytes(device);
            written = content.clone();
            for (int at = 1000; at < content.length - 700; at += 24_000) {
                write(device, 70, at, 700);
                System.arraycopy(Pattern.bytes(70, at, 700), 0, written, at, 700);
            }
            assertThat(Guest.bytes(device)).isEqualTo(written);
            assertThat(device.check(FixMode.NONE).corruptions()).isZero();
        }
        expectSound(file, data, written);
        return content;
    }

    void expectSound(MemoryDriver file, MemoryDriver data, byte[] content) {
        byte[] bytes = file.snapshot().toByteArray();
        FvdReader reader =
                shape.dataFile() ? new FvdReader(bytes, data.snapshot().toByteArray()) : new FvdReader(bytes);
        assertThat(reader.isClean()).isTrue();
        assertThat(reader.problems()).isEmpty();
        byte[] base = reader.base().equals(OTHER) ? other() : reader.base().isEmpty() ? new byte[0] : BASE;
        assertThat(reader.content(base)).isEqualTo(content);
    }

    /** Fails unless each sector is that of one of these disks, and the length as well. */
    static void expectOneOf(byte[] content, byte[]... allowed) {
        assertThat(Stream.of(allowed).map(a -> a.length)).contains(content.length);
        for (int at = 0; at < content.length; at += 512) {
            byte[] sector = Arrays.copyOfRange(content, at, at + 512);
            int from = at;
            // What is behind the end of a disk is about to be cut, or has just been added.
            boolean known = Stream.of(allowed)
                    .anyMatch(a -> Arrays.equals(
                            sector, from < a.length ? Arrays.copyOfRange(a, from, from + 512) : new byte[512]));
            assertThat(known).as("sector at " + at).isTrue();
        }
    }
}
