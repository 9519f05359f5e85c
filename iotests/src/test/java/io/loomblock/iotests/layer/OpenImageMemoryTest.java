// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.layer;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.UnixOperatingSystemMXBean;
import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Closer;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.Waits;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ten open images of 16 TiB, each with more metadata in use than it may keep, have what they are allowed, and give it back. */
class OpenImageMemoryTest {
    private static final int IMAGES = 10;
    private static final long KIB = 1 << 10;
    private static final long MIB = 1 << 20;
    /** Just below 16 TiB, where ext4 ends, and so the data file of add-cow. */
    private static final long SIZE = (16L << 40) - 64 * KIB;

    private static final long BUDGET = 4 * MIB;
    private static final long POOL = 8 * MIB;
    /** Each image has memory of its own for what it copies from its backing file, and some to write metadata with. */
    private static final long WORKING_MEMORY = 4 * MIB + 256 * KIB;
    /** Nodes, drivers, and for each page of a cache where it is. */
    private static final long HEAP = 512 * KIB;

    /** What the JVM may take for itself meanwhile; a cache has more. */
    private static final long SLACK = 256 * KIB;

    private static final int REQUEST = 4096;
    /** QED makes a table of 256 KiB for each, which has 16 pages. */
    private static final int REGIONS = 10;

    private static final int WRITES_PER_REGION = 16;
    private static final long REGION = 2L << 30;
    private static final int READS = 1000;

    /** A format, and how much of an image is read to open it. */
    private enum Format {
        /** The L1 table, of 64 KiB. */
        QED("qed", 128 * KIB),
        /** Nothing of a bitmap of 32 MiB. */
        ADD_COW("add-cow", 64 * KIB),
        /**
         * The table, of 8 MiB, once: only that tells where new chunks may go. And the storage that is ready for them, of 32 MiB, where holes
         * cannot be told from data, as by java.nio. Nothing of a bitmap of 64 MiB.
         */
        FVD("fvd", 41 * MIB);

        final String word;
        final long readToOpen;

        Format(String word, long readToOpen) {
            this.word = word;
            this.readToOpen = readToOpen;
        }
    }

    @TempDir
    Path directory;

    private Path base;

    @BeforeEach
    void createBase() throws IOException {
        base = directory.resolve("base");
        BlockDevice.create("raw", base.toString(), CreateOptions.ofSize(SIZE), OpenOptions.readWrite());
    }

    @ParameterizedTest
    @EnumSource(Format.class)
    void tenHugeImagesHaveWhatTheyAreAllowedAndGiveItBack(Format format) throws Exception {
        List<Path> images = new ArrayList<>();
        for (int i = 0; i < IMAGES; i++) {
            images.add(create(format, i));
        }
        // What is made once, whatever is open.
        useAll(format, images.subList(0, 1));
        Usage before = Usage.settled();
        useAll(format, images);
        Waits.until("what images had is given back", () -> {
            Usage after = Usage.settled();
            return after.direct < before.direct + SLACK && after.descriptors <= before.descriptors;
        });
    }

    /** Nothing of this is referred to when it returns. */
    private static void useAll(Format format, List<Path> images) throws Exception {
        BufferPool pool = new BufferPool(POOL, POOL / 2);
        OpenOptions options = OpenOptions.readWrite()
                .withFormat(format.word)
                .withMetadataBudget(BUDGET)
                .withPool(pool);
        Usage before = Usage.settled();
        List<BlockDevice> devices = new ArrayList<>();
        Closer closer = new Closer();
        try {
            for (Path image : images) {
                devices.add(BlockDevice.open(image.toString(), options));
            }
            Random random = new Random(20261122);
            for (BlockDevice device : devices) {
                use(device, random);
            }
            Usage full = Usage.settled();
            assertThat(full.direct - before.direct)
                    .as("off-heap memory of %d images", images.size())
                    .isBetween(images.size() * BUDGET / 4, images.size() * (BUDGET + WORKING_MEMORY) + POOL + MIB);
            assertThat(full.heap - before.heap).as("heap").isLessThan((images.size() + 4) * HEAP);
            assertThat(pool.outstanding()).isZero();
        } finally {
            devices.forEach(device -> closer.run(device::close));
        }
        closer.throwFirst();
        assertThat(pool.outstanding()).isZero();
    }

    /** Needs every page of its metadata anew, as a rule, and changes more of them than there is room for. */
    private static void use(BlockDevice device, Random random) throws BlockException {
        IoVector memory = IoVector.of(AlignedBuffer.allocate(REQUEST));
        for (int i = 0; i < REGIONS; i++) {
            long region = random.nextLong(device.length() / REGION) * REGION;
            for (int j = 0; j < WRITES_PER_REGION; j++) {
                memory.fill(0, REQUEST, (byte) (i + j + 1));
                long offset = region + j * (REGION / WRITES_PER_REGION);
                device.write(offset, memory);
                device.read(offset, memory);
                assertThat(memory.buffer(0).getByte(0)).isEqualTo((byte) (i + j + 1));
            }
        }
        for (int i = 0; i < READS; i++) {
            device.read(random.nextLong(device.length() / REQUEST) * REQUEST, memory);
        }
    }

    @ParameterizedTest
    @EnumSource(Format.class)
    void toOpenAnImageIsToReadLittleOfIt(Format format) throws Exception {
        Path counters = Path.of("/proc/self/io");
        Assumptions.assumeTrue(Files.isReadable(counters), "this system does not tell what a process reads");
        Path image = create(format, 0);
        useAll(format, List.of(image));
        OpenOptions options = OpenOptions.readWrite().withFormat(format.word);
        long before = bytesRead(counters);
        try (BlockDevice device = BlockDevice.open(image.toString(), options)) {
            assertThat(bytesRead(counters) - before).isLessThan(format.readToOpen + 16 * KIB);
            assertThat(Files.readString(Path.of("/proc/self/maps")))
                    .as("mapped files")
                    .doesNotContain(directory.toString());
            assertThat(device.length()).isEqualTo(SIZE);
        }
        before = bytesRead(counters);
        try (BlockDevice device = BlockDevice.open(image.toString(), options.withWritable(false))) {
            assertThat(bytesRead(counters) - before).isLessThan(Format.QED.readToOpen + 16 * KIB);
            assertThat(device.length()).isEqualTo(SIZE);
        }
    }

    private static long bytesRead(Path counters) throws IOException {
        return Files.readAllLines(counters).stream()
                .filter(line -> line.startsWith("rchar: "))
                .mapToLong(line -> Long.parseLong(line.substring("rchar: ".length())))
                .findFirst()
                .orElseThrow();
    }

    private Path create(Format format, int number) throws IOException {
        Path image = directory.resolve(number + "." + format.word);
        CreateOptions options = CreateOptions.ofSize(SIZE);
        switch (format) {
            case QED -> {}
            case ADD_COW -> {
                Path data = directory.resolve(number + ".data");
                BlockDevice.create("raw", data.toString(), CreateOptions.ofSize(0), OpenOptions.readWrite());
                options = options.with("image_file", data.getFileName().toString())
                        .withBacking(base.getFileName().toString(), "raw");
            }
            // Chunks so large that the table, which has no holes, takes little room on the disk.
            case FVD ->
                options = options.with("chunk_size", 8 * MIB)
                        .with("block_size", 32 * KIB)
                        .withBacking(base.getFileName().toString(), "raw");
        }
        BlockDevice.create(format.word, image.toString(), options, OpenOptions.readWrite());
        return image;
    }

    /**
     * What this process has.
     *
     * @param direct bytes of off-heap memory
     * @param heap bytes that a collection leaves
     * @param descriptors open files
     */
    private record Usage(long direct, long heap, long descriptors) {
        /** When collections find nothing more. */
        static Usage settled() {
            long direct = directMemory();
            for (int same = 0; same < 3; ) {
                long last = direct;
                // What a collection finds is freed by another thread, some time after it.
                System.gc();
                LockSupport.parkNanos(2_000_000);
                direct = directMemory();
                same = direct == last ? same + 1 : 0;
            }
            long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
            long descriptors = ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
                    ? system.getOpenFileDescriptorCount()
                    : 0;
            return new Usage(direct, heap, descriptors);
        }

        private static long directMemory() {
            return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                    .filter(pool -> pool.getName().equals("direct"))
                    .mapToLong(BufferPoolMXBean::getMemoryUsed)
                    .sum();
        }
    }
}
