// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.VirtualThreads;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Reads, and writes of what is allocated, make no objects once the JVM has compiled them, whatever the format, so that no collector works
 * for them.
 */
@Tag("jars")
@Timeout(300)
class RequestAllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int KIB = 1 << 10;
    private static final int DISK = 4096 * KIB;
    private static final int REQUESTS = 10_000;
    /** By the last one everything has been compiled, also where others use the processors. */
    private static final int ROUNDS = 200;
    /** Bytes for each request: less than an object for each tenth. What is handed to another thread now and then takes some. */
    private static final double ALLOWED = 1.6;

    @TempDir
    Path directory;

    static Stream<Arguments> cases() {
        return Stream.of("raw", "qed", "add-cow", "fvd", "fvd over a base")
                .flatMap(format -> Stream.of(4 * KIB, 68 * KIB)
                        .flatMap(bytes ->
                                Stream.of(Arguments.of(format, bytes, false), Arguments.of(format, bytes, true))));
    }

    @ParameterizedTest(name = "{0}, {1} bytes, virtual thread: {2}")
    @MethodSource("cases")
    void requestsAllocateNothing(String format, int bytes, boolean virtual) throws Exception {
        assumeTrue(hasNative(), "java.nio needs a ByteBuffer for each request");
        Path image = create(format);
        OpenOptions options = OpenOptions.readWrite().withFormat(format.split(" ")[0]);
        try (BlockDevice device = BlockDevice.open(image.toString(), options)) {
            fill(device);
            IoVector memory = IoVector.of(AlignedBuffer.allocate(bytes));
            assertThat(leastAllocated(virtual, () -> readAnywhere(device, memory)))
                    .as("reads")
                    .isLessThan(ALLOWED);
            assertThat(leastAllocated(virtual, () -> writeAnywhere(device, memory)))
                    .as("writes")
                    .isLessThan(ALLOWED);
        }
    }

    /** Whether files are reached by the system's calls. */
    private static boolean hasNative() {
        try {
            Class.forName("io.loomblock.protocol.NativeEngine");
            return JarFile.runtimeVersion().feature() >= 22;
        } catch (ClassNotFoundException | UnsupportedClassVersionError e) {
            return false;
        }
    }

    private Path create(String format) throws IOException {
        Path image = directory.resolve("image");
        CreateOptions options = CreateOptions.ofSize(DISK);
        if (format.equals("add-cow") || format.endsWith("base")) {
            BlockDevice.create("raw", directory.resolve("base").toString(), options, OpenOptions.readWrite());
            options = options.withBacking("base", "raw");
        }
        if (format.equals("add-cow")) {
            BlockDevice.create(
                    "raw", directory.resolve("data").toString(), CreateOptions.ofSize(0), OpenOptions.readWrite());
            options = options.with("image_file", "data");
        }
        BlockDevice.create(format.split(" ")[0], image.toString(), options, OpenOptions.readWrite());
        return image;
    }

    private static void fill(BlockDevice device) throws BlockException {
        IoVector piece = IoVector.of(AlignedBuffer.allocate(64 * KIB));
        piece.fill(0, piece.size(), (byte) 1);
        for (long at = 0; at < DISK; at += piece.size()) {
            device.write(at, piece);
        }
        device.flush();
    }

    /** Some requests, all on the calling thread. */
    private interface Requests {
        void run() throws BlockException;
    }

    private static void readAnywhere(BlockDevice device, IoVector memory) throws BlockException {
        for (int i = 0; i < REQUESTS; i++) {
            device.read(place(i, memory.size()), memory);
        }
    }

    private static void writeAnywhere(BlockDevice device, IoVector memory) throws BlockException {
        for (int i = 0; i < REQUESTS; i++) {
            device.write(place(i, memory.size()), memory);
        }
    }

    private static long place(int i, int bytes) {
        return i * 7919L * 4096 % (DISK - bytes + 4096);
    }

    /** Bytes for each request in the best round. */
    private static double leastAllocated(boolean virtual, Requests requests) throws Exception {
        double least = Double.MAX_VALUE;
        for (int round = 0; round < ROUNDS && least >= ALLOWED; round++) {
            least = Math.min(least, (double) (virtual ? allByOthers(requests) : allHere(requests)) / REQUESTS);
        }
        return least;
    }

    private static long allHere(Requests requests) throws BlockException {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        requests.run();
        return THREADS.getCurrentThreadAllocatedBytes() - before;
    }

    /** What a virtual thread allocates counts for whatever carries it: so of all threads, of which the others have nothing to do. */
    private static long allByOthers(Requests requests) throws Exception {
        long before = THREADS.getTotalThreadAllocatedBytes();
        VirtualThreads.call(() -> {
            requests.run();
            return true;
        });
        return THREADS.getTotalThreadAllocatedBytes() - before;
    }
}
