// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.Guest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.io.TempDir;

/** What the ports of QEMU's iotests have in common: images on disk, patterns, checks. */
abstract class DiskTest {
    static final long KIB = 1 << 10;
    static final long MIB = 1 << 20;
    static final long GIB = 1 << 30;

    @TempDir
    Path directory;

    Path image(String name) {
        return directory.resolve(name);
    }

    Path create(String format, String name, long size) throws BlockException {
        return create(format, name, CreateOptions.ofSize(size));
    }

    Path create(String format, String name, CreateOptions options) throws BlockException {
        Path image = image(name);
        BlockDevice.create(format, image.toString(), options, OpenOptions.readWrite());
        return image;
    }

    /** An overlay over an image of the same directory. */
    Path overlay(String name, long size, String backing, String backingFormat) throws BlockException {
        return create("qed", name, CreateOptions.ofSize(size).withBacking(backing, backingFormat));
    }

    static BlockDevice open(String format, Path image) throws BlockException {
        return BlockDevice.open(image.toString(), OpenOptions.readWrite().withFormat(format));
    }

    static BlockDevice openReadOnly(String format, Path image) throws BlockException {
        return BlockDevice.open(image.toString(), OpenOptions.readOnly().withFormat(format));
    }

    /** Writes {@code count} requests of {@code length} bytes, {@code step} apart, each with a pattern by its place. */
    static void fill(BlockDevice device, long start, int length, long step, int count) throws BlockException {
        for (long at = start; at < start + count * step; at += step) {
            Guest.write(device, at, length, pattern(at));
        }
    }

    /** Fails unless {@link #fill} has been there. */
    static void expectFill(BlockDevice device, long start, int length, long step, int count) throws BlockException {
        for (long at = start; at < start + count * step; at += step) {
            Guest.expect(device, at, length, pattern(at));
        }
    }

    private static int pattern(long at) {
        return (int) (at / 512 % 256);
    }

    static void expectClean(Path image) throws BlockException {
        OpenOptions check = OpenOptions.readOnly().withFormat("qed").withCheck(true);
        try (BlockDevice device = BlockDevice.open(image.toString(), check)) {
            var result = device.check(FixMode.NONE);
            assertThat(result.isClean()).as("%s: %s", image, result).isTrue();
        }
    }

    static void expectErrno(Errno errno, ThrowingCallable call) {
        BlockException e = catchThrowableOfType(BlockException.class, call);
        assertThat(e).as("must fail").isNotNull();
        assertThat(e.errno()).as("%s", e.getMessage()).isEqualTo(errno);
    }

    /** A request that runs at the same time as others. */
    interface Request {
        void run() throws Exception;
    }

    /** Runs all at once, each on a virtual thread, and returns when all are done; the first failure is thrown. */
    static void together(List<Request> requests) throws InterruptedException {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (Request request : requests) {
            threads.add(Thread.ofVirtual().start(() -> {
                try {
                    request.run();
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        if (failure.get() != null) {
            throw new AssertionError(failure.get());
        }
    }
}
