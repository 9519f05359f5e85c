// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import static io.loomblock.addcow.TestDisk.failure;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.Node;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.TestFiles;
import io.loomblock.testkit.TestImages;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** New images: every option, every refusal in its order, and nothing touched by one that is refused. */
@Tag("jars")
class AddCowCreationTest {
    private static final int SIZE = 1 << 20;
    private static final OpenOptions TOOLS =
            OpenOptions.readWrite().withImplicitOpen(ImplicitOpenPolicy.anyLocalFile());

    @TempDir
    Path directory;

    private Path image;

    @BeforeEach
    void files() throws IOException {
        image = directory.resolve("new.add-cow");
        Files.write(directory.resolve("base.raw"), Pattern.bytes(1, 0, SIZE));
        length("data.raw", 0);
    }

    private void length(String name, long bytes) throws IOException {
        try (RandomAccessFile made =
                new RandomAccessFile(directory.resolve(name).toFile(), "rw")) {
            made.setLength(bytes);
        }
    }

    private static CreateOptions data(long size) {
        return CreateOptions.ofSize(size).with("image_file", "data.raw");
    }

    private void create(CreateOptions options) throws BlockException {
        BlockDevice.create("add-cow", image.toString(), options, TOOLS);
    }

    private List<String> everything() throws IOException {
        try (Stream<Path> all = Files.list(directory)) {
            return all.map(p -> p.getFileName() + " " + p.toFile().length())
                    .sorted()
                    .toList();
        }
    }

    /** Fails, and changes nothing in the directory. */
    private void refused(Errno errno, CreateOptions options) throws IOException {
        List<String> before = everything();
        failure(errno, () -> create(options));
        assertThat(everything()).isEqualTo(before);
    }

    private BlockDevice open() throws BlockException {
        return BlockDevice.open(image.toString(), TOOLS);
    }

    private AddCowHeader header() throws Exception {
        try (BlockDevice file = BlockDevice.open(image.toString(), TOOLS.withFormat("file"))) {
            return new HeaderStore(file.node(), TOOLS.pool()).read();
        }
    }

    @Test
    void anImageWithoutABackingFileHasEverything() throws Exception {
        create(data(SIZE));
        assertThat(everything()).containsExactly("base.raw 1048576", "data.raw 1048576", "new.add-cow 131072");
        AddCowHeader header = header();
        assertThat(header.allAllocated()).isTrue();
        assertThat(header.clusterBits()).isEqualTo(16);
        assertThat(header.imageFormat()).isEqualTo("raw");
        assertThat(header.backingFormat()).isEmpty();
        assertThat(header.image()).isEqualTo(new AddCowHeader.NamePlace(76, 8));
        try (BlockDevice device = open()) {
            device.write(0, ByteBuffer.wrap(new byte[] {1}));
            assertThat(device.length()).isEqualTo(SIZE);
        }
        assertThat(Files.readAllBytes(directory.resolve("data.raw"))[0]).isEqualTo((byte) 1);
    }

    @Test
    void anOverlayTakesSizeAndFormatFromItsBackingFile() throws Exception {
        create(data(-1).withBacking("base.raw", null).with("cluster_size", 4096));
        AddCowHeader header = header();
        assertThat(header.allAllocated()).isFalse();
        assertThat(header.backingFormat()).isEqualTo("raw");
        assertThat(header.backing()).isEqualTo(new AddCowHeader.NamePlace(76, 8));
        assertThat(header.image()).isEqualTo(new AddCowHeader.NamePlace(84, 8));
        try (BlockDevice device = open()) {
            assertThat(device.length()).isEqualTo(SIZE);
            byte[] bytes = new byte[SIZE];
            device.read(0, ByteBuffer.wrap(bytes));
            assertThat(bytes).isEqualTo(Pattern.bytes(1, 0, SIZE));
        }
    }

    /** Without a backing file its format means nothing and is not stored. */
    @Test
    void aBackingFormatAloneIsNotStored() throws Exception {
        create(data(SIZE).withBacking(null, "raw"));
        assertThat(header().backingFormat()).isEmpty();
    }

    @Test
    void refusalsChangeNothing() throws Exception {
        CreateOptions overlay = data(SIZE).withBacking("base.raw", "raw");
        refused(Errno.EINVAL, data(-1));
        refused(Errno.EINVAL, data(SIZE).withBacking("new.add-cow", "raw"));
        refused(Errno.EINVAL, data(SIZE).withBacking("base.raw", "bogus"));
        refused(Errno.ENOENT, data(-1).withBacking("gone.raw", "raw"));
        for (String size : List.of("0", "2048", "4097", "4194304", "-4096", "many")) {
            refused(Errno.EINVAL, overlay.with("cluster_size", size));
        }
        refused(Errno.ENOENT, data(SIZE).withBacking("gone.raw", null));
        refused(Errno.EINVAL, CreateOptions.ofSize(SIZE));
        refused(Errno.EINVAL, CreateOptions.ofSize(SIZE).with("image_file", ""));
        refused(Errno.EINVAL, data(SIZE).withBacking("data.raw", "raw"));
        refused(Errno.EINVAL, CreateOptions.ofSize(SIZE).with("image_file", "new.add-cow"));
        refused(Errno.EINVAL, data(SIZE).withBacking("x".repeat(1024), "raw"));
        refused(Errno.EINVAL, CreateOptions.ofSize(SIZE).with("image_file", "x".repeat(1024)));
        refused(Errno.EINVAL, data(SIZE).with("image_fmt", "bogus"));
        refused(Errno.EINVAL, data(SIZE).with("image_fmt", "a-name-of-sixteen"));
        refused(Errno.ENOENT, CreateOptions.ofSize(SIZE).with("image_file", "gone.raw"));
        refused(Errno.EINVAL, data(SIZE + 1));
    }

    /** An image that is there survives a creation that is refused. */
    @Test
    void aPreviousImageSurvivesARefusal() throws Exception {
        Files.write(image, new byte[] {1, 2, 3});
        refused(Errno.ENOENT, CreateOptions.ofSize(SIZE).with("image_file", "gone.raw"));
        assertThat(Files.readAllBytes(image)).containsExactly(1, 2, 3);
    }

    /** Other names for the same file. */
    @Test
    void filesAreToldApartByWhatTheyAre() throws Exception {
        refused(Errno.EINVAL, data(SIZE).withBacking("./data.raw", "raw"));
        Files.createLink(directory.resolve("hard.raw"), directory.resolve("data.raw"));
        refused(Errno.EINVAL, data(SIZE).withBacking("hard.raw", "raw"));
        Files.createSymbolicLink(directory.resolve("soft.raw"), Path.of("data.raw"));
        refused(Errno.EINVAL, data(SIZE).withBacking("soft.raw", "raw"));
        Files.write(image, new byte[10]);
        Files.createLink(directory.resolve("self.raw"), image);
        refused(Errno.EINVAL, CreateOptions.ofSize(SIZE).with("image_file", "self.raw"));
        refused(Errno.EINVAL, data(SIZE).withBacking("./new.add-cow", "raw"));
    }

    /** E12 */
    /** What a creation opens: names, and whether to write. */
    private record Watching(TestFiles files, OpenOptions options, List<String> opened) implements CreateContext {
        @Override
        public String filename() {
            return "new.add-cow";
        }

        @Override
        public Node createFile() throws BlockException {
            return TestImages.node(filename(), files.put(filename(), new byte[0]), options);
        }

        @Override
        public void deleteFile() {
            throw new AssertionError("nothing fails");
        }

        @Override
        public Node openNamed(String name, @Nullable String format, OpenOptions named) throws BlockException {
            opened.add(name + " as " + format + (named.writable() ? " to write" : " to read"));
            return files.open(name, format, named).node();
        }
    }

    private static List<String> openedFor(CreateOptions options, OpenOptions opening) throws BlockException {
        TestFiles files = new TestFiles();
        files.put("data.raw", new byte[0]);
        files.put("base.raw", Pattern.bytes(1, 0, SIZE));
        Watching context = new Watching(files, opening, new ArrayList<>());
        new AddCowCreation(context, options).run();
        return context.opened;
    }

    /** E21 */
    @Test
    void aBackingFileIsNeverOpenedForWriting() throws Exception {
        assertThat(openedFor(data(-1).withBacking("base.raw", null), OpenOptions.readWrite()))
                .isNotEmpty()
                .filteredOn(opened -> opened.startsWith("base.raw"))
                .hasSizeGreaterThan(1)
                .allMatch(opened -> opened.endsWith(" to read"));
    }

    @Test
    void aBackingFileThatIsNotToBeLookedAtNeedNotBeThere() throws Exception {
        OpenOptions unsafe = OpenOptions.readWrite().withNoBacking(true);
        assertThat(openedFor(data(SIZE).withBacking("gone.raw", "raw"), unsafe))
                .containsExactly("data.raw as raw to write");
    }

    @Test
    void aDataFileIsNeverCut() throws Exception {
        Files.write(directory.resolve("data.raw"), Pattern.bytes(2, 0, 4 * SIZE));
        refused(Errno.EINVAL, data(SIZE));
        refused(Errno.EINVAL, data(SIZE).withBacking("base.raw", "raw"));
        create(data(-1).withBacking("base.raw", "raw"));
        assertThat(Files.readAllBytes(directory.resolve("data.raw"))).isEqualTo(Pattern.bytes(2, 0, 4 * SIZE));
        try (BlockDevice device = open()) {
            assertThat(device.length()).isEqualTo(4 * SIZE);
        }
        create(data(4 * SIZE));
        try (BlockDevice device = open()) {
            byte[] bytes = new byte[4 * SIZE];
            device.read(0, ByteBuffer.wrap(bytes));
            assertThat(bytes).isEqualTo(Pattern.bytes(2, 0, 4 * SIZE));
        }
    }

    /** Names are relative to the add-cow file in create as in open. */
    @Test
    void namesAreRelativeToTheAddCowFile() throws Exception {
        Path sub = Files.createDirectory(directory.resolve("sub"));
        Files.createFile(sub.resolve("inner.raw"));
        image = sub.resolve("new.add-cow");
        create(CreateOptions.ofSize(SIZE).with("image_file", "inner.raw").withBacking("../base.raw", null));
        try (BlockDevice device = open()) {
            byte[] bytes = new byte[SIZE];
            device.read(0, ByteBuffer.wrap(bytes));
            assertThat(bytes).isEqualTo(Pattern.bytes(1, 0, SIZE));
        }
        image = sub.resolve("absolute.add-cow");
        create(CreateOptions.ofSize(SIZE)
                .with("image_file", directory.resolve("data.raw").toString()));
        assertThat(directory.resolve("data.raw").toFile().length()).isEqualTo(SIZE);
        image = sub.resolve("prefixed.add-cow");
        length("data.raw", 0);
        create(CreateOptions.ofSize(SIZE).with("image_file", "file:" + directory.resolve("data.raw")));
        try (BlockDevice device = open()) {
            assertThat(device.length()).isEqualTo(SIZE);
        }
    }

    @Test
    void theLongestNamesThatFit() throws Exception {
        String base = "./".repeat(500) + "base.raw";
        String data = "./".repeat(500) + "data.raw";
        create(CreateOptions.ofSize(SIZE)
                .with("image_file", data)
                .with("cluster_size", 4096)
                .withBacking(base, "raw"));
        try (BlockDevice device = open()) {
            assertThat(device.info().backingFilename()).isEqualTo(base);
        }
    }

    @Test
    void anEmptyDiskHasNoTable() throws Exception {
        create(data(0).with("cluster_size", 4096));
        assertThat(image.toFile().length()).isEqualTo(4096);
        try (BlockDevice device = open()) {
            assertThat(device.length()).isZero();
        }
    }

    /** E16: whatever is cut off by a crash before, no half-made image is taken for one. */
    @Test
    void theHeaderIsWrittenLastAndAtOnce() throws Exception {
        RequestLog log = new RequestLog();
        MemoryDriver file = new MemoryDriver();
        MemoryDriver data = new MemoryDriver();
        TestFiles files = new TestFiles().put("data.raw", new RecordingDriver("data", data, log));
        files.create("add-cow", "new.add-cow", new RecordingDriver("file", file, log), data(SIZE));
        assertThat(log.entries())
                .filteredOn(e -> e.kind() != RequestLog.Kind.READ)
                .extracting(Object::toString)
                .containsExactly(
                        "truncate file to 131072",
                        "truncate data to 1048576",
                        "flush data",
                        "flush file",
                        "write file 84@0",
                        "flush file");
    }

    @Test
    void aCreationThatFailsHalfWayLeavesNoFile() throws Exception {
        // 2^62 bytes of data file are more than a file system takes.
        List<String> before = everything();
        failure(Errno.EFBIG, () -> create(data(1L << 62)));
        assertThat(everything()).isEqualTo(before);
    }

    /** What would never open is not made (spec section 6, step 14). */
    @Test
    void anImageThatCouldNotBeOpenedIsNotMade() throws Exception {
        refused(Errno.ENOENT, data(SIZE).withBacking("gone.raw", "raw"));
        refused(Errno.ENOENT, data(SIZE).withBacking("./new.add-cow", "add-cow"));
        length("root.raw", 65536);
        length("mid.raw", 65536);
        BlockDevice.create(
                "add-cow",
                directory.resolve("mid.add-cow").toString(),
                CreateOptions.ofSize(SIZE).with("image_file", "mid.raw").withBacking("root.raw", "raw"),
                TOOLS);
        List<String> before = everything();
        CreateOptions twice =
                CreateOptions.ofSize(SIZE).with("image_file", "root.raw").withBacking("mid.add-cow", "add-cow");
        assertThatThrownBy(() -> create(twice)).isInstanceOf(BlockException.class);
        assertThat(everything()).isEqualTo(before);
    }
}
