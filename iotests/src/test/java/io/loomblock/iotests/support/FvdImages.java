// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.NodeOptions;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;

/** An FVD image of a test's own making in memory, with the files that it names. */
public final class FvdImages {
    public static final String IMAGE = "test.fvd";
    public static final String DATA = "data.raw";
    public static final String BASE = "base.raw";

    /** Chunks are created in multiples of it; the format wants whole sectors only. */
    private static final int CREATED_CHUNKS = 4096;

    private final TestFiles files = new TestFiles();
    private final MemoryDriver image;
    private final MemoryDriver data;
    private final byte[] base;

    /**
     * What an image is like.
     *
     * @param version 1 or 2
     * @param size of the disk
     * @param chunkSize whole sectors; 0 for a data area that is as the disk
     * @param blockSize 0 without a base image
     * @param journalSize as creation takes it: 0 for the default, -1 for none
     * @param dataFile whether the data has a file of its own
     */
    public record Shape(int version, long size, int chunkSize, int blockSize, long journalSize, boolean dataFile) {
        public CreateOptions options() {
            CreateOptions options = CreateOptions.ofSize(size)
                    .with("version", version)
                    .with("journal_size", journalSize)
                    .with("compact_image", chunkSize > 0 ? "on" : "off");
            if (chunkSize > 0) {
                options = options.with("chunk_size", chunkSize).with("storage_grow_unit", 3L * chunkSize);
            }
            if (blockSize > 0) {
                options = options.withBacking(BASE, "raw").with("block_size", blockSize);
            }
            return dataFile ? options.with("data_file", DATA).with("data_file_fmt", "raw") : options;
        }
    }

    /** Makes an image. */
    public FvdImages(Shape shape, byte[] base) throws BlockException {
        this(shape, base, shape.options());
    }

    /** Makes an image with options of the test's own. */
    public FvdImages(Shape shape, byte[] base, CreateOptions options) throws BlockException {
        this.base = base;
        files.put(BASE, base).tellHoles();
        data = files.put(DATA, new byte[0]);
        int chunk = shape.chunkSize();
        if (chunk % CREATED_CHUNKS == 0) {
            image = files.create("fvd", IMAGE, options);
            return;
        }
        long times = CREATED_CHUNKS / chunk;
        assertThat(chunk * times).as("chunks in one of those that are created").isEqualTo(CREATED_CHUNKS);
        image = files.create("fvd", IMAGE, options.withSize(options.size() * times));
        cutChunks(chunk, shape.size());
    }

    /** Makes an image of small chunks of one of as many larger ones, which has all areas as that needs them. */
    private void cutChunks(int chunkSize, long size) {
        boolean second = read().version() == 2;
        long baseSize = Math.min(size, read().baseSize());
        withField(second ? 8 : 12, size);
        withField(second ? 2104 : 1068, baseSize);
        withField(second ? 2152 : 2220, chunkSize);
        withField(second ? 2160 : 2228, 3L * chunkSize);
        assertThat(read().problems()).isEmpty();
    }

    /** The files; others may be put in their place, which record or fail. */
    public TestFiles files() {
        return files;
    }

    public MemoryDriver image() {
        return image;
    }

    public MemoryDriver data() {
        return data;
    }

    public byte[] base() {
        return base;
    }

    /** Writable, the clock standing still. */
    public static OpenOptions readWrite() {
        return OpenOptions.readWrite().withFormat("fvd").withTimers(new FakeTimers());
    }

    /** Writable, with a journal of this mode: write-through, buffered or auto. */
    public static OpenOptions readWrite(String journalMode) {
        return readWrite().withNodeOptions(NodeOptions.of(Map.of("journal-mode", journalMode)));
    }

    /** Read-only, the clock standing still. */
    public static OpenOptions readOnly() {
        return OpenOptions.readOnly().withFormat("fvd").withTimers(new FakeTimers());
    }

    public BlockDevice open(OpenOptions options) throws BlockException {
        return files.open(IMAGE, "fvd", options);
    }

    /** Changes eight bytes of the header, as another program might have made it. */
    public FvdImages withField(int offset, long value) {
        SparseBytes bytes = image.snapshot();
        ByteBuffer field = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.write(offset, field.putLong(0, value).array(), 0, Long.BYTES);
        image.replace(bytes);
        return this;
    }

    /** Has the base image be fetched in units of so many bytes. */
    public FvdImages withPrefetchUnit(int bytes) {
        return read().version() == 2 ? withField(3248, bytes) : withField(2172, bytes | 100L << Integer.SIZE);
    }

    /** Puts files with this content in the place of those there are. */
    public FvdImages with(BlockDriver imageFile, BlockDriver dataFile) {
        files.put(IMAGE, imageFile);
        files.put(DATA, dataFile);
        return this;
    }

    /** The image as the second reader sees it. */
    public FvdReader read() {
        return read(image, data);
    }

    private static FvdReader read(MemoryDriver image, MemoryDriver data) {
        byte[] dataBytes = data.snapshot().toByteArray();
        byte[] bytes = image.snapshot().toByteArray();
        FvdReader reader = new FvdReader(bytes);
        return reader.dataFile().isEmpty() ? reader : new FvdReader(bytes, dataBytes);
    }

    /** Fails unless the image was closed in order, makes sense, and holds this. */
    public FvdReader expectSound(byte[] content) {
        return expectSound(image, data, content);
    }

    /** The same with other files. */
    public FvdReader expectSound(MemoryDriver otherImage, MemoryDriver otherData, byte[] content) {
        FvdReader reader = read(otherImage, otherData);
        assertThat(reader.isClean()).isTrue();
        assertThat(reader.problems()).isEmpty();
        assertThat(reader.content(base)).isEqualTo(content);
        return reader;
    }
}
