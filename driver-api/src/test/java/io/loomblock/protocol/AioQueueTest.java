// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

/** Where the kernel has queues and the system no thread to read their events; by name, because they are compiled for Java 22. */
@Timeout(60)
class AioQueueTest {
    /** IOCB_CMD_PWRITE. */
    private static final short WRITE = 1;

    private static final int BYTES = 4096;
    private static final int HOLES = 500;
    private static final Set<Long> OUTCOMES =
            Set.of((long) BYTES, (long) -Errno.EAGAIN.number(), (long) -Errno.ENOTSUP.number());

    @BeforeEach
    void requireNative() {
        Assumptions.assumeTrue(TestEngine.hasNative(), "there is no FFM on this JVM");
    }

    private static Class<?> type(String name) throws ClassNotFoundException {
        return Class.forName("io.loomblock.protocol." + name);
    }

    private static Object newLibC() throws ReflectiveOperationException {
        Constructor<?> libc = type("LibC").getDeclaredConstructor();
        libc.setAccessible(true);
        return libc.newInstance();
    }

    @Test
    void withoutAThreadForItThereIsNoneAndThatIsAskedOnce() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        ThreadFactory none = reader -> {
            throw new OutOfMemoryError("unable to create native thread, as it were");
        };
        Method open = type("AioQueue").getDeclaredMethod("open", type("LibC"), ThreadFactory.class);
        open.setAccessible(true);
        Object libc = newLibC();
        Class<?> opener = type("AioQueue$Opener");
        Object opening =
                Proxy.newProxyInstance(opener.getClassLoader(), new Class<?>[] {opener}, (proxy, method, arguments) -> {
                    asked.incrementAndGet();
                    return open.invoke(null, libc, none);
                });
        Constructor<?> lazily = type("LazyAioQueue").getDeclaredConstructor(opener);
        lazily.setAccessible(true);
        Object queue = lazily.newInstance(opening);
        Method run = type("LazyAioQueue")
                .getDeclaredMethod("run", short.class, int.class, long.class, int.class, long.class, boolean.class);
        run.setAccessible(true);
        for (int request = 0; request < 3; request++) {
            assertThat((long) run.invoke(queue, (short) 0, -1, 0L, 0, 0L, false))
                    .isNegative();
        }
        assertThat(asked).hasValue(1);
        awaitNoQueues();
    }

    /** As with writes that allocate storage, on file systems that do not do that without waiting. */
    @Test
    void whatWouldHaveToWaitIsDonePatiently(@TempDir Path directory) throws Exception {
        Object libc = newLibC();
        Constructor<?> engine = type("NativeEngine").getDeclaredConstructor(type("LibC"));
        engine.setAccessible(true);
        OpenMode direct = new OpenMode(true, true, true);
        try (FileIo file = open((FileEngine) engine.newInstance(libc), directory.resolve("file"), direct);
                AlignedBuffer memory = BufferPool.shared().acquireReserved(BYTES)) {
            file.truncate(HOLES * BYTES);
            Field descriptor = file.getClass().getDeclaredField("fd");
            descriptor.setAccessible(true);
            int fd = descriptor.getInt(file);
            Method open = type("AioQueue").getDeclaredMethod("open", type("LibC"));
            open.setAccessible(true);
            Object queue = open.invoke(null, libc);
            Assumptions.assumeTrue(queue != null, "the kernel has no queues for requests");
            Method run = queue.getClass()
                    .getDeclaredMethod("run", short.class, int.class, long.class, int.class, long.class, boolean.class);
            run.setAccessible(true);
            try {
                int patient = 0;
                for (long offset = 0; offset < HOLES * BYTES; offset += BYTES) {
                    long address = memory.address(0, BYTES);
                    assertThat((long) run.invoke(queue, WRITE, fd, address, BYTES, offset, false))
                            .isIn(OUTCOMES);
                    long result = (long) run.invoke(queue, WRITE, fd, address, BYTES, offset, true);
                    assertThat(result).isIn(OUTCOMES);
                    patient += result == BYTES ? 1 : 0;
                }
                // On a busy machine some take long, and the next ones are refused; if nobody were told of their ends,
                // all but one were.
                assertThat(patient).isGreaterThan(1);
            } finally {
                Method close = queue.getClass().getDeclaredMethod("close", int.class);
                close.setAccessible(true);
                close.invoke(queue, fd);
            }
        }
    }

    private static FileIo open(FileEngine engine, Path path, OpenMode mode) {
        try {
            return engine.open(path.toString(), mode);
        } catch (BlockException e) {
            throw new TestAbortedException("no O_DIRECT here", e);
        }
    }

    /** Those of other tests go when their files are closed. */
    private static void awaitNoQueues() throws Exception {
        Path maps = Path.of("/proc/self/maps");
        boolean any = true;
        while (any) {
            try (Stream<String> lines = Files.lines(maps)) {
                any = lines.anyMatch(line -> line.contains("[aio]"));
            }
            LockSupport.parkNanos(1_000_000);
        }
    }
}
