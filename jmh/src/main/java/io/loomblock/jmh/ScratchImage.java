// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.memory.AlignedBuffer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * An image that a benchmark works on, deleted afterwards.
 *
 * <p>One that is add-cow has a data file and a backing file without any data beside it: without a backing file it would need no bitmap.
 *
 * <p>It lies in the directory of the system property {@code loomblock.jmh.dir}, which is Java's for temporary files unless set.
 */
final class ScratchImage implements AutoCloseable {
    /** The kernel's cache is made of pieces as large as the first writes: whole clusters, around which no format writes anything else. */
    private static final int FILL = 64 << 10;

    private final Path path;
    private final BlockDevice device;

    private ScratchImage(Path path, BlockDevice device) {
        this.path = path;
        this.device = device;
    }

    /** A new image without any data, open for writing. */
    static ScratchImage create(String format, long size) throws IOException {
        Path directory = Path.of(System.getProperty("loomblock.jmh.dir", System.getProperty("java.io.tmpdir")));
        Path path = Files.createTempFile(directory, "loomblock-jmh-", "." + format);
        OpenOptions options = OpenOptions.readWrite().withFormat(format);
        CreateOptions create = CreateOptions.ofSize(size);
        if (format.equals("add-cow")) {
            create = besides(path, create);
        }
        BlockDevice.create(format, path.toString(), create, options);
        return new ScratchImage(path, BlockDevice.open(path.toString(), options));
    }

    private static CreateOptions besides(Path path, CreateOptions create) throws IOException {
        OpenOptions raw = OpenOptions.readWrite().withFormat("raw");
        BlockDevice.create("raw", dataFile(path).toString(), CreateOptions.ofSize(0), raw);
        BlockDevice.create("raw", backingFile(path).toString(), CreateOptions.ofSize(create.size()), raw);
        return create.with("image_file", dataFile(path).getFileName().toString())
                .withBacking(backingFile(path).getFileName().toString(), "raw");
    }

    private static Path dataFile(Path path) {
        return path.resolveSibling(path.getFileName() + ".data");
    }

    private static Path backingFile(Path path) {
        return path.resolveSibling(path.getFileName() + ".base");
    }

    /** Writes the whole disk once, so that everything is allocated, on disk, and in the page cache. */
    ScratchImage fill() throws IOException, InterruptedException {
        AlignedBuffer memory = AlignedBuffer.allocate(FILL);
        memory.fill(0, FILL, (byte) 0x5a);
        Load.run(SequentialLane.lanes(1, memory, device.length(), device::write));
        device.flush();
        return this;
    }

    BlockDevice device() {
        return device;
    }

    Path path() {
        return path;
    }

    @Override
    public void close() throws IOException {
        try {
            device.close();
        } finally {
            Files.delete(path);
            Files.deleteIfExists(dataFile(path));
            Files.deleteIfExists(backingFile(path));
        }
    }
}
