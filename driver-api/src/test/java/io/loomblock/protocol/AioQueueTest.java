// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where the kernel has queues and the system no thread to read their events; by name, because Java 21 does not see these classes. */
@Timeout(60)
class AioQueueTest {
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
