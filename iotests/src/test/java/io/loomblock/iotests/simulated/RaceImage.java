// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.simulated;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import io.loomblock.iotests.support.AddCowImages;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * An image for races: how it is made, which files it is written to, and what of it can be relied on.
 *
 * @param format of the image
 * @param written the files that it is written to, the one that is opened first
 * @param options how to open it, but for the clock
 * @param survives whether what was flushed survives crashes
 * @param base what its backing file holds; empty if it has none
 * @param create makes it
 */
record RaceImage(
        String format, List<String> written, OpenOptions options, boolean survives, byte[] base, Creation create) {
    /** Not a multiple of a cluster, and more than the smallest tables and journals hold. */
    static final int SIZE = (384 << 10) + 512;

    private static final byte[] BASE = Pattern.bytes(9_000_000, 0, 300_032);
    private static final byte[] NO_BASE = new byte[0];
    private static final long TINY_JOURNAL = 4096;
    private static final String QED = "test.qed";

    /** Makes files. */
    @FunctionalInterface
    interface Creation {
        TestFiles run() throws BlockException;
    }

    String name() {
        return written.get(0);
    }

    /** What the disk reads as at first, and zeros after that. */
    byte[] shown() {
        return Arrays.copyOf(base, Math.min(base.length, SIZE));
    }

    static RaceImage qed(int clusterSize, boolean overlay) {
        byte[] base = overlay ? BASE : NO_BASE;
        return new RaceImage("qed", List.of(QED), OpenOptions.readWrite(), true, base, () -> {
            TestFiles files = new TestFiles();
            files.put("base.raw", base);
            CreateOptions options = QedImages.options(SIZE, clusterSize, 1);
            files.create("qed", QED, overlay ? options.withBacking("base.raw", "raw") : options);
            return files;
        });
    }

    static RaceImage addCow(int clusterSize) {
        List<String> written = List.of(AddCowImages.NAME, AddCowImages.DATA);
        OpenOptions options = OpenOptions.readWrite().withMetadataBudget(0);
        return new RaceImage("add-cow", written, options, true, BASE, () -> {
            TestFiles files = AddCowImages.create(SIZE, clusterSize, "raw", BASE);
            files.put(AddCowImages.DATA, SparseBytes.of(Pattern.bytes(8_000_000, 0, SIZE)));
            return files;
        });
    }

    /** {@code mode} of the journal, or {@code none}. */
    static RaceImage fvd(int version, int chunk, int block, boolean dataFile, String mode) {
        byte[] base = block == 0 ? NO_BASE : BASE;
        boolean journal = !mode.equals("none");
        OpenOptions options = OpenOptions.readWrite();
        if (journal) {
            options = options.withNodeOptions(NodeOptions.of(Map.of("journal-mode", mode)));
        }
        List<String> written = List.of(FvdImages.IMAGE, FvdImages.DATA);
        return new RaceImage(
                "fvd",
                written,
                options,
                journal,
                base,
                () -> new FvdImages(
                                new FvdImages.Shape(version, SIZE, chunk, block, journal ? TINY_JOURNAL : -1, dataFile),
                                base)
                        .files());
    }

    /** The same, with a copy of what is read from the backing file. */
    RaceImage copyingOnRead() {
        return new RaceImage(format, written, options.withCopyOnRead(true), survives, base, create);
    }

    /** An FVD image that copies on read by itself, and fetches its base image ahead of time. */
    static RaceImage fetching(int version, int chunk, int block, String mode) {
        RaceImage image = fvd(version, chunk, block, false, mode);
        CreateOptions options = new FvdImages.Shape(version, SIZE, chunk, block, TINY_JOURNAL, false)
                .options()
                .with("copy_on_read", "on")
                .with("prefetch_start_delay", 1);
        return new RaceImage(
                "fvd",
                image.written,
                image.options,
                true,
                BASE,
                () -> new FvdImages(
                                new FvdImages.Shape(version, SIZE, chunk, block, TINY_JOURNAL, false), BASE, options)
                        .files());
    }

    /** The same files with other content. */
    TestFiles with(Map<String, SparseBytes> contents) throws BlockException {
        TestFiles files = create.run();
        contents.forEach((file, bytes) -> files.put(file, new MemoryDriver(bytes.copy())));
        return files;
    }
}
