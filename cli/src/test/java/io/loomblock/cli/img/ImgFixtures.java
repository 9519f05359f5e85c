// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.testkit.Tools;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The images that command lines are compared on, made by QEMU. Raw ones are written in full, as their holes are the file system's. */
final class ImgFixtures {
    private static final long FEATURES = 16;

    private ImgFixtures() {}

    static void make(Path at) throws IOException {
        create(at, "qed", "a.qed", "4M");
        write(at, "qed", "a.qed", "write -P 1 0 128k", "write -P 2 1M 64k", "write -z 2M 64k");
        create(at, "raw", "a.raw", "4M");
        write(at, "raw", "a.raw", "write -P 0 0 4M", "write -P 1 0 128k", "write -P 2 1M 64k");
        create(at, "qed", "o.qed", "-b", "a.raw", "-F", "raw");
        write(at, "qed", "o.qed", "write -P 3 64k 64k", "write -z 3M 100k");
        create(at, "qed", "p.qed", "-b", "o.qed", "-F", "qed");
        write(at, "qed", "p.qed", "write -P 4 512k 64k");
        create(at, "raw", "f.raw", "4M");
        write(at, "raw", "f.raw", "write -P 9 0 4M");
        create(at, "qed", "f.qed", "4M");
        write(at, "qed", "f.qed", "write -P 9 2M 2M", "write -P 9 0 2M");
        create(at, "raw", "small.raw", "1M");
        write(at, "raw", "small.raw", "write -P 5 0 1M");
        create(at, "raw", "big.raw", "10M");
        write(at, "raw", "big.raw", "write -P 5 0 10M");
        create(at, "qed", "short.qed", "-b", "small.raw", "-F", "raw", "4M");
        create(at, "qed", "empty.qed", "4M");
        create(at, "qed", "longer.qed", "5M");
        create(at, "raw", "longer.raw", "5M");
        write(at, "raw", "longer.raw", "write -P 0 0 5M", "write -P 9 4500000 10");
        create(at, "raw", "odd.raw", "4M");
        write(at, "raw", "odd.raw", "write -P 9 0 4M", "write -P 8 3000700 1", "truncate 4194000");
        create(at, "qed", "loop1.qed", "-u", "-b", "loop2.qed", "-F", "qed", "1M");
        create(at, "qed", "loop2.qed", "-u", "-b", "loop1.qed", "-F", "qed", "1M");
        create(at, "qed", "lost.qed", "-u", "-b", "nope.raw", "-F", "raw", "1M");
        create(at, "raw", "./colon:base.raw", "1M");
        write(at, "raw", "./colon:base.raw", "write -P 5 0 1M");
        create(at, "qed", "./colon:name.qed", "-b", "./colon:base.raw", "-F", "raw");
        create(at, "qed", "future.qed", "1M");
        patch(at.resolve("future.qed"), FEATURES, 0x10);
        create(at, "qed", "broken.qed", "4M");
        write(at, "qed", "broken.qed", "write -P 1 0 256k", "write -P 1 3M 64k");
        breakTables(at.resolve("broken.qed"));
        create(at, "qed", "leaky.qed", "4M");
        write(at, "qed", "leaky.qed", "write -P 1 0 256k");
        patch(at.resolve("leaky.qed"), l2Table(at.resolve("leaky.qed")), 0);
    }

    private static void create(Path at, String format, String name, String... rest) {
        String[] words = new String[rest.length + 5];
        System.arraycopy(new String[] {"create", "-q", "-f", format, name}, 0, words, 0, 5);
        System.arraycopy(rest, 0, words, 5, rest.length);
        Tools.qemuImg(at, words).expectExit(0);
    }

    private static void write(Path at, String format, String name, String... commands) {
        String[] words = new String[commands.length * 2 + 3];
        words[0] = "-f";
        words[1] = format;
        for (int i = 0; i < commands.length; i++) {
            words[2 + 2 * i] = "-c";
            words[3 + 2 * i] = commands[i];
        }
        words[words.length - 1] = name;
        Tools.qemuIo(at, words).expectExit(0);
    }

    /** One cluster is used twice, one entry points outside the file. */
    private static void breakTables(Path image) throws IOException {
        long table = l2Table(image);
        patch(image, table + 8, read(image, table));
        patch(image, table + 16, 1L << 40);
    }

    private static long l2Table(Path image) throws IOException {
        return read(image, 65536);
    }

    private static long read(Path image, long offset) throws IOException {
        ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel file = FileChannel.open(image)) {
            file.read(word, offset);
        }
        return word.getLong(0);
    }

    private static void patch(Path image, long offset, long value) throws IOException {
        ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        word.putLong(0, value);
        try (FileChannel file = FileChannel.open(image, StandardOpenOption.WRITE)) {
            file.write(word, offset);
        }
    }
}
